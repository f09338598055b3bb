"""`dlfaq memory`: its options, apart from what they do, so that `dlfaq --help` loads no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, add_command

if TYPE_CHECKING:
    import argparse

    from dlfaq.cli.commands import Commands

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command, with the options that `dlfaq.memory.command.report` reads."""
    parser = add_command(
        commands,
        "memory",
        _run,
        "predict the memory of a training step, without a GPU",
        "dlfaq memory torchvision:resnet50 --batch-size 32 --precision bf16 --checkpointing\n"
        "         dlfaq memory net.py:make_model --optimizer sgd --fit 24GiB --json memory.json",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="torchvision:NAME or timm:NAME; hf:PATH, a configuration file of Hugging Face; or "
        "path/to/file.py:function, which returns the model, or the model and its inputs",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--batch-size", type=int, metavar="N", help="examples (32)")
    size.add_argument(
        "--fit",
        metavar="SIZE",
        help="find the largest batch whose peak fits; leave room for the driver and its libraries",
    )
    parser.add_argument(
        "--input-shape",
        metavar="C,H,W",
        help="of one example, float32, without the batch; for a language model its length",
    )
    parser.add_argument("--optimizer", default="adam", metavar="O", help="a name (adam)")
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["fp32", "bf16", "amp"],
        help="bf16: weights and all; amp: float32 weights under autocast (fp32)",
    )
    parser.add_argument(
        "--checkpointing",
        action="store_true",
        help="compute the activations of each block again in the backward pass",
    )
    parser.add_argument("--inference", action="store_true", help="a forward pass without a graph")
    parser.add_argument(
        "--device", default="cuda", choices=["cuda", "cpu"], help="whose kernels to predict (cuda)"
    )
    parser.add_argument(
        "--gpu", metavar="NAME", help="for what lies beside the tensors, such as h100 (a range)"
    )
    parser.add_argument("--measure", action="store_true", help="also run it there for real")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as data")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the step, .svg or .png")


def _run(options: argparse.Namespace) -> int:
    from dlfaq.memory.command import report

    print(report(options))
    return DONE
