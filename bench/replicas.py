"""How fast 32 replicas train together: `fit_many`, a loop over `fit`, and matrices by hand.

All three use the same batches, loss and optimizer (Adam, fused). Each round times all three in
turn, and the ratios are those of a round, so that what else the machine does falls on all alike.
Times are CPU seconds of this process on one core; setting up and evaluating are not counted.

    python bench/replicas.py [ROUNDS]
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, max_pool1d

from dlfaq import digits, fit, fit_many, mlp, mnist, mnist1d, seeds
from dlfaq.training.batches import batches
from dlfaq.training.evaluation import cross_entropies
from dlfaq.training.planning import make_plan
from dlfaq.training.stacked.fit_stacked import fit_stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dlfaq import Dataset

REPLICAS = 32
STEPS = {"together": 60, "alone": 20}
RATE = 0.003

Forward = "Callable[[Sequence[Tensor], Tensor], Tensor]"


def network(sizes: Sequence[int], *, seed: int) -> nn.Sequential:
    """Linear layers and ReLU."""
    return mlp(sizes, seed=seed)


def convolutional(*, seed: int) -> nn.Sequential:
    """Two convolutions for signals of 40 points, 8 and 16 channels."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Unflatten(1, (1, 40)),
        nn.Conv1d(1, 8, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(8, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(160, 10),
    )


def network_by_hand(stacked: Sequence[Tensor], x: Tensor) -> Tensor:
    """The MLP of all replicas: weights (replicas, in, out), biases (replicas, 1, out)."""
    *hidden, (weight, bias) = zip(stacked[::2], stacked[1::2], strict=True)
    for w, b in hidden:
        x = torch.baddbmm(b, x, w).relu()
    return torch.baddbmm(bias, x, weight)


def convolutional_by_hand(stacked: Sequence[Tensor], x: Tensor) -> Tensor:
    """The convolutions of all replicas as groups of one: x (batch, replicas · channels, points)."""
    w1, b1, w2, b2, w3, b3 = stacked
    replicas, batch, _ = x.shape
    h = x.transpose(0, 1)
    h = max_pool1d(conv1d(h, w1, b1, padding=2, groups=replicas).relu(), 2)
    h = max_pool1d(conv1d(h, w2, b2, padding=2, groups=replicas).relu(), 2)
    return torch.baddbmm(b3, h.view(batch, replicas, -1).transpose(0, 1), w3)


def stacked_by_hand(models: Sequence[nn.Module]) -> list[Tensor]:
    """Parameters as the two functions above want them."""
    stacked = []
    for layers in zip(*(m.modules() for m in models), strict=True):
        if isinstance(layers[0], nn.Linear):
            stacked += [torch.stack([layer.weight.detach().T for layer in layers])]
            stacked += [torch.stack([layer.bias.detach() for layer in layers]).unsqueeze(1)]
        elif isinstance(layers[0], nn.Conv1d):
            stacked += [torch.cat([layer.weight.detach() for layer in layers])]
            stacked += [torch.cat([layer.bias.detach() for layer in layers])]
    return [tensor.contiguous().requires_grad_() for tensor in stacked]


def train_by_hand(
    forward: Forward, models: Sequence[nn.Module], data: Sequence[Dataset], steps: int, batch: int
) -> None:
    """Train all `models` as one, with nothing that is not needed for it."""
    stacked = stacked_by_hand(models)
    x = torch.cat([own.train.x for own in data])
    y = torch.cat([own.train.y for own in data])
    optimizer = torch.optim.Adam(stacked, lr=RATE, fused=True)
    labels = [own.train.y for own in data]
    start = torch.arange(len(data)).unsqueeze(1) * len(labels[0])
    for _, drawn in zip(range(steps), batches(labels, batch, seeds(len(data))), strict=False):
        rows = (start + drawn).flatten()
        inputs = x.index_select(0, rows).view(len(data), batch, -1)
        optimizer.zero_grad()
        outputs = forward(stacked, inputs)
        losses = cross_entropies(outputs.flatten(0, 1), y.index_select(0, rows))
        (losses.sum() / batch).backward()
        optimizer.step()


def seconds_a_step(train: Callable[[int], object], steps: int) -> float:
    """CPU seconds, without what a run takes beside its steps."""
    train(1)  # warm
    times = []
    for count in (1, steps + 1):
        start = process_time()
        train(count)
        times.append(process_time() - start)
    return (times[1] - times[0]) / steps


def measure(
    model: Callable[..., nn.Sequential],
    by_hand: Forward,
    data: Callable[..., Dataset],
    batch: int,
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Model-steps a second of the three, and fit_many against the two others."""
    chosen = seeds(REPLICAS)
    splits = {seed: data(seed=seed) for seed in chosen}
    options = {"lr": RATE, "optimizer": "adam", "batch_size": batch, "parts": ["validation"]}

    def together(steps: int) -> None:
        history = fit_many(
            lambda seed: splits[seed], model=model, seeds=chosen, steps=steps, **options
        )
        assert history.how == "stacked" or history.how.startswith("loop: memory"), history.how

    def alone(steps: int) -> None:
        for seed in chosen:
            fit(model(seed=seed), splits[seed], seed=seed, steps=steps, **options)

    def hand(steps: int) -> None:
        models = [model(seed=seed) for seed in chosen]
        train_by_hand(by_hand, models, list(splits.values()), steps, batch)

    speeds, ratios = [], []
    for _ in range(rounds):
        a, b, c = (
            REPLICAS / seconds_a_step(train, STEPS[kind])
            for train, kind in ((together, "together"), (alone, "alone"), (hand, "together"))
        )
        speeds.append([a, b, c])
        ratios.append([a / b, a / c])
    return middle(speeds), middle(ratios)


def middle(rows: Iterable[Iterable[float]]) -> list[float]:
    """The median of each column."""
    return [statistics.median(column) for column in zip(*rows, strict=True)]


MLP, DEEP = (64, 64, 10), (784, 10, 10, 10)
CASES = {
    "64-64-10, batch 32": (partial(network, MLP), network_by_hand, digits, 32),
    "64-64-10, batch 100": (partial(network, MLP), network_by_hand, digits, 100),
    "784-10-10-10, batch 32": (partial(network, DEEP), network_by_hand, mnist, 32),
    "784-10-10-10, batch 100": (partial(network, DEEP), network_by_hand, mnist, 100),
    "1-D CNN, batch 32": (convolutional, convolutional_by_hand, mnist1d, 32),
    "1-D CNN, batch 100": (convolutional, convolutional_by_hand, mnist1d, 100),
}


WATCHED = {"4": (4, 300, 32), "16": (16, 300, 32), "32, batch 100": (32, 300, 100)}


def cost_of_watching(replicas: int, steps: int, batch: int, rounds: int) -> float:
    """How much longer a stacked run takes that is watched, as those with a module of one's own."""
    chosen = seeds(replicas)
    splits = [digits(seed=seed) for seed in chosen]
    training = {"steps": steps, "batch_size": batch, "optimizer": "adam", "parts": ["validation"]}
    plan = make_plan(len(splits[0].train.y), training)

    def seconds(*, watched: bool) -> float:
        models = [mlp(MLP, activation=torch.relu, seed=seed) for seed in chosen]
        start = process_time()
        fit_stacked(models, splits, plan, rates=[RATE], seeds=chosen, watched=watched)
        return process_time() - start

    seconds(watched=True)  # warm
    return statistics.median(seconds(watched=True) / seconds(watched=False) for _ in range(rounds))


def peak_mib(replicas: int, steps: int) -> float:
    """Peak memory that training adds to this process, on Linux; call it in a fresh one."""
    torch.set_num_threads(1)
    train = partial(fit_many, digits, sizes=MLP, optimizer="adam", lr=RATE, batch_size=32)
    train(seeds=seeds(1), steps=1)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before = peak_kib()
    train(seeds=seeds(replicas), steps=steps)
    return (peak_kib() - before) / 1024


def peak_kib() -> int:
    """The most resident memory so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    """Print the three tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    print(f"{'model-steps a second':24}  fit_many      fit  by hand   × fit  × hand")
    for name, case in CASES.items():
        speeds, ratios = measure(*case, rounds)
        cells = [f"{speed:8,.0f}" for speed in speeds] + [f"{ratio:7.2f}" for ratio in ratios]
        print(f"{name:24}", *cells, flush=True)
    print("\na stacked run of a module of one's own, watched against not, 64-64-10")
    for name, case in WATCHED.items():
        print(f"{name:15} replicas {cost_of_watching(*case, rounds):8.3f} ×", flush=True)
    print("\npeak memory that fit_many adds, 64-64-10, batch 32")
    spawn = multiprocessing.get_context("spawn")
    for replicas, steps in ((8, 100), (32, 100), (32, 3000)):
        with ProcessPoolExecutor(1, mp_context=spawn) as fresh:
            mib = fresh.submit(peak_mib, replicas, steps).result()
        print(f"{replicas:3} replicas, {steps:5,} steps {mib:8.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
