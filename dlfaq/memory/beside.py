"""What a GPU holds beside the tensors of a step: ranges, each with its source.

The peak of the tensors is followed byte by byte. These are not: they depend on the GPU, on the
driver, and on what libraries choose. So each is a range, from what somebody measured or documented,
and "unknown" where nobody did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlfaq.memory.gpus import CONTEXTS, RESERVES, gpu_named, least_and_most_cublas
from dlfaq.memory.units import in_units
from dlfaq.writing.tables import text_table

if TYPE_CHECKING:
    from dlfaq.memory.gpus import Gpu

__all__ = ["Beside", "Part", "beside"]


class Part(NamedTuple):
    """One thing beside the tensors: its bytes at least and at most, and who says so.

    `most` is None where it is unknown.
    """

    name: str
    least: int
    most: int | None
    source: str


class Beside(NamedTuple):
    """All that stands beside the tensors.

    Attributes:
        peak_bytes: of the tensors.
        gpu: its name; None for the range over all that are known.
        parts: one thing each.
    """

    peak_bytes: int
    gpu: str | None
    parts: tuple[Part, ...]

    @property
    def least_bytes(self) -> int:
        """What `nvidia-smi` shows at least, the tensors included."""
        return self.peak_bytes + sum(part.least for part in self.parts)

    @property
    def most_bytes(self) -> int:
        """What it shows at most, as far as the parts are known."""
        return self.peak_bytes + sum(part.most or part.least for part in self.parts)

    def lines(self) -> list[str]:
        """A table for the report."""
        rows = [
            [
                part.name,
                in_units(part.least),
                "unknown" if part.most is None else in_units(part.most),
                part.source,
            ]
            for part in self.parts
        ]
        rows.append(["with the tensors", in_units(self.least_bytes), in_units(self.most_bytes), ""])
        where = self.gpu or "any GPU; --gpu names one"
        return [f"beside the tensors, on {where}:", text_table(["", "from", "to", ""], rows)]

    def as_dict(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "gpu": self.gpu,
            "parts": [part._asdict() for part in self.parts],
            "least_bytes": self.least_bytes,
            "most_bytes": self.most_bytes,
        }


def beside(
    gpu: str | None,
    *,
    peak_bytes: int,
    workspaces: int,
    convolution_bytes: int | None,
) -> Beside:
    """What stands beside the tensors of a step.

    Args:
        gpu: a name that `dlfaq.memory.gpus` knows; None for the range over all.
        peak_bytes: of the tensors.
        workspaces: how many cuBLAS keeps.
        convolution_bytes: what copies for tensor cores add to the peak; None where convolutions run
            without tensor cores.

    Raises:
        InputError: nothing is known of a GPU of that name.
    """
    known = None if gpu is None else gpu_named(gpu)
    parts = [
        *_cublas(workspaces, known),
        *_convolutions(convolution_bytes),
        _reserve(peak_bytes),
        _context(known),
    ]
    return Beside(peak_bytes, known.name if known else None, tuple(parts))


def _cublas(number: int, gpu: Gpu | None) -> list[Part]:
    if not number:
        return []
    least, most = (gpu.cublas_bytes,) * 2 if gpu else least_and_most_cublas()
    source = f"{number} of them; PyTorch, CUDA semantics"
    return [Part("workspaces of cuBLAS", number * least, number * most, source)]


def _convolutions(copies: int | None) -> list[Part]:
    name = "workspaces of convolutions"
    if copies is None:
        return [Part(name, 0, None, "not measured on such a GPU")]
    source = "copies with channels last; more with cudnn.benchmark"
    return [Part(name, 0, copies, source)] if copies else []


def _reserve(peak_bytes: int) -> Part:
    most = max(pair.figure for pair in RESERVES) - 1
    source = f"to {most:.0%} in {len(RESERVES)} published pairs"
    return Part("reserved, not allocated", 0, round(most * peak_bytes), source)


def _context(gpu: Gpu | None) -> Part:
    own = [context for context in CONTEXTS if gpu and context.on == gpu.name]
    known = own or CONTEXTS
    figures = [int(context.figure) for context in known]
    source = "; ".join(context.source for context in own)
    if not own:
        others = " and ".join(context.on for context in known)
        source = f"not measured on {gpu.name}, but on {others}" if gpu else f"on {others}"
    return Part("CUDA context", min(figures), max(figures), source)
