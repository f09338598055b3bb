"""The account of one step: bytes by kind, after each operation and at the peak."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.memory.beside import beside
from dlfaq.memory.gpus import gpu_named
from dlfaq.memory.optimizers import name_of
from dlfaq.memory.tracker import KINDS
from dlfaq.memory.units import in_units
from dlfaq.writing.tables import text_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from dlfaq.memory.beside import Beside
    from dlfaq.memory.settings import StepSettings

__all__ = ["MemoryProfile", "in_units"]

# What habits bring; without them these kinds have no line.
_NAMES = {"ddp_buckets": "DDP buckets", "ema": "averaged copies", "grad_scaler": "gradient scaler"}


@dataclass(frozen=True, repr=False)
class MemoryProfile:
    """What a step of a model holds in memory, in bytes.

    Attributes:
        timeline: bytes after each operation, (operations, kinds); its columns are `kinds`.
        operations: the name of each operation, such as "convolution_backward", "start" for the
            first row, and that of the phase where one begins.
        phases: "forward", "backward", "optimizer" and "validation" in their turn, each with its
            first row.
        settings: mode, optimizer, precision and so on.
        batch_size: length of the inputs' first dimension.
        loss: what the loss was, in words; empty in inference.
        workspaces: how many workspaces cuBLAS keeps; see `dlfaq.memory.workspace`.
        workspace_bytes: their bytes; of a GPU that is not named, those before Hopper.
        convolution_bytes: how much higher the peak is with the copies that convolutions on tensor
            cores may make; see `dlfaq.memory.convolutions`.
        measured_peak_bytes: the peak of a real run, workspaces included; None if there was none.
    """

    timeline: npt.NDArray[np.int64]
    operations: tuple[str, ...]
    phases: tuple[tuple[str, int], ...]
    settings: StepSettings
    batch_size: int
    loss: str = ""
    workspaces: int = 0
    workspace_bytes: int = 0
    convolution_bytes: int = 0
    measured_peak_bytes: int | None = None

    kinds = KINDS

    @property
    def peak_bytes(self) -> int:
        """The most bytes that tensors hold at once, rounding included."""
        return int(self.timeline.sum(axis=1).max())

    @property
    def needed_bytes(self) -> int:
        """The peak and the workspaces: what PyTorch's allocator reports for the step."""
        return self.peak_bytes + self.convolution_bytes + self.workspace_bytes

    @property
    def beside(self) -> Beside:
        """What a GPU holds beside the tensors, as ranges; see `dlfaq.memory.beside`."""
        gpu = self.settings.gpu
        copies: int | None = self.convolution_bytes
        if gpu and not gpu_named(gpu).has_tensor_cores_for(self.settings.precision):
            copies = None if "convolution" in self.operations else 0
        return beside(
            gpu,
            peak_bytes=self.peak_bytes,
            workspaces=self.workspaces,
            convolution_bytes=copies,
        )

    @property
    def peak_row(self) -> int:
        """The row of the peak."""
        return int(self.timeline.sum(axis=1).argmax())

    @property
    def peak_operation(self) -> str:
        """Where the peak is, such as "convolution_backward (backward)"."""
        phase = [name for name, row in self.phases if row <= self.peak_row]
        return f"{self.operations[self.peak_row]} ({phase[-1] if phase else 'start'})"

    @property
    def at_peak(self) -> dict[str, int]:
        """Bytes of each kind at the peak; their sum is `peak_bytes`."""
        return dict(zip(KINDS, self.timeline[self.peak_row].tolist(), strict=True))

    @property
    def parameters_bytes(self) -> int:
        """The parameters."""
        return self._most("parameters")

    @property
    def buffers_bytes(self) -> int:
        """The buffers, such as the running statistics of batch norm."""
        return self._most("buffers")

    @property
    def gradients_bytes(self) -> int:
        """The gradients of the parameters when all are there."""
        return self._most("gradients")

    @property
    def optimizer_state_bytes(self) -> int:
        """What the optimizer keeps between steps."""
        return self._most("optimizer_state")

    @property
    def activations_bytes(self) -> int:
        """The most that is saved for the backward pass at once."""
        return self._most("activations")

    @property
    def temporaries_bytes(self) -> int:
        """The most at once of what is none of the other kinds."""
        return self._most("temporaries")

    @property
    def ddp_buckets_bytes(self) -> int:
        """The buckets of DistributedDataParallel; gradients that are views of them are here."""
        return self._most("ddp_buckets")

    @property
    def ema_bytes(self) -> int:
        """The averaged copies of the model."""
        return self._most("ema")

    @property
    def grad_scaler_bytes(self) -> int:
        """The scale of a GradScaler, and how long it has held."""
        return self._most("grad_scaler")

    @property
    def inputs_bytes(self) -> int:
        """The inputs and the labels."""
        return self._most("inputs")

    def as_dict(self) -> dict[str, Any]:
        """The figures as data: the largest of each kind, the peak, and its parts."""
        return {
            "batch_size": self.batch_size,
            "mode": self.settings.mode,
            "optimizer": name_of(self.settings.optimizer) if self.loss else None,
            "options": dict(self.settings.options),
            "precision": self.settings.precision,
            "checkpointing": self.settings.checkpointing,
            "accumulation": self.settings.accumulation,
            "loss": self.loss or None,
            "habits": asdict(self.settings.habits),
            "device": self.settings.device,
            **{f"{kind}_bytes": self._most(kind) for kind in KINDS},
            "peak_bytes": self.peak_bytes,
            "peak_operation": self.peak_operation,
            "at_peak": self.at_peak,
            "workspace_bytes": self.workspace_bytes,
            "convolution_bytes": self.convolution_bytes,
            "beside": self.beside.as_dict() if self.settings.device == "cuda" else None,
            "measured_peak_bytes": self.measured_peak_bytes,
        }

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the step: bytes over operations, stacked by kind. See `dlfaq.memory.figure`."""
        # matplotlib takes as long to load as the profile to make.
        from dlfaq.memory.figure import draw  # noqa: PLC0415

        return draw(self.timeline, self.phases, peak_bytes=self.peak_bytes, axes=axes)

    def __str__(self) -> str:
        """What was taken for granted, and the table."""
        return f"batch {self.batch_size}, {self.assumptions}\n{self.table()}"

    __repr__ = __str__

    @property
    def assumptions(self) -> str:
        """Optimizer, precision, loss and habits that the account takes for granted, in a line."""
        return self.settings.in_words(self.loss)

    def table(self) -> str:
        """The largest of each kind, and what stands at the peak."""
        rows = [
            [_NAMES.get(kind, kind.replace("_", " ")), in_units(most), in_units(there)]
            for kind, there in self.at_peak.items()
            if (most := self._most(kind)) or kind not in _NAMES
        ]
        rows.append(["peak", "", in_units(self.peak_bytes)])
        lines = [text_table(["", "most", "at the peak"], rows), f"in {self.peak_operation}"]
        if self.settings.device == "cuda":
            lines += self.beside.lines()
        if self.measured_peak_bytes is not None:
            lines.append(f"measured peak {in_units(self.measured_peak_bytes)}")
        return "\n".join(lines)

    def _most(self, kind: str) -> int:
        return int(self.timeline[:, KINDS.index(kind)].max())
