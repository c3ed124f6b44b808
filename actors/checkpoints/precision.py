"""Where and in what precision a network computes. Owns the choice and the conversion of weights.

bf16 and fp16 mean mixed precision: linear and convolutional layers in the low precision, norms, softmax, residual sums,
pooling and heads in float32. The weights are converted once; plain autocast converts them at every call (on a CPU that
costs a fifth of the time of a large model).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal, cast, get_args

import torch
from torch import nn

from infra.errors import ConfigError

Precision = Literal["fp32", "bf16", "fp16"]

_LEAST_CHANNELS = 32
"""Input channels of a group below which a convolution stays in float32.

oneDNN 3.12 (torch 2.13) on AMX gives garbage, without an error, for bf16 convolutions of 8, 16 or 24 input channels,
and for grouped ones of an even number up to 12. And on one channel, a waveform, bf16 takes three times as long as fp32.
"""

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(device: str) -> torch.device:
    """`auto` is the GPU where there is one, else the CPU; anything else is torch's name of a device.

    Raises:
        ConfigError: There is no such device here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:  # torch asserts where it was built without CUDA
        raise ConfigError(
            f"device {device!r} is not here ({str(error).splitlines()[0][:120]}); use auto or cpu"
        ) from error
    return chosen


def choose_precision(dtype: str, device: torch.device) -> Precision:
    """`auto` is bf16 where the hardware multiplies in it (CUDA from Ampere on; CPUs with AMX), else fp32."""
    if dtype == "auto":
        return "bf16" if _has_bf16(device) else "fp32"
    if dtype not in get_args(Precision):
        raise ConfigError(f"precision {dtype!r} is not known, expected auto, {', '.join(get_args(Precision))}")
    return cast(Precision, dtype)


def lowered(module: nn.Module, precision: Precision) -> None:
    """Convert the weights of the layers that a low precision is for, in place. Narrow convolutions stay in float32."""
    if precision == "fp32":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d) and layer.in_channels // layer.groups < _LEAST_CHANNELS:
            layer.__class__ = FullPrecisionConv1d
        elif isinstance(layer, nn.Linear | nn.Conv1d):
            layer.to(DTYPES[precision])


class FullPrecisionConv1d(nn.Conv1d):
    """A convolution that computes in float32 under autocast, too."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's own name)
        """Convolve (n, channels, frames)."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


@contextmanager
def computing(device: torch.device, precision: Precision) -> Iterator[None]:
    """Run what is inside in `precision`; fp32 is truly fp32 (no TF32), so that batches agree within 1e-4."""
    low = torch.autocast(device.type, DTYPES[precision]) if precision != "fp32" else nullcontext()
    full = _without_tf32() if device.type == "cuda" and precision == "fp32" else nullcontext()
    with low, full:
        yield


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16", False))


@contextmanager
def _without_tf32() -> Iterator[None]:
    # The older `allow_tf32` cannot put back what somebody has set by these, and by version of torch refuses to try.
    cudnn: Any = torch.backends.cudnn
    settings = torch.backends.cuda.matmul, cudnn.conv
    before = [each.fp32_precision for each in settings]
    for each in settings:
        each.fp32_precision = "ieee"
    try:
        yield
    finally:
        for each, was in zip(settings, before, strict=True):
            each.fp32_precision = was
