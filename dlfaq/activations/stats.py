"""What the layers of a network put out: per layer and step."""

from __future__ import annotations

from contextlib import ExitStack
from html import escape
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor, nn

from dlfaq.activations.heat_map import heat_map
from dlfaq.activations.observation import forward_quietly, leaves, numbers
from dlfaq.errors import InputError
from dlfaq.writing.tables import html_table, text_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlfaq.activations.observation import Layers
    from dlfaq.training.history import Floats

__all__ = ["ActivationStats", "activation_stats"]


class ActivationStats:
    """Mean, standard deviation, share near zero and histogram of each layer at each training step.

    A context manager around a training loop of your own. A step is a call of the model in train
    mode with gradients enabled, so that passes over validation data do not count. Layers are
    modules without children, by their qualified names; one that runs twice in a step counts its
    last run, and one that does not run, or on no examples, has NaN there. Of several tensors, such
    as the outputs and the last states of an LSTM, all numbers count together.

    Args:
        model: the network; it behaves as without.
        every: records steps 0, every, 2·every, ….
        near_zero: an output o ≤ this counts as near zero, as in fastai: a negative one too.
        bins: of a histogram of the outputs; None makes none.
        limits: of the bins. What lies outside is counted in a bin of its own on each side.
        layers: types of the modules to record.

    Attributes:
        names: of the layers, in the order of the model.
        steps: numbers of the recorded steps, (steps,).
        mean: of the outputs, (layers, steps).
        std: their standard deviation with n − 1, (layers, steps).
        near_zero: the share of them that is near zero, (layers, steps).
        non_finite: the share that is NaN or infinite, (layers, steps).
        histogram: counts, (layers, steps, bins + 2): below the limits, the bins, above. Only NaN is
            in none of them.
        edges: of the bins, (bins + 1,).

    Raises:
        InputError: no layer of these types; bins or limits or every that make no sense.

    Example:
        >>> x, y = digits().train
        >>> model = mlp([64, 32, 10])
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
        >>> with ActivationStats(model, layers=nn.ReLU) as stats:
        ...     for _ in range(20):
        ...         optimizer.zero_grad()
        ...         cross_entropy(model(x), y).backward()
        ...         optimizer.step()
        >>> stats.near_zero.shape
        (1, 20)

    Source: the quantities are those of fastai's `ActivationStats` (fastai/callback/hook.py).
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        every: int = 1,
        near_zero: float = 0.05,
        bins: int | None = None,
        limits: tuple[float, float] = (-10.0, 10.0),
        layers: Layers = nn.Module,
    ) -> None:
        if every < 1 or (bins is not None and bins < 1) or not limits[0] < limits[1]:
            raise InputError(
                expected="every and bins of at least 1, and limits (low, high)",
                got=f"every={every}, bins={bins}, limits={limits}",
                cure="for instance every=10, bins=40, limits=(-10, 10)",
            )
        self._model = model
        self._layers = leaves(model, layers)
        self._every = every
        self._threshold = near_zero
        self._bins = bins
        self._calls = 0
        self._now: dict[str, Floats] | None = None  # None between the steps that are recorded
        self._recorded: list[dict[str, Floats]] = []
        self._hooks = ExitStack()
        self._always = False
        self.edges: Floats = np.linspace(*limits, (bins or 1) + 1)
        self.steps = np.array([], dtype=np.int64)

    def __enter__(self) -> Self:
        """Begin to record."""
        own = self._model.register_forward_pre_hook(lambda *_: self._begin())
        self._hooks.callback(own.remove)
        for name, layer in self._layers.items():
            hook = layer.register_forward_hook(
                lambda _, __, output, name=name: self._record(name, output)
            )
            self._hooks.callback(hook.remove)
        end = self._model.register_forward_hook(lambda *_: self._end())
        self._hooks.callback(end.remove)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the hooks off."""
        self._hooks.close()

    @property
    def names(self) -> list[str]:
        """Qualified names of the layers."""
        return list(self._layers)

    @property
    def mean(self) -> Floats:
        """Mean output, (layers, steps)."""
        return self._stacked[..., 0]

    @property
    def std(self) -> Floats:
        """Standard deviation of the outputs, (layers, steps)."""
        return self._stacked[..., 1]

    @property
    def near_zero(self) -> Floats:
        """Share of outputs near zero or negative, (layers, steps)."""
        return self._stacked[..., 2]

    @property
    def non_finite(self) -> Floats:
        """Share of outputs that are NaN or infinite, (layers, steps)."""
        return self._stacked[..., 3]

    @property
    def histogram(self) -> Floats:
        """Counts below the limits, in the bins and above, (layers, steps, bins + 2)."""
        return self._counts[..., :-1]

    def plot_histogram(self, layer: str, ax: Axes | None = None) -> Axes:
        """Draw where all outputs of a layer were, step by step.

        A column is a recorded step, and a stronger colour is more outputs, on one logarithmic scale
        for all layers. What lies outside of the limits stands in a band of its own on each side,
        and NaN, if there is any, in one above.

        Args:
            layer: its qualified name, one of `names`.
            ax: where to draw; axes of a new figure if left out.

        Returns:
            The axes. `ax.collections[0]` is what a colour bar is made of.

        Raises:
            InputError: no such layer, no histogram, or nothing was recorded of the layer.

        Example:
            >>> x = torch.randn(100, 10)
            >>> stats = activation_stats(mlp([10, 50, 3]), x, bins=40, limits=(-3, 3))
            >>> stats.plot_histogram("0")
            <Axes: xlabel='step', ylabel='output'>
        """
        if layer not in self.names:
            raise InputError(
                expected=f"one of the layers {', '.join(self.names)}",
                got=repr(layer),
                cure="names= has them in the order of the model",
            )
        counts = self._counts
        row = counts[self.names.index(layer)]
        ran = ~np.isnan(row[:, 0])
        if not ran.any():
            raise InputError(
                expected=f"a step in which layer {layer!r} ran",
                got=f"none among {len(self.steps)} recorded",
                cure="train in the with block, in train mode; or use activation_stats(model, x)",
            )
        if ax is None:
            # A page that only records does not load matplotlib for it.
            import matplotlib.pyplot as plt  # noqa: PLC0415

            _, ax = plt.subplots()
        most = float(np.nanmax(counts))
        heat_map(ax, self.steps[ran], self._every, row[ran], self.edges, most=most)
        ax.set_ylabel("output")
        return ax

    @property
    def _counts(self) -> Floats:
        """Below the limits, in the bins, above, and NaN, (layers, steps, bins + 3)."""
        if self._bins is None:
            raise InputError(
                expected="ActivationStats with a histogram",
                got="bins=None",
                cure="write ActivationStats(model, bins=40)",
            )
        return self._stacked[..., 4:]

    def __str__(self) -> str:
        """A line per layer, from the first recorded step to the last."""
        return f"{text_table(self._headings(), self._cells(), left=2)}\n\n{self._caption()}"

    def _repr_html_(self) -> str:
        return html_table(self._headings(), self._cells()) + f"<p>{escape(self._caption())}</p>"

    def _headings(self) -> list[str]:
        return ["layer", "type", "mean", "std", f"near zero (≤ {self._threshold:g})"]

    def _cells(self) -> list[list[str]]:
        formats = (("{:.3g}", self.mean), ("{:.3g}", self.std), ("{:.1%}", self.near_zero))
        ends = [0, -1] if len(self.steps) > 1 else [0] if len(self.steps) else []
        return [
            [name, type(layer).__name__]
            + [" → ".join(shown.format(values[row, i]) for i in ends) for shown, values in formats]
            for row, (name, layer) in enumerate(self._layers.items())
        ]

    def _caption(self) -> str:
        if len(self.steps) < 2:  # noqa: PLR2004
            return f"{len(self.steps)} step recorded." if len(self.steps) else "Nothing recorded."
        return f"{len(self.steps):,} steps recorded, {self.steps[0]} → {self.steps[-1]}."

    def _begin(self) -> None:
        self._now = None
        if not (self._always or (self._model.training and torch.is_grad_enabled())):
            return
        if self._calls % self._every == 0:
            self._now = {}
        self._calls += 1

    @torch.no_grad()
    def _record(self, name: str, output: object) -> None:
        if self._now is not None:
            self._now[name] = self._measured(numbers(output))

    def _end(self) -> None:
        if self._now is not None:
            self._recorded.append(self._now)
            self.steps = np.append(self.steps, self._calls - 1)
            self._now = None

    def _measured(self, outputs: Tensor) -> Floats:
        size = outputs.numel()
        if not size:
            return np.full(self._width, np.nan)
        var, mean = torch.var_mean(outputs.double(), correction=min(1, size - 1))
        near_zero = (outputs <= self._threshold).sum().double() / size
        non_finite = (~outputs.isfinite()).sum().double() / size
        measured = torch.stack([mean, var.sqrt(), near_zero, non_finite])
        if self._bins is not None:
            edges = torch.as_tensor(self.edges).to(outputs.device)
            places = torch.bucketize(outputs[~outputs.isnan()], edges, right=True)
            counts = torch.bincount(places, minlength=self._bins + 2)
            # The last bin holds its upper edge, as in NumPy and torch.histc.
            on_the_edge = (outputs == edges[-1]).sum()
            counts[-1] -= on_the_edge
            counts[-2] += on_the_edge
            nan = outputs.isnan().sum()[None]
            measured = torch.cat([measured, counts.double(), nan.double()])
        return measured.cpu().numpy()

    @property
    def _width(self) -> int:
        """How many quantities are measured."""
        return 4 + (0 if self._bins is None else self._bins + 3)

    @property
    def _stacked(self) -> Floats:
        """All that was measured, (layers, steps, quantities)."""
        stacked = np.full((len(self._layers), len(self._recorded), self._width), np.nan)
        for column, step in enumerate(self._recorded):
            for row, name in enumerate(self._layers):
                if name in step:
                    stacked[row, column] = step[name]
        return stacked


def activation_stats(
    model: nn.Module,
    x: Tensor,
    *,
    near_zero: float = 0.05,
    bins: int | None = None,
    limits: tuple[float, float] = (-10.0, 10.0),
    layers: Layers = nn.Module,
) -> ActivationStats:
    """The statistics for one batch, in the mode that the model is in.

    Arguments and errors are those of `ActivationStats`. Buffers stay as they are, so that the
    running statistics of batch norm do not see the batch.

    Returns:
        An `ActivationStats` with one step.

    Example:
        >>> activation_stats(mlp([64, 32, 10]), digits().train.x, layers=nn.ReLU).near_zero.shape
        (1, 1)
    """
    stats = ActivationStats(model, near_zero=near_zero, bins=bins, limits=limits, layers=layers)
    stats._always = True  # noqa: SLF001  (our own)
    with stats:
        forward_quietly(model, x)
    return stats
