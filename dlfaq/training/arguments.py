"""The arguments of training, explained once: `fit`, `fit_many`, `tune` and `compare` take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from torch import nn

from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from dlfaq.training.batches import Order
    from dlfaq.training.class_weights import ClassWeights
    from dlfaq.training.evaluation import Loss
    from dlfaq.training.models import Activation
    from dlfaq.training.optimizers import Optimizer
    from dlfaq.training.schedulers import Scheduler

__all__ = ["Model", "ReplicaTraining", "Training", "check_known"]

Model: TypeAlias = Callable[..., nn.Module]
"""A function of `seed=` that makes the model of a replica."""


class Training(TypedDict, total=False):
    """How a model is trained. Exactly one of `steps` and `epochs` is given; all else may be left.

    Attributes:
        optimizer: "sgd" (if left out), "adam", "adamw", "rmsprop", …; a class of torch.optim; or a
            function of (parameters, lr=…) that makes one.
        options: further arguments of the optimizer, such as `{"momentum": 0.9}`.
        scheduler: of the learning rate. A name: "cosine", "step", "one-cycle", "linear",
            "exponential" and the others of torch.optim.lr_scheduler in lower case, or
            "warmup-cosine" and "warmup-linear", with options `warmup` (share of the steps, 0.1) and
            `end` (times the rate, 0); a class; a function of the optimizer, such as
            `partial(StepLR, step_size=100)`; or a function of `share=`, the share of the steps done
            so far, to a factor: `lambda share: min(share / 0.1, 1 - share)`. For a name or a class
            `T_max`, `total_steps` and `total_iters` are all steps and `max_lr` is the rate, unless
            options say otherwise.
        scheduler_options: further arguments of the scheduler, such as `{"eta_min": 1e-4}`.
        scheduler_every: "step", if left out, or "epoch": after what the scheduler is stepped, and
            thus in what its lengths count.
        steps: how many batches to train on, in place of `epochs`.
        epochs: how many passes over the training part, in place of `steps`.
        batch_size: examples per batch; left out or None, each batch is the whole training part.
            Examples that do not fill a batch at the end of an epoch are left out of that epoch.
        loss: outputs (n, classes) and labels (n,) to one loss per example, (n,); the batch's loss
            is their mean. Cross-entropy, if left out.
        class_weights: of the classes in cross-entropy, one from 0 for each output, whose mean over
            a batch is then that of `nn.CrossEntropyLoss(weight=…)`, also where it is evaluated; or
            "balanced", n/(c·m) for a class with m of the n training examples in c classes, of each
            replica its own.
        order: of the examples in an epoch. "shuffled", if left out, is a fresh permutation each
            time; the others are the same each epoch: "fixed", one permutation; "by class", all of
            class 0, then of class 1, …; "round-robin", in which the classes take turns. Within a
            class the examples of both are shuffled once.
        zero_grad: False forgets to clear the gradients, so that they add up from step to step.
        clip: before each step the gradients are scaled so that their joint norm, that of all
            parameters of a replica together, is at most this, as `clip_grad_norm_` does it.
        average: share of the steps, such as 0.25. What is evaluated at the end, and returned, are
            the mean weights over so many of the last steps, with statistics of batch norm measured
            anew on the training part. Evaluations on the way are of the weights themselves.
        evaluate_every: evaluate at the start and every so many steps, besides at the end; with
            `epochs`, after every epoch unless given.
        parts: of the data, which to evaluate, among train, validation and test; all if left out.
    """

    optimizer: Optimizer
    options: Mapping[str, Any] | None
    scheduler: Scheduler | None
    scheduler_options: Mapping[str, Any] | None
    scheduler_every: Literal["step", "epoch"]
    steps: int | None
    epochs: int | None
    batch_size: int | None
    loss: Loss
    class_weights: ClassWeights | None
    order: Order
    zero_grad: bool
    clip: float | None
    average: float | None
    evaluate_every: int | None
    parts: Sequence[str]


class ReplicaTraining(Training, total=False):
    """How replicas are made and trained. Exactly one of `sizes` and `model` is given.

    Attributes:
        sizes: makes each replica an `mlp` of these sizes, such as [64, 32, 10].
        activation: of that `mlp`; "relu" if left out.
        init: its initialisation; "default" if left out.
        bias: whether it has biases; True if left out.
        model: makes each replica, in place of `sizes`; called with `seed=`, by which PyTorch's
            generator is seeded meanwhile.
    """

    sizes: Sequence[int] | None
    activation: Activation
    init: str | float
    bias: bool
    model: Model | None


def check_known(given: Mapping[str, Any], known: type) -> None:
    """Check that every keyword is a key of `known`, `Training` or `ReplicaTraining`.

    Raises:
        InputError: one is not.
    """
    names: frozenset[str] = known.__optional_keys__  # type: ignore[attr-defined]
    for name in sorted(given.keys() - names):
        cure = "correct its name"
        if name == "seeds":
            cure = "pass replicas= in its place; DLFAQ_SEED_OFFSET takes other seeds"
        raise unknown_name(name, names, what="training arguments", otherwise=cure)
