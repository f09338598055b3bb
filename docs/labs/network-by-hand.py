# ---
# title: A network by hand
# description: Six weights from two inputs, three more to the output, and every gradient worked out on paper; then the same lines train a network on real digits.
# order: 1
# tags: [backpropagation, gradients, learning rate]
# ---

# %% [markdown]
# A neural network is layers of weighted sums, with a bend after each but the last. Backpropagation is the chain rule, written down from the end. This lab does both with numbers you can check in your head, makes one step of gradient descent, and sees it go wrong. Then the same lines, written with matrices, learn to read digits.
#
# It takes about half an hour. You need to know what a derivative is, and what a matrix product is from the middle on. PyTorch works out the gradients a second time, to check yours.
#
# ## The network
#
# Two inputs, three hidden units, one output. A hidden unit takes a weighted sum of the inputs, adds its bias, and passes the result on if it is positive; otherwise it passes on 0. That is a ReLU. The output is a weighted sum of the hidden units.
#
# $$
# z_j = w_{j1} x_1 + w_{j2} x_2 + b_j, \qquad h_j = \max(0, z_j), \qquad
# y = w_1 h_1 + w_2 h_2 + w_3 h_3 + b_o .
# $$
#
# The loss is $L = (y - t)^2$, where $t$ is the answer we want.
#
# This network stands on an exercise sheet. The inputs are 1 and 2, the target is 3, all biases are 0. The drawing with the weights is lost; these fit the gradients in the sheet's solution:

# %%
x1, x2 = 1.0, 2.0
target = 3.0

w11, w12, b1 = 2.0, 1.0, 0.0  # into hidden unit 1
w21, w22, b2 = 1.0, -1.0, 0.0  # into hidden unit 2
w31, w32, b3 = 1.0, 2.0, 0.0  # into hidden unit 3
w1, w2, w3, bo = -1.0, 0.5, 2.0, 0.0  # into the output

# %% [markdown]
# ## Forward
#
# Work out $z_1$, $z_2$ and $z_3$ on paper before you look.

# %%
z1 = w11 * x1 + w12 * x2 + b1
z2 = w21 * x1 + w22 * x2 + b2
z3 = w31 * x1 + w32 * x2 + b3
z1, z2, z3

# %% [markdown]
# Unit 2 is negative, so its ReLU passes on nothing. The others go through unchanged.

# %%
h1, h2, h3 = max(z1, 0), max(z2, 0), max(z3, 0)
y = w1 * h1 + w2 * h2 + w3 * h3 + bo
loss = (y - target) ** 2
print(f"h = ({h1}, {h2}, {h3}),  y = {y},  loss = {loss}")

# %% [markdown]
# The output is 6 and should be 3. The loss is 9.
#
# ## Backward
#
# A gradient answers one question: if this number went up a little, how fast would the loss go up? Begin at the end, where the answer is easy, and walk back.
#
# The loss is $(y - t)^2$, so its slope in $y$ is $2(y - t)$.

# %%
dy = 2 * (y - target)
dy

# %% [markdown]
# Write `dy` for $\partial L/\partial y$, and so on for the others. The output is a sum. Its term $w_1 h_1$ grows by $h_1$ for each unit of $w_1$, and by $w_1$ for each unit of $h_1$. Multiply by what came from above, and that is the chain rule.

# %%
dw1, dw2, dw3, dbo = dy * h1, dy * h2, dy * h3, dy
dh1, dh2, dh3 = dy * w1, dy * w2, dy * w3
print("to the weights:", dw1, dw2, dw3, " to the bias:", dbo)
print("to the units:  ", dh1, dh2, dh3)

# %% [markdown]
# The weight $w_2$ gets nothing, because $h_2$ is 0: change $w_2$ as you like, the output stays as it is.
#
# Now through the ReLU. Where it let the number through, its slope is 1 and the gradient passes. Where it did not, the slope is 0 and the gradient stops.

# %%
dz1, dz2, dz3 = dh1 * (z1 > 0), dh2 * (z2 > 0), dh3 * (z3 > 0)
dz1, dz2, dz3

# %% [markdown]
# The last step back is again a sum: each weight gets the gradient of its unit, times the input it multiplies.

# %%
dw11, dw12, db1 = dz1 * x1, dz1 * x2, dz1
dw21, dw22, db2 = dz2 * x1, dz2 * x2, dz2
dw31, dw32, db3 = dz3 * x1, dz3 * x2, dz3
by_hand = [
    [dw11, dw12, db1],
    [dw21, dw22, db2],
    [dw31, dw32, db3],
    [dw1, dw2, dw3, dbo],
]
for row in by_hand:
    print(row)

# %% [markdown]
# That is all of backpropagation. Thirteen numbers, and none took more than a product.
#
# Here they are on the network. Blue is what runs forward, orange what runs back. Look at unit 2: a 3 arrives from the right and stops at the ReLU.

# %%
#| label: network
#| code-fold: true
#| fig-title: Forward from left to right, backward from right to left
#| fig-sub: Blue: values and weights. Orange: the gradient of the loss with respect to each. Biases are left out.
#| fig-alt: A network of two inputs, three hidden units and one output. The values are 1 and 2, then 4, 0 and 5, then 6. Each edge carries its weight and its gradient. A gradient of 3 arrives at hidden unit 2, and the edges into that unit have gradient 0.
import matplotlib.pyplot as plt

_, axes = plt.subplots()
axes.axis("off")
axes.set(xlim=(-0.2, 2.2), ylim=(-1.4, 1.45))


def write(text, place, offset, color, side="center"):
    axes.annotate(
        text.replace("-", "−"), place, offset, textcoords="offset points",
        ha=side, va="center", color=color,
    )


def edge(start, end, along, weight, gradient):
    (a, b), (c, d) = start, end
    axes.plot([a, c], [b, d], color="#c4d3c8", linewidth=1.2, zorder=0)
    place = (a + along * (c - a), b + along * (d - b))
    write(f"{weight:g}", place, (-2, 5), "C0", "right")
    write(f"{gradient:g}", place, (3, 5), "C1", "left")


def unit(place, name, value, gradient):
    axes.plot(*place, "o", color="#c4d3c8", markersize=31)
    write(f"{name}\n{value:g}", place, (0, 0), "C0")
    write(gradient, place, (0, 22), "C1")


inputs, hidden = [(0, 0.5), (0, -0.5)], [(1, 1), (1, 0), (1, -1)]
into = [[w11, w12], [w21, w22], [w31, w32]]
for j, end in enumerate(hidden):
    for i, start in enumerate(inputs):
        edge(start, end, 0.68, into[j][i], by_hand[j][i])
    edge(end, (2, 0), 0.5, (w1, w2, w3)[j], by_hand[3][j])

unit(inputs[0], "x₁", x1, "")
unit(inputs[1], "x₂", x2, "")
unit(hidden[0], "h₁", h1, f"{dh1:g}")
unit(hidden[1], "h₂", h2, f"{dh2:g}")
unit(hidden[2], "h₃", h3, f"{dh3:g}")
unit((2, 0), "y", y, f"{dy:g}")

# %% [markdown]
# ## Did we get it right?
#
# There are two ways to check a gradient. The first needs no theory: move one weight a little, run forward again, and see how far the loss moved.

# %%
def loss_at(w1):
    return (w1 * h1 + w2 * h2 + w3 * h3 + bo - target) ** 2


nudge = 1e-6
print("nudged: ", (loss_at(w1 + nudge) - loss_at(w1 - nudge)) / (2 * nudge))
print("by hand:", dw1)

# %% [markdown]
# The second is to let PyTorch do it. Its autograd notes every operation on the way forward and walks the list back, with the same rules as we did.

# %%
import torch

from dlfaq import claim

torch.set_default_dtype(torch.float64)  # as exact as Python's own numbers

into_hidden = torch.tensor(
    [[w11, w12, b1], [w21, w22, b2], [w31, w32, b3]], requires_grad=True
)
into_output = torch.tensor([w1, w2, w3, bo], requires_grad=True)


def loss_of(into_hidden, into_output):
    h = (into_hidden @ torch.tensor([x1, x2, 1])).relu()  # 1 meets the bias
    y = into_output[:3] @ h + into_output[3]
    return (y - target) ** 2


loss_of(into_hidden, into_output).backward()
print(into_hidden.grad)
print(into_output.grad)

gaps = [
    (into_hidden.grad - torch.tensor(by_hand[:3])).abs().max(),
    (into_output.grad - torch.tensor(by_hand[3])).abs().max(),
]
claim(
    "The largest gap between the thirteen gradients by hand and autograd's "
    "is {}",
    max(gaps),
    equals=0,
    label="thirteen",
)

# %% [markdown]
# ## One step
#
# The gradient points uphill. To go down, take the other direction: $w \leftarrow w - \eta\, \partial L/\partial w$. The sheet writes a plus sign there, with the learning rate η = 0.1. Let us try both signs.

# %%
@torch.no_grad()
def loss_after(rate):
    """Move each weight and bias by −rate × its gradient, then run forward."""
    return loss_of(
        into_hidden - rate * into_hidden.grad,
        into_output - rate * into_output.grad,
    ).item()


print(f"before {loss_after(0):9.2f}")
print(f"minus  {loss_after(0.1):9.2f}")
print(f"plus   {loss_after(-0.1):9.2f}")

# %% [markdown]
# Plus makes it far worse, as expected. But minus makes it far worse too! The direction is right, so the step must be too long. Look at the loss along the way.

# %%
#| label: along
#| fig-title: The right way down is short: at η = 0.1 both signs are far up
#| fig-sub: Loss after one step from the sheet's weights. Dotted: the loss before the step, 9. The vertical axis is logarithmic.
#| fig-alt: Loss against learning rate from 0 to 0.1. With plus it climbs at once. With minus it falls to 0 near a rate of 0.007, is back at its start at about 0.0145, and then climbs to several hundred.
from dlfaq import line_labels, y_label

rates = torch.linspace(0, 0.1, 401).tolist()
_, axes = plt.subplots()
axes.axhline(loss, color="#4c5a52", linewidth=1, linestyle=":")
(down,) = axes.plot(rates, [loss_after(rate) for rate in rates], color="C0")
(up,) = axes.plot(rates, [loss_after(-rate) for rate in rates], color="C1")
axes.set_yscale("log")
axes.set_ylim(0.1, 20_000)
axes.set_yticks([0.1, 10, 1000])
axes.set_xlabel("learning rate η")
y_label(axes, "loss after one step")
line_labels(axes, {down: "minus, downhill", up: "plus, uphill"})

# %% [markdown]
# The loss falls to nothing and is back where it began, all before η = 0.015. On the other side of the valley lies a wall.
#
# Why is the valley so narrow? Each of the thirteen gradients is `dy` = 6 times the slope of the output itself. Those slopes, squared, add up to 72, so a step of η moves the output by about $6 \cdot 72\, \eta = 432\, \eta$. It should move by 3. At η = 0.1 the step aims 43 down.
#
# A rate that fits the slope makes short work of it:

# %%
for rate in (0.001, 0.003, 0.007, 0.01, 0.015):
    print(f"η = {rate:5}: loss {loss_after(rate):7.4f}")

# %% [markdown]
# ## The same with matrices
#
# Nobody writes `w31` for a network of a million weights. Put the weights of a layer into a matrix with one row for each unit, and the examples into a matrix with one row for each example. The sums become products, and the sizes stop mattering.

# %%
def forward(x, layers):
    """The inputs of each layer, then the outputs."""
    hs = [x]
    for weight, bias in layers[:-1]:
        hs.append((hs[-1] @ weight.T + bias).clamp(min=0))
    weight, bias = layers[-1]
    return [*hs, hs[-1] @ weight.T + bias]


def backward(hs, layers, delta):
    """The gradients of each layer, from delta = ∂L/∂(outputs)."""
    gradients = []
    for (weight, _), h in zip(layers[::-1], hs[-2::-1]):
        gradients.append((delta.T @ h, delta.sum(0)))  # to weight and bias
        delta = (delta @ weight) * (h > 0)  # through the sum, then the ReLU
    return gradients[::-1]  # the last delta, at the inputs, is not used


# %% [markdown]
# Read `backward` beside what you did by hand. `delta.T @ h` is `dz * x`, for all weights of a layer at once. `delta @ weight` is `dy * w`, and `h > 0` is the ReLU's slope. There is nothing else.
#
# The small network again, through the new functions:

# %%
first = torch.tensor([[w11, w12], [w21, w22], [w31, w32]])
second = torch.tensor([[w1, w2, w3]])
small = [(first, torch.zeros(3)), (second, torch.zeros(1))]

hs = forward(torch.tensor([[x1, x2]]), small)
for to_weight, to_bias in backward(hs, small, 2 * (hs[-1] - target)):
    print(to_weight, to_bias)

# %% [markdown]
# The same thirteen numbers.
#
# ## Real digits
#
# Now 1,000 handwritten digits of 8 × 8 pixels, ten classes, and a network of 64 inputs, 32 hidden units and 10 outputs.

# %%
from dlfaq import digits, seeds

seed = seeds(1)[0]
data = digits(seed=seed).to(torch.float64)
x, labels = data.train
x.shape, labels.shape

# %%
#| label: images
#| code-fold: true
#| fig-title: Twelve of the digits
#| fig-sub: 8 × 8 pixels each, as they come. The network sees them standardised, pixel by pixel.
#| fig-alt: Twelve small grey pictures of handwritten digits with their labels.
from sklearn.datasets import load_digits

pictures = load_digits()
_, panels = plt.subplots(2, 6)
for panel, image, label in zip(
    panels.flat, pictures.images, pictures.target
):
    panel.pcolormesh(image[::-1], cmap="Greys", rasterized=True)
    panel.set_title(f"{label}", pad=2)
    panel.set_aspect("equal")
    panel.axis("off")

# %% [markdown]
# The outputs are ten scores now. Softmax turns them into probabilities $p$, and the loss is $-\log p$ of the right class. Its slope in the scores is as simple as before: $p$ minus 1 at the right class, $p$ elsewhere. The mean over $n$ examples divides by $n$.

# %%
def cross_entropy(scores, labels):
    """The mean loss, and its gradient with respect to the scores."""
    log_p = scores - scores.logsumexp(1, keepdim=True)
    right = torch.eye(scores.shape[1])[labels]
    loss = -(right * log_p).sum(1).mean()
    return loss.item(), (log_p.exp() - right) / len(labels)


# %% [markdown]
# Small random weights to begin with. Were they all equal, all hidden units would get the same gradient and learn the same thing, and only rounding could ever tell them apart.

# %%
def random_layers(sizes, seed):
    draws = torch.Generator().manual_seed(seed)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        weight = torch.randn(n_out, n_in, generator=draws)
        layers.append((weight * (2 / n_in) ** 0.5, torch.zeros(n_out)))
    return layers


layers = random_layers([64, 32, 10], seed)
start, _ = cross_entropy(forward(x, layers)[-1], labels)
print(f"loss {start:.2f}; all ten equally likely would give 2.30")

# %% [markdown]
# Before training, the check: a network with three hidden layers, all 1,000 digits, and autograd on the same weights.

# %%
deep = random_layers([64, 40, 30, 20, 10], seed)
hs = forward(x, deep)
_, delta = cross_entropy(hs[-1], labels)
mine = [tensor for pair in backward(hs, deep, delta) for tensor in pair]

theirs = [tensor.requires_grad_() for pair in deep for tensor in pair]
torch.nn.functional.cross_entropy(forward(x, deep)[-1], labels).backward()
errors = [
    (own - tensor.grad).norm() / tensor.grad.norm()
    for own, tensor in zip(mine, theirs)
]
claim(
    "Through four layers, on 1,000 digits, the matrices' gradients differ "
    "from autograd's by at most {} of their norm",
    max(errors),
    equals=0,
    label="matrices",
)

# %% [markdown]
# ## Train it
#
# Shuffle the digits, take a hundred, go forward, go back, make a step; thirty times through all of them. The rate is yours to choose, so try three.

# %%
def batches(passes=30):
    order = torch.Generator().manual_seed(seed)
    for _ in range(passes):
        yield from torch.randperm(1000, generator=order).split(100)


def train(rate):
    layers = random_layers([64, 32, 10], seed)
    losses = []
    for rows in batches():
        hs = forward(x[rows], layers)
        loss, delta = cross_entropy(hs[-1], labels[rows])
        losses.append(loss)
        for pair, gradients in zip(layers, backward(hs, layers, delta)):
            for weights, gradient in zip(pair, gradients):
                weights -= rate * gradient
    return layers, losses


runs = {rate: train(rate) for rate in (0.01, 0.3, 10)}

# %%
#| label: training
#| fig-title: At too small a rate the loss crawls, at too large a one it explodes
#| fig-sub: Loss of each batch of 100 digits in 300 steps of plain SGD, on a logarithmic axis. What leaves the picture is not drawn.
#| fig-alt: Loss against step for three rates. At 0.01 it falls slowly. At 0.3 it falls fast and goes on falling. At 10 it shoots up out of the picture within a few steps.
_, axes = plt.subplots()
lines = {}
for color, (rate, (_, losses)) in zip(("C2", "C0", "C1"), runs.items()):
    shown = [loss if loss < 10_000 else float("nan") for loss in losses]
    (line,) = axes.plot(shown, color=color, linewidth=1.6)
    lines[line] = f"η = {rate}"
axes.set_yscale("log")
axes.set_ylim(0.005, 1000)
axes.set_yticks([0.01, 1, 100])
axes.set_xlabel("step")
y_label(axes, "loss of the batch")
line_labels(axes, lines)

# %% [markdown]
# Which of the three is best? Ask digits that took no part in training. Then, once, ask the test digits.

# %%
def accuracy(layers, part):
    guesses = forward(part.x, layers)[-1].argmax(1)
    return (guesses == part.y).double().mean().item()


for rate, (layers, _) in runs.items():
    print(f"η = {rate:<5} validation {accuracy(layers, data.validation):.1%}")

best = max(runs, key=lambda rate: accuracy(runs[rate][0], data.validation))
trained, _ = runs[best]
print(f"η = {best:<5} test       {accuracy(trained, data.test):.1%}")

# %% [markdown]
# A network that reads `{python} f"{accuracy(trained, data.test):.0%}"` of digits it was not trained on, though by writers it was trained on, with gradients that you could have worked out by hand. Would autograd have led anywhere else? The same weights, the same batches, with PyTorch's layers, loss, autograd and SGD:

# %%
network = torch.nn.Sequential(
    torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
same = random_layers([64, 32, 10], seed)
for layer, (weight, bias) in zip(network[::2], same):
    layer.weight.data, layer.bias.data = weight, bias

optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
for rows in batches():
    optimizer.zero_grad()
    outputs = network(x[rows])
    torch.nn.functional.cross_entropy(outputs, labels[rows]).backward()
    optimizer.step()

own = torch.cat([tensor.flatten() for pair in runs[0.3][0] for tensor in pair])
torchs = torch.cat([tensor.flatten() for tensor in network.parameters()])
claim(
    "After 300 steps at η = 0.3 these weights differ from PyTorch's by {} of "
    "their norm",
    (own - torchs).norm() / torchs.norm(),
    equals=0,
    label="same-weights",
)

# %% [markdown]
# It leads to the same place. What it adds: you need not work out the gradient of the layer you invent tomorrow.
#
# ## Exercises
#
# Take paper first. The answers are below.
#
# 1. Set $w_{22} = 1$, so that $z_2 = 3$ and unit 2 is on. Which of the thirteen gradients change?
# 2. Go on with the small network at η = 0.1, step after step. Where does the loss end? What does the network then answer to other inputs?
# 3. Leave `* (h > 0)` out of `backward`. Which gradients of the small network become wrong?
# 4. Start the digits with all weights at 0 instead of small random numbers. What can still learn?
#
# ## Answers
#
# **1.** All of them. The output rises by $w_2 h_2 = 1.5$, so `dy` is 9 instead of 6, and every gradient is a multiple of `dy`. Unit 2 now gets its share.

# %%
on = [(first.clone(), torch.zeros(3)), (second, torch.zeros(1))]
on[0][0][1, 1] = 1  # w22
hs = forward(torch.tensor([[x1, x2]]), on)
print("h:", hs[1], " y:", hs[2])
for to_weight, to_bias in backward(hs, on, 2 * (hs[-1] - target)):
    print(to_weight, to_bias)

# %% [markdown]
# **2.** The loss explodes, then goes to 0. That sounds like success. But the first steps are so long that they switch units 1 and 3 off, and a unit that is off gets no gradient: it stays off. From then on only the bias of the output learns, and what it learns is the target. The network answers 3 wherever its units are off. Only unit 2 never moved, so it still speaks up where $x_1 > x_2$, as in the last row.

# %%
layers = [(first.clone(), torch.zeros(3)), (second.clone(), torch.zeros(1))]
for step in range(61):
    hs = forward(torch.tensor([[x1, x2]]), layers)
    delta = 2 * (hs[-1] - target)
    if step in (0, 1, 2, 3, 10, 60):
        loss = (hs[-1] - target).item() ** 2
        print(f"{step:2} steps: h = {hs[1][0].numpy()}, loss {loss:.3g}")
    for pair, gradients in zip(layers, backward(hs, layers, delta)):
        for weights, gradient in zip(pair, gradients):
            weights -= 0.1 * gradient

others = torch.tensor([[0, 1], [3, 3], [-2, 7], [5, -1.0]])
forward(others, layers)[-1]

# %% [markdown]
# **3.** Those of unit 2, and only those. It was off, and its gradient must be 0. Without the slope it gets `dh2` = 3 and passes on 3, 6 and 3. The last layer has no ReLU above it, so its gradients stay right.
#
# **4.** The biases of the output, and nothing else. With zeros everywhere the hidden units are 0, so the gradient of the second matrix, `delta.T @ h`, is 0. And `delta @ weight` is 0, so nothing comes down to the first. The network can learn how frequent each digit is, and no more.

# %%
zeros = [(w * 0, b * 0) for w, b in random_layers([64, 32, 10], seed)]
hs = forward(x, zeros)
_, delta = cross_entropy(hs[-1], labels)
for to_weight, to_bias in backward(hs, zeros, delta):
    print(f"{to_weight.abs().max():.3f}  {to_bias.abs().max():.3f}")

# %% [markdown]
# What to read next: [one gradient update on that sheet](../gradients/by-hand.md), and how far it can be known from its solution; [why `zero_grad()`](../gradients/zero-grad.md), which we did not need because we wrote our own backward pass; and [the other parts of a training loop](../from-scratch.md) in a few lines each.
