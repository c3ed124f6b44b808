"""Which language is spoken: openai-whisper's own detection, and the decision made of it.

Owns loading a Whisper checkpoint, the windows of speech it hears, and the rule from masses to a `Language`. Not here:
what follows from an uncertain or unrouted language (a fallback model or quarantine is the caller's choice).
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from actors.contract import SAMPLING_RATE, Flag, Language, Signal, Span
from actors.detector_file import find_detector
from actors.options import LanguageOptions
from infra.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from whisper.model import Whisper

WINDOW_S = 30.0
"""What Whisper hears at once, in seconds."""

_START_OF_TRANSCRIPT = 50258  # in every multilingual Whisper; the language tokens follow it
_MULTILINGUAL_VOCABULARY = 51865  # at least; English-only ones have 51864


class WhisperDetector:
    """A `LanguageDetector` (actors/contract.py) over a loaded Whisper.

    Attributes:
        languages: Codes, in the order of the masses.
        weights_sha256: Hash of the checkpoint file's bytes.
    """

    def __init__(self, model: "Whisper", weights_sha256: str) -> None:
        from whisper.tokenizer import LANGUAGES

        self.languages = tuple(LANGUAGES)[: model.num_languages]
        self.weights_sha256 = weights_sha256
        self._model = model
        self._dtype = model.encoder.conv1.weight.dtype

    @torch.inference_mode()
    def probabilities(self, signals: Sequence[Signal]) -> npt.NDArray[np.float32]:
        """Mass on each language: one encoder pass over all signals, one decoder step, a softmax over languages.

        The same numbers as `whisper.detect_language`.

        Args:
            signals: float32 mono at 16 kHz, each of shape (samples,), at most 30 s; what is longer is not heard.

        Returns:
            Shape (len(signals), len(languages)), float32; rows sum to 1 and do not depend on one another.
        """
        if not signals:
            return np.empty((0, len(self.languages)), dtype=np.float32)
        features = self._model.encoder(torch.stack([self._spectrogram(signal) for signal in signals]))
        start = torch.full((len(signals), 1), _START_OF_TRANSCRIPT, device=self._model.device)
        logits = self._model.logits(start, features)[:, 0]
        first = _START_OF_TRANSCRIPT + 1
        masses = logits[:, first : first + len(self.languages)].float().softmax(dim=-1)
        return masses.cpu().numpy()  # type: ignore[no-any-return]

    def _spectrogram(self, signal: Signal) -> torch.Tensor:
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        # One at a time: it scales by the maximum of all that it is given.
        padded = pad_or_trim(torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32)))
        spectrogram: torch.Tensor = log_mel_spectrogram(padded, self._model.dims.n_mels, device=self._model.device)
        return spectrogram.to(self._dtype)


def load_detector(model: str, *, device: str = "auto", folder: Path | None = None) -> WhisperDetector:
    """Load Whisper for detecting languages. The network is never asked.

    Args:
        model: A name that openai-whisper knows (`tiny`, `base`, …), or the path of a .pt in its format.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, … fp32 on a CPU, fp16 on CUDA.
        folder: Where named checkpoints lie; default: openai-whisper's own cache, ~/.cache/whisper.

    Raises:
        ConfigError: openai-whisper knows no such name, and it is no path.
        WeightsAbsentError: The checkpoint is not on this machine.
        CheckpointError: It is damaged, of another layout, or knows English only.
    """
    whisper, sha256 = load_whisper(model, device=device, folder=folder)
    return WhisperDetector(halved(whisper) if whisper.device.type == "cuda" else whisper, sha256)


def load_whisper(model: str, *, device: str = "auto", folder: Path | None = None) -> "tuple[Whisper, str]":
    """Load Whisper itself, in fp32, with the hash of its weights. Arguments and errors are those of `load_detector`."""
    path, sha256 = find_detector(model, folder)
    with path.open("rb") as file:
        whisper = _built(file, model)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return whisper.eval().requires_grad_(False).to(device), sha256


def halved(whisper: "Whisper") -> "Whisper":
    """Whisper in fp16, in place: all but its layer norms, which compute in float32 and refuse other weights."""
    whisper.half()
    for layer in whisper.modules():
        if isinstance(layer, torch.nn.LayerNorm):
            layer.float()
    return whisper


def speech_windows(signal: Signal, spans: Sequence[Span], options: LanguageOptions) -> list[Signal]:
    """The windows of speech that Whisper is to hear.

    The spans put end to end are the medium's speech. Windows lie evenly in it, from its start to its end, and never
    overlap: as few as hold all of it, at most `options.windows`.

    Args:
        signal: float32 mono at 16 kHz, shape (samples,).
        spans: In order, without overlap.

    Returns:
        Signals of at most `options.window_s`; none where there are no spans.
    """
    cuts = [(round(span.start_s * SAMPLING_RATE), round(span.end_s * SAMPLING_RATE)) for span in spans]
    total = sum(stop - start for start, stop in cuts)
    longest = round(options.window_s * SAMPLING_RATE)
    count = min(options.windows, -(-total // longest))
    if not count:
        return []
    length = min(longest, total // count)
    starts = [(total - length) * index // max(count - 1, 1) for index in range(count)]
    return [_heard(signal, cuts, start, start + length) for start in starts]


def decide(
    probabilities: npt.NDArray[np.float32], languages: Sequence[str], routes: Sequence[str], options: LanguageOptions
) -> Language:
    """Which routed language the windows are in, and how sure Whisper is.

    Masses are averaged over the windows. The language is the routed one with the greatest; its confidence stays the raw
    mass, so that a language without a route never lends its mass to one that has.

    - `unrouted_language`: Whisper's own first choice has no route, and at least `options.unrouted_mass`.
    - `uncertain_language`: the confidence is below `options.min_confidence`, and not because of the former.
    - `mixed_language`: the windows' own choices differ, each made by the same rule.

    Args:
        probabilities: Shape (windows, len(languages)), rows sum to 1.
        languages: What the columns mean.
        routes: Languages that have a model; ties go to the one that comes first.

    Raises:
        ConfigError: A route is for a language that Whisper does not know.
        ValueError: There is no window or no route.
    """
    if not len(probabilities) or not routes:
        raise ValueError(f"{len(probabilities)} windows and {len(routes)} routes: expected at least one of each")
    columns = _columns(languages, routes)
    masses = np.asarray(probabilities, dtype=np.float64).mean(axis=0)
    routed = masses[columns]
    chosen = int(np.argmax(routed))
    choices = [_choice(window, columns, options) for window in np.asarray(probabilities)]
    confidence = float(routed[chosen])
    flags = []
    if _choice(masses, columns, options) not in columns:
        flags.append(Flag.UNROUTED_LANGUAGE)
    elif confidence < options.min_confidence:
        flags.append(Flag.UNCERTAIN_LANGUAGE)
    if len(set(choices)) > 1:
        flags.append(Flag.MIXED_LANGUAGE)
    return Language(routes[chosen], confidence, _margin(routed), languages[int(np.argmax(masses))], tuple(flags))


def _heard(signal: Signal, cuts: Sequence[tuple[int, int]], first: int, last: int) -> Signal:
    """Samples `first` to `last` of the spans put end to end, without putting all of them there."""
    pieces = []
    offset = 0
    for start, stop in cuts:
        begin, end = max(first - offset, 0), min(last - offset, stop - start)
        if begin < end:
            pieces.append(signal[start + begin : start + end])
        offset += stop - start
    return np.concatenate(pieces)


def _columns(languages: Sequence[str], routes: Sequence[str]) -> list[int]:
    unknown = sorted(set(routes) - set(languages))
    if unknown:
        raise ConfigError(
            f"no such language in Whisper: {', '.join(unknown)}. Routes take its codes, as en, ko, ja, zh."
        )
    return [languages.index(route) for route in routes]


def _choice(masses: npt.NDArray[np.floating[Any]], columns: Sequence[int], options: LanguageOptions) -> int:
    """The routed language with the greatest mass, or Whisper's first choice where that has no route and the mass."""
    top = int(np.argmax(masses))
    if top not in columns and masses[top] >= options.unrouted_mass:
        return top
    return columns[int(np.argmax(masses[list(columns)]))]


def _margin(routed: npt.NDArray[np.float64]) -> float:
    """The lead of the greatest over the next, as a share of all that is routed; 1 where there is but one."""
    if len(routed) == 1:
        return 1.0
    second, first = np.partition(routed, -2)[-2:]
    total = routed.sum()
    return float((first - second) / total) if total > 0 else 0.0


def _built(file: BinaryIO, model: str) -> "Whisper":
    from whisper.model import ModelDimensions, Whisper

    layout = "expected openai-whisper's own format: `dims` and `model_state_dict`, all tensors present"
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        dimensions = ModelDimensions(**checkpoint["dims"])
        if dimensions.n_vocab < _MULTILINGUAL_VOCABULARY:
            raise CheckpointError(
                f"Whisper {model!r} knows English only. Take one that knows many: tiny, base, small, …"
            )
        whisper = Whisper(dimensions)
        whisper.load_state_dict(checkpoint["model_state_dict"])
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{model} cannot be loaded as a Whisper checkpoint ({error}); {layout}") from error
    return whisper
