"""Networks with a fault planted in their backward pass, to try a gradient check on.

`cases` draws what to build, `layers` builds it, `by_hand` runs a layer with a backward pass written
by hand, right or with a fault, `subjects` puts it as a check wants it and says what is true of it
by autograd of the network without the fault, and `trials` holds what a check said against that.
Nothing here knows how `check_gradients` works.
"""
