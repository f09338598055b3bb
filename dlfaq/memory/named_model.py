"""What a name on the command line stands for: a model, and inputs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

__all__ = ["USUAL_BATCH", "Model"]

USUAL_BATCH = 32


class Model(NamedTuple):
    """What makes a model, and inputs for it.

    Attributes:
        make: the model, with weights drawn at random.
        inputs: arguments as `memory_profile` takes them, if they come with the model.
        example: else the shape of one example of float32 numbers, if that is known.
        with_shape: arguments for one example of another shape, where they are not float32 numbers
            alone, such as a language model's tokens and labels.
    """

    make: Callable[[], nn.Module]
    inputs: Any = None
    example: tuple[int, ...] | None = None
    with_shape: Callable[[tuple[int, ...]], Any] | None = None

    def inputs_for(self, shape: tuple[int, ...] | None) -> Any:  # noqa: ANN401
        """Arguments for examples of a shape, or of the model's own; None where that is unknown."""
        if shape is not None and self.with_shape is not None:
            return self.with_shape(shape)
        example = self.example if shape is None else shape
        return self.inputs if example is None else (USUAL_BATCH, *example)
