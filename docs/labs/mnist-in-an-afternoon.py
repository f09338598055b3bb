# ---
# title: MNIST in an afternoon
# description: Train a classifier of handwritten digits from nothing, improve it twice, and find out which of the changes did it.
# order: 2
# tags: [classification, optimizers, activations, initialisation]
# ---

# %% [markdown]
# You will train a network that reads handwritten digits. The first version has sigmoids and plain gradient descent, and it hardly learns. Then you change the activation and the optimiser, as courses do, and it learns well. The second half asks the question that courses leave out: which of the changes did it?
#
# It takes an afternoon, or ten minutes if you only read. You need to have seen a training loop in PyTorch; [A network by hand](network-by-hand.py) builds one from nothing.
#
# ## The data
#
# MNIST has 70,000 grey images of 28 × 28 pixels. We use 5,000 of them: they are enough to tell good from bad, and a run takes seconds.

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
# Three parts, for three uses. The network learns from the first. You choose between networks by the second. The third is opened once, at the end: a number that helped to choose is no longer a fair number.
#
# Each image is a row of 784 numbers, shifted and scaled so that a pixel has mean 0 and standard deviation 1 over the training images. What the network sees:

# %%
#| label: images
#| code-fold: true
#| fig-title: What is to be read
#| fig-sub: The first sixteen training images. Above each, its label.
#| fig-alt: Sixteen handwritten digits in two rows, white on black, each with its label above it.
import matplotlib.pyplot as plt

figure, rows = plt.subplots(2, 8)
for axes, image, label in zip(rows.flat, data.train.x, data.train.y):
    axes.imshow(image.reshape(28, 28).numpy(), cmap="gray", vmin=-1, vmax=3)
    axes.set_title(label.item(), loc="center")
    axes.axis("off")

# %% [markdown]
# ## The first version
#
# Three hidden layers of 32 sigmoids, plain gradient descent on batches of 100 images, a learning rate of 0.1. That is how many courses begin.

# %%
from torch import nn
from tqdm import tqdm


def network(activation):
    return nn.Sequential(
        nn.Linear(784, 32),
        activation(),
        nn.Linear(32, 32),
        activation(),
        nn.Linear(32, 32),
        activation(),
        nn.Linear(32, 10),
    )


@torch.no_grad()
def accuracy(model, part):
    """The share of images whose largest output stands at the right place."""
    return (model(part.x).argmax(1) == part.y).float().mean().item()


def train(model, optimizer, epochs=12):
    """Print how the network does on the validation images as it learns."""
    loss_of = nn.CrossEntropyLoss()
    shuffled = torch.Generator().manual_seed(seed)
    for epoch in tqdm(range(1, epochs + 1), leave=False):
        for rows in torch.randperm(3500, generator=shuffled).split(100):
            optimizer.zero_grad()
            loss = loss_of(model(data.train.x[rows]), data.train.y[rows])
            loss.backward()
            optimizer.step()
        if epoch % 3 == 0:
            right = accuracy(model, data.validation)
            print(f"epoch {epoch:2}  loss {loss:.2f}  validation {right:.1%}")


torch.manual_seed(seed)
first = network(nn.Sigmoid)
train(first, torch.optim.SGD(first.parameters(), lr=0.1))

# %% [markdown]
# Guessing gives 10 %, and a network that finds all ten digits equally likely has a loss of $\ln 10 \approx 2.30$. So this one has learned next to nothing. Before you change anything, ask whether the program is wrong or the network slow. A sound program can learn a handful of images by heart:

# %%
few = data.train.x[:10], data.train.y[:10]
torch.manual_seed(seed)
model = network(nn.Sigmoid)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(300):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(few[0]), few[1])
    loss.backward()
    optimizer.step()
print(f"loss on ten images {loss:.3f}")

# %% [markdown]
# It can. So the network, the loss and the labels are sound, and what is left is how it was trained.
#
# ## Two changes at once
#
# Sigmoid to ReLU, SGD to Adam:

# %%
torch.manual_seed(seed)
second = network(nn.ReLU)
train(second, torch.optim.Adam(second.parameters(), lr=0.01))

# %% [markdown]
# Far better. Here most courses stop, and each tells its own story of why: Adam adapts its steps, or ReLU keeps gradients from vanishing. But two things changed, and a third with them, the learning rate, since 0.01 means something else to Adam than to SGD. Change one at a time:

# %%
versions = {
    "sigmoid, SGD": (nn.Sigmoid, torch.optim.SGD, 0.1),
    "ReLU, SGD": (nn.ReLU, torch.optim.SGD, 0.1),
    "sigmoid, Adam": (nn.Sigmoid, torch.optim.Adam, 0.01),
    "ReLU, Adam": (nn.ReLU, torch.optim.Adam, 0.01),
    "sigmoid, SGD, ten times the rate": (nn.Sigmoid, torch.optim.SGD, 1.0),
}
for name, (activation, rule, lr) in versions.items():
    torch.manual_seed(seed)
    model = network(activation)
    print(name)
    train(model, rule(model.parameters(), lr=lr))

# %% [markdown]
# Either change alone brings most of the gain, so neither can be *the* reason. But one run of each, at rates that somebody picked, proves little. Another seed gives another number, and a rate that suits one version may not suit the next.
#
# ## A fair comparison
#
# Three rules make it fair:
#
# 1. **Each version runs at its own best rate**, the best of seven, chosen on validation images.
# 2. **Each version runs sixteen times**, with another split of the images, other initial weights and another order of the batches, and is scored on test images that chose nothing.
# 3. **Every old idea gets its best version.** A sigmoid needs larger weights than PyTorch draws: near 0 its slope is ¼, so a layer passes on a quarter of what a straight line would. Weights four times as large make up for it. So the weights are a third factor: PyTorch's default, or *matched* to the activation.
#
# That makes two activations, two optimisers and two kinds of weights: eight versions. `compare` trains all runs of a version together. The images are pooled to 14 × 14 pixels for this, which is quicker.

# %%
#| label: factorial
from functools import partial

from dlfaq import compare

centres = {
    ("sigmoid", "sgd"): {"default": 3.0, "matched": 0.3},
    ("relu", "sgd"): {"default": 0.3, "matched": 0.1},
    ("sigmoid", "adam"): {"default": 0.01, "matched": 0.01},
    ("relu", "adam"): {"default": 0.01, "matched": 0.003},
}
arms = {
    f"{activation}, {optimizer}, {weights}": {
        "activation": activation,
        "optimizer": optimizer,
        "init": weights,
        "lr": rate,
    }
    for (activation, optimizer), rates in centres.items()
    for weights, rate in rates.items()
}
runs = compare(
    partial(mnist, side=14),
    arms=arms,
    sizes=[196, 32, 32, 32, 10],
    steps=420,
    batch_size=100,
    rates=7,
    tuning_replicas=2,
    replicas=16,
)
runs

# %%
#| label: arms
#| code-fold: true
#| thumb: true
#| fig-title: With weights that suit it, the first version is nearly as good as the others
#| fig-sub: Test accuracy after 420 steps of batch 100, 14 × 14 pixels, each version at its own best rate. Small: 16 runs. Large: their mean. The axis begins at 60 %; runs below stand at its end.
#| fig-alt: Eight rows of dots, one a version. With default weights, sigmoids under SGD scatter far to the left of all others. With matched weights they stand close to the other six.
import numpy as np

from dlfaq import estimate

figure, axes = plt.subplots()
for row, name in enumerate(reversed(arms)):
    shares = np.clip(np.asarray(runs[name].accuracy), 0.6, 1)
    color = "C1" if name == "sigmoid, sgd, default" else "C0"
    axes.plot(100 * shares, [row] * len(shares), "o", color=color, alpha=0.3)
    axes.plot(100 * shares.mean(), row, "o", color=color, markersize=9)
axes.set_yticks(range(len(arms)), list(reversed(arms)))
axes.set_xlim(59, 100)
axes.set_xlabel("test accuracy, %")

estimate(
    "For sigmoids under SGD, weights matched to them gain {} over PyTorch's",
    runs.difference("sigmoid, sgd, matched", "sigmoid, sgd, default"),
    at_least=0.01,
    label="weights",
)
estimate(
    "Sigmoids under SGD, with matched weights, are {} behind ReLU under Adam",
    runs.difference("relu, adam, default", "sigmoid, sgd, matched"),
    within=0.04,
    label="left",
)
estimate(
    "With ReLU and default weights, Adam leads SGD by {}",
    runs.difference("relu, adam, default", "relu, sgd, default"),
    within=0.03,
    label="adam",
)

# %% [markdown]
# Read the table row by row. The first version is the worst, and its runs differ most, although each now runs at a rate that suits it. Then look at its neighbour. It has the same sigmoids and the same plain SGD, and one thing less to blame: nobody drew its weights too small. It comes close to the version with both changes.
#
# So "ReLU did it" and "Adam did it" were each a part of an answer, and two parts were never mentioned: the learning rate and the weights. The sigmoid network had weights that PyTorch draws for no activation in particular, and a rate that was far too small for them. [Why use ReLU?](../activations/relu.md) and [Is Adam better than SGD?](../optimisation/adam.md) take the changes one at a time.
#
# Would the first version have got there with more patience? Four times the steps, at the rates that were best before:

# %%
#| label: patience
pair = ("sigmoid, sgd, default", "relu, adam, default")
longer = compare(
    partial(mnist, side=14),
    arms={name: {**arms[name], "lr": runs[name].rate} for name in pair},
    sizes=[196, 32, 32, 32, 10],
    steps=1680,
    batch_size=100,
    tuned=False,
    replicas=8,
)
estimate(
    "After four times the steps, ReLU under Adam leads sigmoids under SGD by {}",
    longer.difference("relu, adam, default", "sigmoid, sgd, default"),
    at_least=0,
    label="longer",
)
longer

# %% [markdown]
# Patience closes much of the gap, at four times the cost.
#
# ## Where it errs
#
# Back to the second network. It is time to look at what it gets wrong, on validation images, because you may still change your mind.

# %%
#| label: mistakes
#| code-fold: true
#| fig-title: What the network misreads
#| fig-sub: The first sixteen mistakes on the validation images. Above each, what it says and, in brackets, what is right.
#| fig-alt: Sixteen handwritten digits that the network misreads. Many are slanted, broken or badly closed.
with torch.no_grad():
    said = second(data.validation.x).argmax(1)
wrong = (said != data.validation.y).nonzero()[:16, 0]
figure, rows = plt.subplots(2, 8)
for axes in rows.flat:
    axes.axis("off")
for axes, i in zip(rows.flat, wrong):
    image = data.validation.x[i].reshape(28, 28)
    axes.imshow(image.numpy(), cmap="gray", vmin=-1, vmax=3)
    axes.set_title(f"{said[i]} ({data.validation.y[i]})", loc="center")

# %%
pairs = torch.zeros(10, 10, dtype=torch.int64)
for right, answer in zip(data.validation.y, said):
    pairs[right, answer] += 1
print("rows: what is right; columns: what it says")
print(pairs.numpy())

# %% [markdown]
# ## The test, once
#
# You have chosen. Now, and only now, open the third part:

# %%
print(f"test accuracy {accuracy(second, data.test):.1%} of 1,000 images")

# %% [markdown]
# A share $p$ of $n$ images has a standard error of $\sqrt{p(1-p)/n}$, here about a percentage point. So a second network that scores half a point more has shown nothing yet.
#
# ## The whole program
#
# What you would hand in: one file that runs from top to bottom, with a seed, a progress bar, a choice made on validation images, and one test. It needs `torch`, `tqdm` and, for the images, this project's package; with `torchvision.datasets.MNIST` in its place it trains on all 60,000.

# %%
#| label: program
import torch
from torch import nn
from tqdm import tqdm

from dlfaq import mnist, seeds


def build():
    layers = []
    for inputs, outputs in ((784, 64), (64, 64)):
        linear = nn.Linear(inputs, outputs)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def fit(model, part, lr, epochs, seed):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    shuffled = torch.Generator().manual_seed(seed)
    for _ in tqdm(range(epochs), desc=f"rate {lr}", leave=False):
        order = torch.randperm(len(part.x), generator=shuffled)
        for rows in order.split(100):
            optimizer.zero_grad()
            scores = model(part.x[rows])
            nn.functional.cross_entropy(scores, part.y[rows]).backward()
            optimizer.step()
    return model


def score(model, part):
    with torch.no_grad():
        return (model(part.x).argmax(1) == part.y).float().mean().item()


def main(seed):
    data = mnist(seed=seed)
    trained = {}
    for lr in (0.0003, 0.001, 0.003, 0.01):
        torch.manual_seed(seed)
        trained[lr] = fit(build(), data.train, lr, epochs=10, seed=seed)
        print(f"rate {lr:<6}  validation {score(trained[lr], data.validation):.1%}")
    best = max(trained, key=lambda lr: score(trained[lr], data.validation))
    print(f"rate {best:<6}  test       {score(trained[best], data.test):.1%}")


main(seeds(1)[0])

# %% [markdown]
# ## Exercises
#
# 1. Draw the weights of the *first* network four times as large as $1/\sqrt{\text{fan-in}}$ (its inputs' layer at $1/\sqrt{784}$), the biases of all layers but the first at zero, and train it just as before. What happens?
# 2. What loss does a network have that says "all equally likely"? And one that is sure and right half of the time, with 99 % on its answer and the rest shared equally?
# 3. The test accuracy above is that of one network on 1,000 images. Which of the two makes it more uncertain: the images, or the network? The table of the fair comparison has what you need.
#
# ## Answers
#
# **1.** It learns, with sigmoids, plain SGD and the same rate:

# %%
torch.manual_seed(seed)
larger = network(nn.Sigmoid)
with torch.no_grad():
    for layer in larger[2::2]:
        layer.weight.normal_(std=4 / layer.in_features**0.5)
        layer.bias.zero_()
    larger[0].weight.normal_(std=1 / 784**0.5)
train(larger, torch.optim.SGD(larger.parameters(), lr=0.1))

# %% [markdown]
# **2.** $\ln 10$ for the first. The second has a loss of $-\ln 0.99$ for one half and $-\ln(0.01/9)$ for the other: being sure and wrong is dear.

# %%
import math

print(f"{math.log(10):.3f}  {(-math.log(0.99) - math.log(0.01 / 9)) / 2:.3f}")

# %% [markdown]
# **3.** Sixteen networks of the same kind, each on its own split, differ by this much (a standard deviation):

# %%
shares = np.asarray(runs["relu, adam, default"].accuracy)
images = (shares.mean() * (1 - shares.mean()) / 1000) ** 0.5
print(f"all of it {shares.std(ddof=1):.4f}, of which the images {images:.4f}")

# %% [markdown]
# Standard deviations add by their squares: what the images leave is the share of the network, its first weights and the order of its batches. (Sixteen runs give a standard deviation to about a fifth, so a small share cannot be told from none.) A single test of 1,000 images tells little about half a point, however many digits you print.
#
# What to read next: [why ReLU](../activations/relu.md), [whether Adam](../optimisation/adam.md), [how many layers](../architecture/layers-and-neurons.md), and [how we measure](../how-we-measure.md), which explains the rules of the fair comparison.
