"""The probability of speech, frame by frame: silero-vad, rebuilt so that whole blocks run at once.

The wheel's own model takes one frame of 32 ms a call. Only its small LSTM needs the frames in order, and one call runs
it over a whole block; all before it depends on one frame alone and is a handful of matrix products over the block. The
weights are the same, the probabilities too (within 1e-5), the speed is twelve times as high. Not here: what is made of
the probabilities (actors/segment.py).
"""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from actors.contract import SAMPLING_RATE, Signal

FRAME = 512
"""Samples of one frame: 32 ms."""

FRAME_S = FRAME / SAMPLING_RATE
_CONTEXT = 64  # samples of the frame before
_MIRROR = 64  # samples mirrored at a frame's end
_WINDOW, _HOP = 256, 128  # of the Fourier transform
_BINS = _WINDOW // 2 + 1
_HIDDEN = 128
_BLOCK_FRAMES = 1024  # about 33 s: bounds memory, and fits the caches


class SpeechDetector:
    """silero-vad at 16 kHz, on the CPU. The number of threads is the caller's business; one is best."""

    def __init__(self) -> None:
        weights = _weights()
        self._fourier = weights["stft.forward_basis_buffer"].squeeze(1).T.contiguous()
        self._layers = [_Layer(weights, index, stride) for index, stride in enumerate((1, 2, 2))]
        # The last layer sees one position between two of padding: only the middle of its kernel counts.
        self._last = weights["encoder.3.reparam_conv.weight"][:, :, 1].T.contiguous()
        self._last_bias = weights["encoder.3.reparam_conv.bias"]
        self._lstm = nn.LSTM(_HIDDEN, _HIDDEN)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self._lstm.load_state_dict({f"{name}_l0": weights[f"decoder.rnn.{name}"] for name in names})
        self._head = weights["decoder.decoder.2.weight"].view(_HIDDEN)
        self._head_bias = weights["decoder.decoder.2.bias"]

    @torch.inference_mode()
    def probabilities(self, signal: Signal) -> npt.NDArray[np.float32]:
        """Probability of speech in each frame of 32 ms, the last one filled up with zeros.

        Args:
            signal: float32 mono at 16 kHz, shape (samples,).

        Returns:
            Shape (ceil(samples / 512),), float32.
        """
        blocks = []
        state: tuple[Tensor, Tensor] | None = None
        for start in range(0, len(signal), _BLOCK_FRAMES * FRAME):
            hidden, state = self._lstm(self._encode(_frames(signal, start)).unsqueeze(1), state)
            blocks.append(torch.sigmoid(torch.relu(hidden[:, 0]) @ self._head + self._head_bias))
        return torch.cat(blocks).numpy() if blocks else np.empty(0, dtype=np.float32)

    def _encode(self, frames: Tensor) -> Tensor:
        """Features of frames with their context, (frames, 576) to (frames, 128); each frame by itself."""
        count = len(frames)
        mirrored = torch.cat((frames, frames[:, -_MIRROR - 1 : -1].flip(1)), dim=1)
        spectrum = mirrored.unfold(1, _WINDOW, _HOP).reshape(-1, _WINDOW) @ self._fourier
        features = (spectrum[:, :_BINS].square() + spectrum[:, _BINS:].square()).sqrt_().view(count, -1, _BINS)
        for layer in self._layers:
            features = layer(features)
        return torch.addmm(self._last_bias, features.view(count, -1), self._last).relu_()


class _Layer:
    """A convolution of width 3 over the few positions within each frame, and a ReLU, as one matrix product."""

    def __init__(self, weights: dict[str, Tensor], index: int, stride: int) -> None:
        kernel = weights[f"encoder.{index}.reparam_conv.weight"]
        self._kernel = kernel.permute(2, 1, 0).reshape(-1, len(kernel))
        self._bias = weights[f"encoder.{index}.reparam_conv.bias"]
        self._stride = stride

    def __call__(self, features: Tensor) -> Tensor:
        """(frames, positions, channels) to (frames, positions / stride, channels)."""
        padded = nn.functional.pad(features, (0, 0, 1, 1))
        windows = padded.unfold(1, 3, self._stride).transpose(2, 3)
        flat = windows.reshape(-1, len(self._kernel))
        return torch.addmm(self._bias, flat, self._kernel).relu_().view(len(features), -1, len(self._bias))


def _frames(signal: Signal, start: int) -> Tensor:
    """The frames of the block from `start`, each behind the end of the one before it: (frames, 576)."""
    stop = min(start + _BLOCK_FRAMES * FRAME, len(signal))
    count = -(-(stop - start) // FRAME)
    padded = np.zeros(_CONTEXT + count * FRAME, dtype=np.float32)
    before = min(_CONTEXT, start)
    padded[_CONTEXT - before : _CONTEXT + stop - start] = signal[start - before : stop]
    return torch.from_numpy(padded).unfold(0, _CONTEXT + FRAME, FRAME)


def _weights() -> dict[str, Tensor]:
    """The weights of the wheel's TorchScript model; its safetensors file holds another, weaker training."""
    # Found, not imported: importing silero_vad sets torch to one thread, for the whole process.
    spec = importlib.util.find_spec("silero_vad")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ModuleNotFoundError("the package silero-vad is not installed: pip install silero-vad")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", DeprecationWarning)
        model = torch.jit.load(str(Path(folders[0]) / "data" / "silero_vad.jit"))  # type: ignore[no-untyped-call]
    prefix = "_model."
    return {name.removeprefix(prefix): w.detach() for name, w in model.state_dict().items() if name.startswith(prefix)}
