"""What a model needs of memory, before it is run: `memory_profile`."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import torch
from torch import Tensor, nn

from dlfaq.memory.account import MemoryProfile
from dlfaq.memory.gpus import gpu_named, least_and_most_cublas
from dlfaq.memory.habits import HabitOptions, Habits
from dlfaq.memory.inputs import Inputs, batch_of, shapes_of, tensors_of
from dlfaq.memory.kernels import Kernels, autocast_anywhere
from dlfaq.memory.measured import measured_peak
from dlfaq.memory.optimizers import on_host
from dlfaq.memory.settings import StepSettings
from dlfaq.memory.step import Step
from dlfaq.memory.tracing import fake_copy, fake_inputs, fake_model, named_errors, new_fake_mode
from dlfaq.memory.tracker import Tracker
from dlfaq.memory.without_gpu import without_gpu
from dlfaq.memory.workspace import own_workspace_bytes, workspaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlfaq.memory.loss import LossOption
    from dlfaq.training.optimizers import Optimizer

__all__ = ["memory_profile"]

_CUDA_UNIT = 512  # bytes; the CUDA caching allocator hands out multiples of it


def memory_profile(
    model: nn.Module | Callable[[], nn.Module],
    inputs: Tensor | Sequence[Any] | Mapping[str, Any],
    *,
    batch_size: int | None = None,
    mode: str = "train",
    optimizer: Optimizer = "adam",
    options: Mapping[str, Any] | None = None,
    precision: str = "fp32",
    checkpointing: bool = False,
    accumulation: int = 1,
    loss: LossOption = None,
    device: str = "cuda",
    gpu: str | None = None,
    measure: bool = False,
    **habits: Unpack[HabitOptions],
) -> MemoryProfile:
    """Bytes of parameters, gradients, optimizer state, activations and temporaries over one step.

    The step is run on fake tensors, which have shapes and no bytes: no GPU is needed and nothing is
    allocated, however large the model. Each tensor's storage is counted from the operation that
    makes it until it is freed. The account is of a step in the steady state: the optimizer has its
    state (that of L-BFGS is full), and by default the gradients are None when the forward pass
    begins, and the outputs live until the backward pass is over. What was taken for granted stands
    in the first line of the report.

    - parameters, buffers: of the model; inputs: those and the labels.
    - gradients: of the parameters, from the moment each is final. Sparse ones stay temporaries.
    - activations: what the graph holds for the backward pass and is none of the above. A layer that
      is recomputed has them among the temporaries.
    - temporaries: everything else, such as gradients of activations.
    - ddp_buckets, ema, grad_scaler: what such habits keep beside the model.
    - rounding: what is added to fill multiples of 512 bytes (device "cuda").

    Not in it: what a library allocates inside its kernels. It matters for `nn.LSTM`, `nn.GRU` and
    `nn.RNN`, which are followed step by step: on the CPU the workspace of oneDNN's LSTM is about as
    large as all else that training saves; that of cuDNN we could not measure. On the CPU its
    convolutions and its products in half precision take scratch memory, too: as much as their
    inputs. The workspaces that cuBLAS keeps on a GPU are given beside the peak: see
    `dlfaq.memory.workspace`.

    Args:
        model: left as it is; or a function that makes it, so that its weights are never allocated.
        inputs: a tensor, a tuple or list of positional arguments, a dict of keyword arguments, or a
            shape (a tuple of ints) of float32 numbers. Their first dimension is the batch's.
        batch_size: changes the length of that first dimension.
        mode: "train" (forward, backward, optimizer step) or "inference" (forward in eval mode,
            without a graph).
        optimizer: a name of torch.optim in any case, a class, or a function of (parameters, lr=…).
            "muon" leaves what is no matrix to AdamW, as its documentation has it.
        options: the optimizer's, such as {"momentum": 0.9} or {"fused": True}.
        precision: "fp32"; "bf16" or "fp16" (weights, gradients, optimizer state and activations,
            all of two bytes); "amp" (float32 weights under `torch.autocast` to bfloat16);
            "amp-fp16" (under autocast to float16, with a `torch.amp.GradScaler`).
        checkpointing: computes each block's activations again in the backward pass; see
            `dlfaq.memory.checkpointing.checkpoint_blocks` for what is a block.
        accumulation: the batch goes through in that many parts before the optimizer's step.
        loss: a name of torch.nn.functional or torch.nn ("mse_loss", "CrossEntropyLoss"), a module,
            or a function of the outputs, or of outputs and target; targets are made up. The default
            is a loss that is among the outputs; else the cross-entropy of logits, of shape (batch,
            classes), or (batch, length, classes) where the model read integers, as language models
            do; else the sum of the outputs.
        device: whose kernels are predicted: "cuda" also has PyTorch's choices there (see
            `dlfaq.memory.kernels`) and the rounding of its allocator; "cpu" has neither.
        gpu: a kind of GPU, such as "h100" or "rtx4090", for what lies beside the tensors; without
            it, that is a range over all kinds. See `dlfaq.memory.gpus` for those that are known.
        measure: also run two such steps for real on that device, and report their peak. The
            workspaces are then those of the GPU at hand.
        **habits: how the training loop is written, such as `zero_grad="before_backward"`,
            `ddp=True`, `ema_copies=1`, `optimizer_in_backward=True` or `validation="grad"`; see
            `dlfaq.memory.habits.Habits` for all of them.

    Raises:
        InputError: an argument is wrong; the model, the loss or the optimizer cannot be followed on
            fake tensors (the message has the operator and its place); `measure` without the device.

    Example:
        >>> profile = memory_profile(nn.Linear(1000, 10), (32, 1000), optimizer="adam")
        >>> profile.parameters_bytes, profile.gradients_bytes, profile.optimizer_state_bytes
        (40040, 40040, 80080)

    Source: what is saved and freed, and when, is PyTorch's own doing: its dispatcher and the hooks
    of `torch.autograd.graph.saved_tensors_hooks` report it.
    """
    settings = StepSettings(
        mode=mode,
        optimizer=optimizer,
        options=dict(options or {}),
        precision=precision,
        checkpointing=checkpointing,
        accumulation=accumulation,
        loss=loss,
        device=device,
        habits=Habits.of(habits),
        gpu=gpu,
    )
    arguments = shapes_of(inputs, batch_size)
    profile = _predicted(model, arguments, settings)
    if measure:
        profile = replace(profile, measured_peak_bytes=measured_peak(model, arguments, settings))
        if profile.workspaces:
            own = profile.workspaces * own_workspace_bytes()
            profile = replace(profile, workspace_bytes=own)
    return profile


def _predicted(
    model: nn.Module | Callable[[], nn.Module], inputs: Inputs, settings: StepSettings
) -> MemoryProfile:
    on_cuda = settings.device == "cuda"
    mode = new_fake_mode()
    fake = fake_model(model, mode)
    arguments = fake_inputs(inputs, mode)
    own_loss = settings.loss
    if isinstance(own_loss, nn.Module):
        own_loss = fake_copy(own_loss, mode)
    tracker = Tracker(_CUDA_UNIT if on_cuda else 1, copies_to_promote=not on_cuda)
    own_autocast = autocast_anywhere() if on_cuda else nullcontext()
    with (
        named_errors(type(fake).__name__),
        mode,
        _followed(),
        without_gpu(),
        own_autocast,
        Kernels(on_cuda=on_cuda),
    ):
        step = Step(fake, arguments, replace(settings, loss=own_loss), autocast_device="cpu")
        step.warm_up()
        _settle(step, tracker, on_cuda=on_cuda)
        with tracker.watching():
            step.run(tracker.begin)
    gpu = gpu_named(settings.gpu) if settings.gpu else None
    has_tensor_cores = gpu is None or gpu.has_tensor_cores_for(settings.precision)
    multiplying = workspaces(tracker.operations, tracker.phases) if on_cuda else 0
    return MemoryProfile(
        timeline=tracker.timeline,
        operations=tuple(tracker.operations),
        phases=tuple(tracker.phases),
        settings=settings,
        batch_size=batch_of(inputs),
        loss=step.loss.words,
        workspaces=multiplying,
        workspace_bytes=multiplying * (gpu.cublas_bytes if gpu else least_and_most_cublas()[0]),
        convolution_bytes=tracker.copies_bytes if on_cuda and has_tensor_cores else 0,
    )


@contextmanager
def _followed() -> Iterator[None]:
    """Only kernels that fake tensors can follow to the byte."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    # One operator for a whole encoder layer in inference: it has no fake kernel.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # The recurrent layers of the CPU's library: their fake kernels leave out the workspace.
        with torch.backends.mkldnn.flags(enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def _settle(step: Step, tracker: Tracker, *, on_cuda: bool) -> None:
    """Tell what is there when a step begins, and when a gradient is one."""
    tracker.settle(list(step.model.parameters()), "parameters")
    tracker.settle(list(step.model.buffers()), "buffers")
    tracker.settle([*tensors_of(step.inputs), *step.loss.labels.values()], "inputs")
    tracker.settle(step.loss.weights, "inputs")
    if step.buckets is not None:
        tracker.settle(step.buckets.flat, "ddp_buckets")
    if step.copies is not None:
        tracker.settle(step.copies.tensors, "ema")
    tracker.settle(step.scaler_state(), "grad_scaler")
    if on_cuda:
        tracker.leave_out(on_host(step.optimizers))
    tracker.settle(step.state(), "optimizer_state")
    tracker.settle(step.gradients(), "gradients")
    step.on_gradient = lambda gradient: tracker.settle([gradient], "gradients")
