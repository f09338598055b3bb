# ---
# title: Three small networks
# description: A whole assignment, from the parameter counts to the optimisers, in plain PyTorch. Three networks on MNIST, then campaigns on the rate, the batch, the first weights, the order of the data and the optimiser.
# order: 3
# tags: [gradient descent, learning rate, batches, initialisation, optimizers]
# ---

# %% [markdown]
# A sheet of exercises, as many courses hand out in the second week: train three small networks on handwritten digits with full-batch gradient descent, draw the loss on training and test images, count the parameters. Then, in a second sheet, change one thing at a time: the learning rate, the size of the batch, the first weights, the order of the images, the optimiser.
#
# This lab does all of it with loops that you write yourself, and once more, at the end, with enough runs to believe the answer. It takes an evening. The computing takes a minute or two on one core. You need to have seen a training loop; [A network by hand](network-by-hand.py) builds one from nothing.
#
# One run of one network, as in most of this lab, shows what *can* happen. What *does* happen, over many runs, is measured on the question pages; each section names its page.
#
# ## The images
#
# MNIST has 70,000 images of 28 × 28 pixels. We use 5,000: 3,500 to learn from, 500 to choose by, 1,000 to test on.

# %%
#| timeout: 400
import torch

from dlfaq import mnist, seeds

seed = seeds(1)[0]
data = mnist(seed=seed)
for name in ("train", "validation", "test"):
    part = getattr(data, name)
    print(f"{name:10} {tuple(part.x.shape)}  labels {part.y[:8].tolist()} …")

# %% [markdown]
# ## Three networks
#
# The sheet names them by the sizes of their layers: 784-300-10, 784-10-10-10 and 784-20-20-10. Between the layers stands a ReLU, which is $\max(0, x)$.
#
# A layer from $m$ numbers to $n$ has $mn$ weights and $n$ biases. So the parameters of a network are $\sum_i (h_{i-1} h_i + h_i)$. Work them out before you look.

# %%
from torch import nn

SIZES = {
    "300": [784, 300, 10],
    "10-10": [784, 10, 10, 10],
    "20-20": [784, 20, 20, 10],
}


def network(sizes):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


for name, sizes in SIZES.items():
    counted = sum(p.numel() for p in network(sizes).parameters())
    formula = sum(m * n + n for m, n in zip(sizes, sizes[1:]))
    print(f"{name:6} {counted:7,} parameters, by the formula {formula:7,}")

# %% [markdown]
# Nearly all of them stand in the first layer: every pixel has a weight to every unit. The number alone says little of what a network can do or whether it will overfit; the curves will.
#
# ## Gradient descent on all images
#
# Each step looks at all 3,500 images. The class is called `SGD`, and still this is plain gradient descent: [the randomness is in the batch, not in the optimiser](../gradients/full-batch.md).

# %%
from torch.nn.functional import cross_entropy
from tqdm import tqdm


@torch.no_grad()
def look(model, part):
    """Mean cross-entropy and accuracy."""
    outputs = model(part.x)
    right = (outputs.argmax(1) == part.y).float().mean()
    return cross_entropy(outputs, part.y).item(), right.item()


def descend(sizes, lr, steps, every=5):
    """Full-batch descent; loss and accuracy on all parts along the way."""
    torch.manual_seed(seed)
    model = network(sizes)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    parts = {"train": data.train, "validation": data.validation}
    seen = []
    for step in tqdm(range(steps + 1), leave=False):
        if step % every == 0:
            now = {name: look(model, part) for name, part in parts.items()}
            seen.append({"step": step, **now, "test": look(model, data.test)})
        optimizer.zero_grad()
        cross_entropy(model(data.train.x), data.train.y).backward()
        optimizer.step()
    return seen


runs = {name: descend(sizes, 0.1, 300) for name, sizes in SIZES.items()}
for name, seen in runs.items():
    (train_loss, train_right), (test_loss, test_right) = (
        seen[-1][part] for part in ("train", "test")
    )
    print(
        f"{name:6} loss {train_loss:.3f} train, {test_loss:.3f} test; "
        f"right {train_right:.1%} train, {test_right:.1%} test"
    )

# %% [markdown]
# The sheet asks for the curves twice, with a linear and with a logarithmic axis.

# %%
#| label: curves
#| code-fold: true
#| thumb: true
#| fig-title: Training and test loss of the three networks
#| fig-sub: Cross-entropy after each step of full-batch gradient descent at rate 0.1, one run each. Solid: training. Dashed: test. Left linear, right logarithmic.
#| fig-alt: Two panels with the same six curves, loss against step. All fall steeply at first. The solid and the dashed curve of each network part company, most visibly on the logarithmic axis.
import matplotlib.pyplot as plt

from dlfaq import line_labels, y_label

_, panels = plt.subplots(1, 2)
for axes, scale in zip(panels, ("linear", "log")):
    lines = {}
    for color, (name, seen) in zip(("C0", "C1", "C2"), runs.items()):
        steps = [row["step"] for row in seen]
        for part, style in (("train", "-"), ("test", "--")):
            losses = [row[part][0] for row in seen]
            (line,) = axes.plot(steps, losses, style, color=color)
            if part == "train":
                lines[line] = name
    axes.set_yscale(scale)
    axes.set_xlabel("step")
    y_label(axes, "loss")
panels[1].set_yticks([0.1, 1], ["0.1", "1"])
panels[1].minorticks_off()
line_labels(panels[1], lines)

# %% [markdown]
# The linear axis shows that they learn. The logarithmic one shows the gap: training loss goes on falling steeply when test loss falls ever more slowly.
#
# Is that overfitting? Overfitting is when further training makes a network *worse* on new images. So ask where each test curve was at its lowest, and whether it has come back since:

# %%
for name, seen in runs.items():
    low = min(seen, key=lambda row: row["test"][0])
    most = max(seen, key=lambda row: row["validation"][1])
    print(
        f"{name:6} lowest test loss at step {low['step']:3}, best validation "
        f"accuracy at {most['step']:3}"
    )

# %% [markdown]
# A gap, then, and little or no harm in 300 steps at this rate. [How do I see overfitting in the curves?](../regularisation/early-stopping.md) has what happens when one goes on or takes a larger rate, and which curve to stop by. Was that luck? Eight runs of the 20-20 network, each with its own split, pooled to 14 × 14 pixels to save time. `fit_many` trains them:

# %%
#| label: flat
from functools import partial

import numpy as np

from dlfaq import estimate, fit_many

small = fit_many(
    partial(mnist, side=14),
    sizes=[196, 20, 20, 10],
    lr=0.1,
    steps=300,
    seeds=seeds(8),
    evaluate_every=50,
    parts=["test"],
)
estimate(
    "From step 150 to step 300 of full-batch descent the test loss goes to {} "
    "of what it was",
    small.test.loss[:, -1] / small.test.loss[:, 3],
    at_most=1,
    seeds=seeds(8),
    unit="×",
    label="still-falls",
)

# %% [markdown]
# ## The learning rate
#
# The sheet asks how sensitive the widest network is to its rate. Sixty steps at each of four:

# %%
#| label: rates
#| code-fold: true
#| fig-title: Four learning rates, a factor of ten apart
#| fig-sub: Training loss of the 784-300-10 network in 60 steps of full-batch gradient descent, one run each, logarithmic axis.
#| fig-alt: Training loss against step for four rates from 0.01 to 10. The loss at 0.01 falls slowly, at 0.1 faster, at 1 fastest. The curve of 10 leaves the picture.
swept = {
    lr: descend(SIZES["300"], lr, 60, every=3) for lr in (0.01, 0.1, 1, 10)
}
_, axes = plt.subplots()
lines = {}
for k, (lr, seen) in enumerate(swept.items()):
    losses = [row["train"][0] for row in seen]
    (line,) = axes.plot([row["step"] for row in seen], losses, color=f"C{k}")
    lines[line] = f"{lr}"
axes.set_yscale("log")
axes.set_ylim(0.01, 30)
axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
axes.set_xlabel("step")
y_label(axes, "training loss")
line_labels(axes, {line: lines[line] for line in [*lines][:3]})

# %%
for lr, seen in swept.items():
    loss, right = seen[-1]["validation"]
    print(f"rate {lr:<5} validation loss {loss:8.3f}, right {right:.1%}")

# %% [markdown]
# A factor of ten is the difference between a network that crawls and one that is done, and the next factor of ten the one between the best curve and none at all. Nor can you read the best rate off the first steps: the curve that jumps may end well, and the one that falls smoothly may be far from its end. [How do I choose the learning rate?](../optimisation/learning-rate.md) finds a rate in a single short run.
#
# ## Do gradients vanish?
#
# "More layers make the gradient vanish" is the usual reason against depth, and the sheet asks for one hidden layer. Print the norm of the gradient that each weight matrix gets from the first `backward()`:

# %%
for name, sizes in SIZES.items():
    torch.manual_seed(seed)
    model = network(sizes)
    cross_entropy(model(data.train.x), data.train.y).backward()
    norms = [f"{layer.weight.grad.norm():.3f}" for layer in model[::2]]
    print(f"{name:6} first layer to last: {', '.join(norms)}")

# %% [markdown]
# No layer is starved here: with one or two hidden layers there is little to multiply. [Do gradients vanish with one hidden layer?](../activations/vanishing-gradients.md) goes deeper, and shows how one layer can starve all the same.
#
# The sheet's two remaining questions are about the loss: [why cross-entropy](../activations/cross-entropy.md), and [why ten outputs and not one](../activations/one-hot.md).
#
# ## Batches
#
# From here on the network is 784-20-20-10, and each step looks at some of the images only. One function does for all campaigns. It takes the batches from outside, so that their size and order can be anything:

# %%
def train(model, optimizer, batches, total, every):
    """Validation loss and accuracy after every so many updates."""
    seen = []
    for update, rows in enumerate(tqdm(batches, total=total, leave=False), 1):
        optimizer.zero_grad()
        loss = cross_entropy(model(data.train.x[rows]), data.train.y[rows])
        loss.backward()
        optimizer.step()
        if update % every == 0:
            seen.append((update, *look(model, data.validation)))
    return seen


def shuffled(size, epochs):
    """The row numbers of each batch, in a new order each epoch."""
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        yield from torch.randperm(3500, generator=order).split(size)


def start(sizes=SIZES["20-20"]):
    torch.manual_seed(seed)
    return network(sizes)


def after(lr, size, epochs, updates):
    model = start()
    sgd = torch.optim.SGD(model.parameters(), lr=lr)
    train(model, sgd, shuffled(size, epochs), updates, every=updates)
    loss, right = look(model, data.validation)
    return f"loss {loss:.3f}  right {right:.1%}"


guesses = {10: 0.03, 100: 0.1, 3500: 1.0}
print("ten epochs each")
for size, lr in guesses.items():
    updates = 10 * 3500 // size
    ended = after(lr, size, 10, updates)
    print(f"batch {size:4}  {updates:4} updates  {ended}")
print("350 updates each")
for size, lr in guesses.items():
    ended = after(lr, size, size // 10, 350)
    print(f"batch {size:4}  {size // 10:4} epochs   {ended}")

# %% [markdown]
# By epochs the full batch is far behind: ten epochs gave it ten updates. By updates the batch of 10 is behind: it has seen each image once, the full batch 350 times. Neither count is the fair one by itself; count what you pay for. And each size wants a rate of its own, here a guess. [What batch size should I use?](../optimisation/batch-size.md) tunes them, and finds the size beyond which more images per update save little.
#
# ## The first weights
#
# What if all weights and biases start equal, say at zero? Four starts, ten epochs of batch 100:

# %%
@torch.no_grad()
def equal(model, value):
    for p in model.parameters():
        p.fill_(value)


@torch.no_grad()
def silent(model):
    model[-1].weight.zero_()
    model[-1].bias.zero_()


starts = {
    "PyTorch's": lambda model: None,
    "all zero": lambda model: equal(model, 0.0),
    "all 0.01": lambda model: equal(model, 0.01),
    "output layer zero": silent,
}
for name, prepare in starts.items():
    model = start()
    prepare(model)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    train(model, sgd, shuffled(100, 10), 350, every=350)
    loss, right = look(model, data.validation)
    rows = model[0].weight.detach().unique(dim=0)
    print(f"{name:18} {len(rows):2} different units  right {right:.1%}")

# %% [markdown]
# All zero: with ReLU no weight moves, and only the last biases learn, how frequent each digit is. All equal: the twenty units of a layer get equal gradients and stay one unit, until rounding tells them apart. But a layer of zeros is no trouble if it is the last. The usual answer, that nothing learns from zeros, holds for one of these; [Can I initialise all weights to zero?](../activations/equal-weights.md) has the others.
#
# ## A sorted stream
#
# Now the images come one at a time, and sorted: all zeros, then all ones, to the nines. Two passes, at three rates, and beside them the same in shuffled order.

# %%
def one_by_one(order, passes=2):
    rows = torch.arange(3500)
    if order == "sorted":
        rows = data.train.y.argsort(stable=True)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(passes):
        if order == "shuffled":
            rows = torch.randperm(3500, generator=draws)
        yield from rows.split(1)


streams = {}
for order in ("sorted", "shuffled"):
    for lr in (0.0003, 0.003, 0.03):
        model = start()
        sgd = torch.optim.SGD(model.parameters(), lr=lr)
        seen = train(model, sgd, one_by_one(order), 7000, every=175)
        streams[order, lr] = seen
        print(f"{order:8}  rate {lr:<6}  right {seen[-1][2]:.1%}")

# %%
#| label: stream
#| code-fold: true
#| fig-title: A sorted stream climbs class by class and falls back
#| fig-sub: Validation accuracy while the images come one at a time, two passes, one run each, each order at the best of three rates.
#| fig-alt: Validation accuracy against update, two curves. Shuffled, it rises steeply and stays high. Sorted by class it climbs in steps and falls again in the second pass.
_, axes = plt.subplots()
lines = {}
for order, color in (("shuffled", "C0"), ("sorted", "C1")):
    best = max(
        (seen for (name, _), seen in streams.items() if name == order),
        key=lambda seen: seen[-1][2],
    )
    updates, _, right = zip(*best)
    (line,) = axes.plot(updates, right, color=color)
    lines[line] = order
axes.yaxis.set_major_formatter("{x:.0%}")
axes.set_xlabel("update")
y_label(axes, "validation accuracy")
line_labels(axes, lines)

# %% [markdown]
# The network learns what it sees and forgets what it saw. (And single images want a low rate: the highest of the three was too high even for the shuffled ones.) It is not the lack of chance that hurts: a fixed order in which the digits take turns does as well as a shuffled one. That, and what becomes of the convergence proof, is on [Do I have to shuffle the training data?](../optimisation/sorted-data.md)
#
# ## Optimisers
#
# SGD, SGD with momentum, and Adam, each at eight rates, five epochs of batch 100. The sheet asks for the sensitivity to the rate, so draw all of them:

# %%
rules = {
    "SGD": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "Adam": torch.optim.Adam,
}
rates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
reached = {}
for name, rule in rules.items():
    for lr in rates:
        model = start()
        optimizer = rule(model.parameters(), lr=lr)
        train(model, optimizer, shuffled(100, 5), 175, every=175)
        reached[name, lr] = look(model, data.validation)[1]

# %%
#| label: optimizers
#| code-fold: true
#| fig-title: Each optimiser has its own range of rates
#| fig-sub: Validation accuracy of the 784-20-20-10 network after five epochs, one run for each point.
#| fig-alt: Validation accuracy against learning rate on a logarithmic axis, three curves. Adam peaks at the lowest rate, momentum at a higher one, plain SGD at the highest.
_, axes = plt.subplots()
lines = {}
for name, color in zip(rules, ("C0", "C1", "C2")):
    right = [reached[name, lr] for lr in rates]
    (line,) = axes.plot(rates, right, "o-", color=color)
    lines[line] = name
axes.set_xscale("log")
axes.yaxis.set_major_formatter("{x:.0%}")
axes.set_xlabel("learning rate")
y_label(axes, "validation accuracy")
line_labels(axes, lines)

# %% [markdown]
# At one shared rate you can make any of the three win. So compare each at its own best. And repeat it, since one run is one run: a new split, new weights, a new order each time. `compare` does both. It chooses the rate on validation images with runs of their own, and scores eight fresh runs on test images.

# %%
#| label: fair
from dlfaq import compare

fair = compare(
    partial(mnist, side=14),
    sizes=[196, 20, 20, 10],
    steps=350,
    batch_size=100,
    rates=7,
    tuning_replicas=4,
    replicas=8,
    arms={
        "SGD": {"lr": 0.3},
        "momentum": {"lr": 0.03, "options": {"momentum": 0.9}},
        "Adam": {"lr": 0.01, "optimizer": "adam"},
    },
)
estimate(
    "Each at its own best rate, Adam leads SGD by {}",
    fair.difference("Adam", "SGD"),
    within=0.02,
    label="adam",
)
estimate(
    "Each at its own best rate, Adam leads momentum by {}",
    fair.difference("Adam", "momentum"),
    within=0.02,
    label="momentum",
)
fair

# %% [markdown]
# So the campaign's answer depends on what it held fixed. [Is Adam better than SGD?](../optimisation/adam.md) goes on from here.
#
# ## The whole program
#
# What you could hand in: one file for all that the first sheet computes, from the images to the figure, with progress bars and a seed. It needs `torch`, `tqdm`, `matplotlib` and, for the images, this project's package; `mnist(seed=seed, full=True)` takes all 70,000. In a script of its own it ends with `plt.show()`.
#
# To save time it takes 100 steps at a higher rate. The sheet's are `main(seed, lr=0.1, steps=300)`. It chooses by validation images, keeps the best weights, and opens the test images once; for a sheet that wants the test loss in the picture, evaluate `data.test` beside them.

# %%
#| label: program
#| fig-title: What the program draws
#| fig-sub: Loss on training and validation images in 100 steps at rate 0.5, linear and logarithmic, one column a network.
#| fig-alt: Six small panels, three columns for three networks, the upper row with a linear and the lower with a logarithmic axis. In each the training loss lies below the validation loss at the end.
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from dlfaq import mnist, seeds

NETWORKS = ([784, 300, 10], [784, 10, 10, 10], [784, 20, 20, 10])
RATES = (0.01, 0.1, 1.0, 10.0)


def build(sizes):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def evaluate(model, part):
    with torch.no_grad():
        outputs = model(part.x)
    right = (outputs.argmax(1) == part.y).float().mean().item()
    return cross_entropy(outputs, part.y).item(), right


def first_gradients(model, part):
    """The norm that each weight matrix gets from the first backward()."""
    cross_entropy(model(part.x), part.y).backward()
    return [layer.weight.grad.norm().item() for layer in model[::2]]


def fit(model, data, lr, steps):
    """Full-batch gradient descent; the losses, and the best weights."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses, best = [], (0.0, None)
    for _ in tqdm(range(steps), leave=False):
        optimizer.zero_grad()
        loss = cross_entropy(model(data.train.x), data.train.y)
        loss.backward()
        optimizer.step()
        held_out, right = evaluate(model, data.validation)
        losses.append((loss.item(), held_out))
        if right > best[0]:
            kept = {k: v.clone() for k, v in model.state_dict().items()}
            best = right, kept
    model.load_state_dict(best[1])
    return losses


def main(seed, lr=0.5, steps=100):
    data = mnist(seed=seed)
    _, panels = plt.subplots(2, len(NETWORKS), sharex=True, sharey="row")
    for sizes, column in zip(NETWORKS, panels.T):
        torch.manual_seed(seed)
        model = build(sizes)
        norms = first_gradients(model, data.train)
        losses = fit(model, data, lr, steps)
        name = "-".join(map(str, sizes))
        count = sum(p.numel() for p in model.parameters())
        right = evaluate(model, data.test)[1]
        print(f"{name:12} {count:7} parameters, test accuracy {right:.1%}")
        print("  gradients at first:", *(f"{norm:.3f}" for norm in norms))
        for axes, scale in zip(column, ("linear", "log")):
            axes.plot(losses, label=["training", "validation"])
            axes.set_yscale(scale)
        column[0].set_title(name, fontsize="small")
        column[1].set_xlabel("step")
    panels[0, 0].legend(fontsize="x-small")
    for axes in panels[:, 0]:
        axes.set_ylabel("cross-entropy")
    for rate in RATES:
        torch.manual_seed(seed)
        losses = fit(build(NETWORKS[0]), data, rate, steps // 5)
        print(f"rate {rate:<5} training loss {losses[-1][0]:8.3f}")


main(seeds(1)[0])

# %% [markdown]
# ## Exercises
#
# 1. How many parameters does 784-20-20-10 have if the images are pooled to 14 × 14 pixels? What share of the 16,330 is that?
# 2. Which of the three networks would you ship, if you may look at validation images only? And by how much would the test have to differ before you believe it?
# 3. In *All equal*, why do the units of the first layer stay equal, although each pixel gives another gradient?
#
# ## Answers
#
# **1.** Only the first layer shrinks:

# %%
pooled = sum(m * n + n for m, n in zip([196, 20, 20], [20, 20, 10]))
print(f"{pooled:,} parameters, {pooled / 16330:.0%}")

# %% [markdown]
# **2.** The one with the best validation accuracy, at the step where it was best. On 500 images a share $p$ has a standard error of $\sqrt{p(1-p)/500}$, about 1.2 points at 92 %. Two networks scored on the same images differ by less than that suggests, but a difference of half a point in one run is nothing.
#
# **3.** The gradient of the weight from pixel $i$ to unit $j$ is $\delta_j x_i$, added up over the images. It differs from pixel to pixel, not from unit to unit, as long as all $\delta_j$ are equal. And they are, since all units have the same outgoing weights.
#
# What to read next: [how many layers and neurons](../architecture/layers-and-neurons.md), which goes beyond three networks, and [how we measure](../how-we-measure.md), which explains why one run is not enough.
