"""What a model needs of memory, before it is run: an account by kind, on fake tensors.

`profile` is the question and `account` the answer. In between: `inputs` and `spec` read what is
asked for (`hugging_face` and `timm_models` models by name), `tracing` makes model and inputs fake,
`step` runs one step (`checkpointing` its blocks), `kernels` says what a GPU would do, and `tracker`
counts. `beside` says what a GPU holds beside the tensors, of what is known by its name (`gpus`), of
cuBLAS (`workspace`) and of cuDNN (`convolutions`). `measured` runs the step for real, `fit` finds
the largest batch, and `figure` draws.
"""
