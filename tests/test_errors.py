"""What an error of someone else says, in one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlfaq.data.sets import digits
from dlfaq.errors import InputError, first_line
from dlfaq.training.fit import fit


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("sizes differ\nat a place"), "sizes differ"),
        (RuntimeError("\n  sizes differ"), "sizes differ"),
        (RuntimeError(), "RuntimeError"),
        (ValueError(" \n"), "ValueError"),
    ],
    ids=repr,
)
def test_the_first_line_or_the_type(error, line):
    assert first_line(error) == line


class Mute(nn.Module):
    """A model that fails and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError


def test_a_model_that_fails_without_a_word_is_named_by_its_error():
    with pytest.raises(InputError, match="got RuntimeError"):
        fit(Mute(), digits(seed=0), lr=0.1, steps=1)
