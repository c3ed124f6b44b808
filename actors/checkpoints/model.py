"""The loaded emotion model: signals in, logits out, in the order they came. Owns batching inside one call.

Batches *between* calls, and what is done with the logits, are the workers' and the decision's business.
"""

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from actors.checkpoints.identity import Examination
from actors.checkpoints.network import Network
from actors.checkpoints.precision import choose_device, choose_precision
from actors.checkpoints.preprocessing import Preprocessing
from actors.checkpoints.transfer import empty_batch, fetched, sent
from actors.contract import ModelSpec, Signal

MAX_PADDING = 0.15
"""Share of a batch that may be padding; beyond it the batch is cut."""

_BATCH_SECONDS = {"cpu": 60.0}
_GPU_BATCH_SECONDS = 1280.0
"""Padded audio in one pass of the network at most: bounds its memory whatever a caller hands over.

On a GPU, 320 s of wav2vec2-large in bf16 take 5.2 GB beside the weights: what the first convolution makes of them
(1,024,000 frames of 512 channels) is 2.1 GB in fp32, and the second one has that, a copy in bf16 (1.05), its windows of
three frames (1.57) and its own frames (0.52) at a time. The transformer needs a tenth of it.
"""

_COMPUTING = threading.Lock()
"""One of this process's models at a time: they would share the device, and a network keeps notes of its batch."""


class SpeechModel:
    """An `EmotionModel` over a network that hears waveforms.

    Attributes:
        spec: What it is.
        weight_bytes: Memory of its weights.
    """

    def __init__(self, spec: ModelSpec, network: Network, preprocessing: Preprocessing, device: torch.device) -> None:
        self.spec = spec
        self.weight_bytes = sum(each.numel() * each.element_size() for each in network.parameters())
        self._network, self._preprocessing, self._device = network, preprocessing, device
        seconds = _BATCH_SECONDS.get(device.type, _GPU_BATCH_SECONDS)
        self._budget = int(seconds * spec.sampling_rate)

    def logits(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """Score signals of any lengths; see `EmotionModel.logits`.

        A signal shorter than one frame of the network (25 ms for wav2vec2) is padded with zeros to one frame, after
        scaling; such a score says little, and the pipeline never asks for one. What is beyond `spec.window_s` is not
        heard. NaN in a signal stays in its row.

        Raises:
            ValueError: A signal is empty, not one-dimensional, or not of floating point.
        """
        for number, signal in enumerate(signals):
            _check(signal, number)
        signals = [signal[: self._network.maximum] for signal in signals]
        lengths = [max(len(signal), self._network.minimum) for signal in signals]
        result = np.empty((len(signals), len(self.spec.labels)), dtype=np.float32)
        for rows in batches(lengths, self._budget, equal=self._network.equal_lengths):
            result[rows] = self._score([signals[row] for row in rows], [lengths[row] for row in rows])
        return result

    def _score(self, signals: Sequence[Signal], lengths: Sequence[int]) -> npt.NDArray[np.float32]:
        """Score one batch. Of several threads one computes; meanwhile another prepares what comes next."""
        values = self._scaled(signals, max(lengths))
        with _COMPUTING:
            wait = self._begun(values, lengths)
        return wait()

    def _scaled(self, signals: Sequence[Signal], longest: int) -> torch.Tensor:
        """The signals of a batch, scaled and padded with zeros, (n, longest), in the CPU's memory."""
        values = empty_batch(len(signals), longest, self._device)
        for row, signal in zip(values.numpy(), signals, strict=True):
            self._preprocessing(signal.astype(np.float32, copy=False), out=row[: len(signal)])
            row[len(signal) :] = 0
        return values

    @torch.inference_mode()
    def _begun(self, values: torch.Tensor, lengths: Sequence[int]) -> Callable[[], npt.NDArray[np.float32]]:
        """Have a batch computed. A GPU is not waited for: the next batch may queue up behind this one."""
        return fetched(self._network(sent(values, self._device), lengths))


def load_speech(found: Examination, device: str, dtype: str) -> SpeechModel:
    """Build what was found and bring it to a device.

    Raises:
        CheckpointError: Its weights do not fit.
        ConfigError: There is no such device or precision.
    """
    place = choose_device(device)
    precision = choose_precision(dtype, place)
    network, preprocessing = found.family.build(found.checkpoint), found.facts.preprocessing
    assert isinstance(network, Network)  # `load` has seen that it hears
    assert isinstance(preprocessing, Preprocessing)
    network.use(precision)
    network.to(place)
    return SpeechModel(found.identity.spec(precision), network, preprocessing, place)


def batches(lengths: Sequence[int], budget: int, *, equal: bool) -> Iterator[list[int]]:
    """Cut signals into batches of like length, longest first.

    Args:
        lengths: Samples of each signal.
        budget: Samples of a padded batch at most; a longer signal is a batch of its own.
        equal: Whether a batch must have one length.

    Yields:
        Indices into `lengths`; each index once.
    """
    batch: list[int] = []
    filled = 0
    for index in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
        length = lengths[index]
        padded = lengths[batch[0]] * (len(batch) + 1) if batch else 0
        wasted = padded - filled - length
        if batch and (padded > budget or wasted > (0 if equal else MAX_PADDING * padded)):
            yield batch
            batch, filled = [], 0
        batch.append(index)
        filled += length
    if batch:
        yield batch


def _check(signal: Signal, number: int) -> None:
    if signal.ndim != 1 or not np.issubdtype(signal.dtype, np.floating):
        raise ValueError(
            f"signal {number} is {signal.dtype} of shape {signal.shape}, expected float32 of shape (samples,)"
        )
    if len(signal) == 0:
        raise ValueError(f"signal {number} is empty, expected at least one sample")
