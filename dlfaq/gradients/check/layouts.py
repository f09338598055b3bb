"""Gradients must not depend on how numbers lie in memory.

What comes back from a sum is one number seen many times, from a transposition a transposed one, and
an input may be a view. A backward that reads memory as if it were contiguous passes most tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dlfaq.errors import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["depends_on_layout"]

_CLOSE = 1e-9  # of the largest number: the order of a sum may depend on the layout
_SHAKEN = 3  # times that the arguments are moved by rounding
_SAFETY = 10  # of what rounding was seen to do


def depends_on_layout(
    run: Callable[..., object], arguments: Sequence[Tensor], parameters: Sequence[Tensor]
) -> dict[int, str]:
    """What is wrong for another layout, by position in `arguments` and then `parameters`.

    Args:
        run: takes the arguments and returns the outputs.
        arguments: as they are.
        parameters: what `run` reads besides.
    """
    found: dict[int, str] = {}

    def look(of: str, lay: Callable[[Tensor], Tensor], *, inputs: bool) -> None:
        try:
            usual, _ = _gradients(run, arguments, parameters, _same, _same)
            upstream = _same if inputs else _values(lay)
            expected, reference = _gradients(run, arguments, parameters, _same, upstream)
        except Exception:  # noqa: BLE001  (it does not take these at all, or has its own report)
            return
        try:
            lays = (lay, _same) if inputs else (_same, lay)
            got, outputs = _gradients(run, arguments, parameters, *lays)
        except _ForwardRefused:
            return
        except Exception as error:  # noqa: BLE001  (it is what is looked for)
            found.setdefault(0, f"is not computed for {of}: {first_line(error)}")
            return
        if not all(map(_close, outputs, reference, reference)):
            return  # the forward pass itself is another one
        different = [
            position
            for position, (a, b, size) in enumerate(zip(got, expected, usual, strict=True))
            if not _close(a, b, size)
        ]
        if not different:
            return
        room = _by_rounding(run, arguments, parameters, upstream, expected)
        for position in different:
            if not _close(got[position], expected[position], usual[position], room[position]):
                found.setdefault(position, f"is another one for {of}")

    for words, lay in _LAYOUTS.items():
        look(f"an upstream gradient that is {words}", lay, inputs=False)
    look("an input that is not contiguous", _strided, inputs=True)
    return found


def _by_rounding(
    run: Callable[..., object],
    arguments: Sequence[Tensor],
    parameters: Sequence[Tensor],
    upstream: Callable[[Tensor], Tensor],
    usual: Sequence[Tensor],
) -> list[float]:
    """How far each gradient moves where the arguments move by their rounding.

    What is left of numbers that are all the same, less their mean, is rounding alone, which the
    order of a sum decides, and so may the layout.
    """
    room = [0.0] * len(usual)
    stream = torch.Generator().manual_seed(8191)
    for _ in range(_SHAKEN):
        shaken = [_shaken(tensor.detach(), stream) for tensor in arguments]
        try:
            found, _ = _gradients(run, shaken, parameters, _same, upstream)
        except Exception:  # noqa: BLE001, S112  (over the edge of the domain)
            continue
        moved = [_dense(a) - _dense(b) for a, b in zip(found, usual, strict=True)]
        largest = [m.abs().max().item() if m.numel() else 0.0 for m in moved]
        room = [max(pair) for pair in zip(room, largest, strict=True)]
    return [_SAFETY * r for r in room]


def _shaken(tensor: Tensor, stream: torch.Generator) -> Tensor:
    """Each number off by some roundings, those that are the same by the same: ties stay ties."""
    if tensor.layout != torch.strided or not tensor.is_floating_point():
        return tensor
    values, places = tensor.unique(return_inverse=True)
    off = torch.randn(len(values), generator=stream, dtype=torch.float64).to(values)
    shaken: Tensor = (values * (1 + 4 * torch.finfo(values.dtype).eps * off))[places]
    return shaken


class _ForwardRefused(Exception):
    """The forward pass does not take such inputs."""


def _gradients(
    run: Callable[..., object],
    arguments: Sequence[Tensor],
    parameters: Sequence[Tensor],
    inputs: Callable[[Tensor], Tensor],
    upstream: Callable[[Tensor], Tensor],
) -> tuple[list[Tensor], list[Tensor]]:
    """Gradients for arguments and parameters, and the outputs."""
    leaves = [inputs(t.detach()).requires_grad_() for t in arguments]
    try:
        leaf_outputs = tree_leaves(run(*leaves))
    except Exception as error:
        raise _ForwardRefused from error
    outputs = [o for o in leaf_outputs if isinstance(o, Tensor) and o.requires_grad]
    stream = torch.Generator().manual_seed(8191)
    vectors = [
        upstream(torch.randn(o.shape, generator=stream, dtype=torch.float64).to(o)) for o in outputs
    ]
    wanted = [*leaves, *parameters]
    found = torch.autograd.grad(outputs, wanted, vectors, allow_unused=True)
    gradients = [
        torch.zeros_like(t) if g is None else g for g, t in zip(found, wanted, strict=True)
    ]
    return gradients, [o.detach() for o in outputs]


def _same(tensor: Tensor) -> Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def _values(lay: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The numbers that `lay` leaves, in an ordinary layout."""
    return lambda tensor: _same(lay(tensor))


def _strided(tensor: Tensor) -> Tensor:
    """The same numbers, each second one of a larger memory, and the last two axes exchanged."""
    if tensor.layout != torch.strided:
        return tensor.clone()
    turned = tensor.mT if tensor.ndim > 1 else tensor
    room = turned.new_full((*turned.shape, 2), 7.0)
    room[..., 0] = turned
    return room[..., 0].mT if tensor.ndim > 1 else room[..., 0]


def _expanded(tensor: Tensor) -> Tensor:
    """One number, seen in each place."""
    return tensor.flatten()[:1].clone().squeeze().expand(tensor.shape) if tensor.numel() else tensor


def _dense(tensor: Tensor) -> Tensor:
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def _close(a: Tensor, b: Tensor, usual: Tensor, room: float = 0.0) -> bool:
    """Whether they are the same, to the rounding of numbers of the usual size: a sum may cancel."""
    a, b, usual = map(_dense, (a, b, usual))
    if a.shape != b.shape:
        return False
    largest = max(t.abs().max().item() if t.numel() else 0.0 for t in (a, b, usual))
    eps = torch.finfo(a.dtype).eps / torch.finfo(torch.float64).eps
    atol = max(_CLOSE * eps * largest, room)
    return bool(torch.allclose(a, b, rtol=0, atol=atol, equal_nan=True))


_LAYOUTS = {"not contiguous": _strided, "expanded from one number": _expanded}
