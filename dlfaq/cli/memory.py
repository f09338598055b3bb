"""`dlfaq memory`: its options, apart from what they do, so that `dlfaq --help` loads no torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, add_command

if TYPE_CHECKING:
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
        "         dlfaq memory net.py:make_model --optimizer sgd --fit 24GiB --json memory.json\n"
        "         dlfaq memory lm.py:gpt --input-shape 1024 --input-dtype int64 --ddp",
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
    parser.add_argument(
        "--input-dtype", metavar="T", help="of what --input-shape gives, int64 for tokens (float32)"
    )
    parser.add_argument(
        "--optimizer", default="adam", metavar="O", help="of torch.optim, by name (adam)"
    )
    parser.add_argument(
        "--options", metavar="NAME=VALUE,…", help="of the optimizer, such as momentum=0.9"
    )
    parser.add_argument(
        "--loss",
        metavar="L",
        help="a name of torch.nn.functional or torch.nn, or path/to/file.py:function (what is "
        "assumed stands in the first line of the report)",
    )
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["fp32", "bf16", "fp16", "amp", "amp-fp16"],
        help="bf16, fp16: weights and all; amp: float32 weights under autocast to bfloat16; "
        "amp-fp16: to float16, with a GradScaler (fp32)",
    )
    parser.add_argument(
        "--accumulation",
        type=int,
        default=1,
        metavar="N",
        help="the batch goes through in N parts before the optimizer's step (1)",
    )
    parser.add_argument(
        "--checkpointing",
        action="store_true",
        help="compute the activations of each block again in the backward pass",
    )
    _habits(parser)
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


def _habits(parser: argparse.ArgumentParser) -> None:
    """The fields of `dlfaq.memory.habits.Habits`."""
    group = parser.add_argument_group("habits of the training loop")
    places = ["before_forward", "before_backward", "after_step"]
    group.add_argument(
        "--zero-grad",
        default=places[0],
        choices=places,
        help="where optimizer.zero_grad() stands (before_forward)",
    )
    on_off = argparse.BooleanOptionalAction
    group.add_argument(
        "--set-to-none", action=on_off, default=True, help="of zero_grad; else to zeros"
    )
    group.add_argument(
        "--keep-outputs",
        action=on_off,
        default=True,
        help="outputs = model(x), which keeps them; else loss_fn(model(x), y)",
    )
    group.add_argument("--ddp", action="store_true", help="buckets of DistributedDataParallel")
    group.add_argument(
        "--gradient-as-bucket-view", action="store_true", help="of DistributedDataParallel"
    )
    group.add_argument(
        "--ema-copies", type=int, default=0, metavar="N", help="AveragedModel beside the model (0)"
    )
    group.add_argument(
        "--optimizer-in-backward",
        action="store_true",
        help="hooks step each parameter as soon as its gradient is there",
    )
    group.add_argument(
        "--validation",
        choices=["no_grad", "grad"],
        help="two batches after the step, with torch.no_grad() or without",
    )


def _run(options: argparse.Namespace) -> int:
    from dlfaq.memory.command import report

    print(report(options))
    return DONE
