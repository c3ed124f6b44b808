"""The convolutions from samples to frames, with channels last: matrix products over windows of a contiguous signal.

transformers convolves with channels first, and transposes twice a layer to normalise. Two things more save most of the
time on a CPU. The first layer turns every second of a wave into 6 MB of states: there the first ones are computed row
by row, in blocks that stay in the caches. And group norm over time is not computed over time: mean and variance of what
linear filters give follow from those of what they hear, and are multiplied into the filters. The numbers are the same
up to rounding, and only valid frames count, so that a padded row equals a single one.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from actors.checkpoints.transfer import numbers_on

_EARLY = 2
"""Layers that are computed in blocks. What the third one makes is a quarter of what the first one does."""

_BLOCK = 512
"""Frames of the last of these in a block, 0.3 s: their states, 2 MB, fit the cache of a core."""

_GRID = 4_000
"""Samples; a row goes on to the next multiple of these, if its batch does. oneDNN makes a kernel for every size of a
product and keeps a thousand of them: where hardly two rows are of one length, making them costs a base model a fifth.
"""


class FrameEncoder(nn.Module):
    """Stands in for the `feature_extractor` of a backbone, and takes over its weights.

    Attributes:
        valid: Samples of each row, set before a padded batch; None: all of them.
    """

    def __init__(self, extractor: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(FrameLayer(layer) for layer in extractor.conv_layers)
        self.valid: list[int] | None = None

    def frames(self, samples: int) -> int:
        """Frames of a signal of so many samples."""
        return _frames(self._stack, samples)

    def field(self) -> int:
        """Samples that one frame sees: the receptive field."""
        return _field(self._stack)

    def lower(self, dtype: torch.dtype) -> None:
        """Compute all layers but the first in `dtype`: that one reads the waveform, and gains nothing."""
        for layer in self._stack[1:]:
            layer.to(dtype)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Scaled signals (n, samples) to (n, channels, frames); what lies beyond a row's valid frames says nothing."""
        with torch.autocast(values.device.type, enabled=False):
            # A GPU would wait for the many small calls.
            states = self.by_row(values) if values.device.type == "cpu" else self.together(values)
        return states.transpose(1, 2)

    def together(self, values: torch.Tensor) -> torch.Tensor:
        """The whole batch at once: (n, samples) to (n, frames, channels)."""
        first, *others = self._stack
        return _through(others, first.hear(values, *first.filters(values, self.valid)))

    def by_row(self, values: torch.Tensor) -> torch.Tensor:
        """The same, one row after the other, each little further than it is valid; beyond are zeros."""
        last = self._stack[-1].weight
        states = last.new_zeros(len(values), self.frames(values.shape[1]), len(last))
        lengths = self.valid or [values.shape[1]] * len(values)
        for row, signal, length in zip(states, values, lengths, strict=True):
            upto = -(-length // _GRID) * _GRID
            row[: self.frames(length)] = self._row(signal[None, :upto], length)[0, : self.frames(length)]
        return states

    def _row(self, signal: torch.Tensor, valid: int) -> torch.Tensor:
        """A signal (1, samples), of which so many count, to (1, frames, channels), the early layers in blocks."""
        early, later = self._stack[:_EARLY], self._stack[_EARLY:]
        filters = early[0].filters(signal[:, :valid])
        count, field, stride = _frames(early, signal.shape[1]), _field(early), _stride(early)
        starts = range(0, count, _BLOCK)
        spans = ((start * stride, (min(start + _BLOCK, count) - 1) * stride + field) for start in starts)
        blocks = [_through(early[1:], early[0].hear(signal[:, start:stop], *filters)) for start, stop in spans]
        return _through(later, torch.cat(blocks, dim=1))

    @property
    def _stack(self) -> list["FrameLayer"]:
        return [cast(FrameLayer, layer) for layer in self.layers]


class FrameLayer(nn.Module):
    """One convolution, its norm (over channels, over time, or none), its activation.

    Only the first layer, which hears the wave, may have the norm over time: transformers builds no other.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        conv = layer.conv
        self.kernel, self.stride = int(conv.kernel_size[0]), int(conv.stride[0])
        flat = conv.weight.permute(0, 2, 1).reshape(conv.out_channels, -1).contiguous()
        self.weight = nn.Parameter(flat, requires_grad=False)
        self.bias = conv.bias
        self.norm = getattr(layer, "layer_norm", None)
        self.activation = layer.activation

    def frames(self, count: int) -> int:
        """Frames that come of `count` frames or samples."""
        return (count - self.kernel) // self.stride + 1

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Contiguous (n, frames, channels) to fewer frames."""
        windows = self._windows(states.to(self.weight.dtype))
        # As a batch, torch would copy the weights for a product of batches: twice the time on a CPU.
        row = windows[0] if len(windows) == 1 else windows
        return self._activated(functional.linear(row, self.weight, self.bias).view(*windows.shape[:2], -1))

    def hear(self, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """The first layer, with what `filters` gave: signals (n, samples) to (n, frames, channels)."""
        return self._activated(torch.baddbmm(bias, self._windows(values.unsqueeze(-1)), weight))

    def filters(self, values: torch.Tensor, valid: Sequence[int] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights (n, kernel, channels) and biases (n, 1, channels) for each signal, the norm over time multiplied in.

        Args:
            values: The signals, (n, samples).
            valid: Samples of each that count; None: all of them.
        """
        if isinstance(self.norm, nn.GroupNorm):
            frames = None if valid is None else [self.frames(samples) for samples in valid]
            return over_time(self._windows(values.unsqueeze(-1)), self.weight, self.norm, frames)
        bias = self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias
        return self.weight.T.expand(len(values), -1, -1), bias.expand(len(values), 1, -1)

    def _windows(self, states: torch.Tensor) -> torch.Tensor:
        """What each frame sees, without a copy: contiguous (n, length, channels) to (n, frames, kernel · channels)."""
        count, length, channels = states.shape
        return states.as_strided(
            (count, self.frames(length), self.kernel * channels),
            (states.stride(0), self.stride * channels, 1),
            states.storage_offset(),
        )

    def _activated(self, states: torch.Tensor) -> torch.Tensor:
        if isinstance(self.norm, nn.LayerNorm):
            states = self.norm(states)
        activated: torch.Tensor = self.activation(states)
        return activated


def over_time(
    windows: torch.Tensor, weight: torch.Tensor, norm: nn.GroupNorm, valid: Sequence[int] | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Filters with their group norm multiplied in: one group a channel, over frames (`feat_extract_norm: group`).

    A channel w·x has the mean w·E[x] and the variance w·Cov[x]·w over the frames. So the norm costs a small matrix
    per signal, in float64 because neighbouring samples are nearly equal. A bias would cancel out.

    Args:
        windows: What the frames of each signal see, (n, frames, inputs).
        weight: The filters, (channels, inputs).
        norm: Its weight and bias are applied, too.
        valid: Frames of each signal that count; None: all of them.

    Returns:
        Weights (n, inputs, channels) and biases (n, 1, channels), float32.
    """
    seen, filters = windows.double(), weight.double()
    counts = numbers_on(seen.device, valid or [seen.shape[1]] * len(seen))[:, None, None]
    inside = torch.arange(seen.shape[1], device=seen.device)[:, None] < counts
    mean = (seen * inside).sum(1, keepdim=True) / counts
    centred = (seen - mean) * inside
    covariance = centred.transpose(1, 2) @ centred / counts
    variance = (filters @ covariance * filters).sum(2)[:, None]
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return (filters.T * scale).float(), (norm.bias - mean @ filters.T * scale).float()


def _through(layers: Sequence[FrameLayer], states: torch.Tensor) -> torch.Tensor:
    for layer in layers:
        states = layer(states)
    return states


def _frames(layers: Sequence[FrameLayer], samples: int) -> int:
    for layer in layers:
        samples = layer.frames(samples)
    return samples


def _field(layers: Sequence[FrameLayer]) -> int:
    field = 1
    for layer in reversed(layers):
        field = (field - 1) * layer.stride + layer.kernel
    return field


def _stride(layers: Sequence[FrameLayer]) -> int:
    return prod(layer.stride for layer in layers)
