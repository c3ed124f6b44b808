"""Segmenting: where in a signal the stretches lie that are to be scored.

Owns the rules from frame probabilities to spans, pure functions over whole samples. Not here: the probabilities
themselves (actors/speech.py), and reading label files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.contract import SAMPLING_RATE, Signal, Span
from actors.options import SegmentOptions
from actors.speech import FRAME, SpeechDetector

MIN_SPEECH_S = 0.25
"""Less speech than this is a click or a breath and is dropped (silero-vad's own `min_speech_duration_ms`)."""

_PAD = round(0.030 * SAMPLING_RATE)  # silero-vad's own `speech_pad_ms`, in samples
_HYSTERESIS = 0.15  # silero-vad's own: speech goes on until the probability falls this far below the threshold

Stretch = tuple[int, int]
"""First sample, and the one behind the last."""


@dataclass(frozen=True)
class Clipped:
    """Given spans against a medium's duration: `kept` in the order given, cut at the end; `outside` begin beyond it."""

    kept: tuple[Span, ...]
    outside: tuple[Span, ...]


class Segmenter:
    """Cuts signals into segments by speech or by fixed windows.

    Raises:
        ValueError: `options.method` is `labels`: those spans are given, see `clip`.
    """

    def __init__(self, options: SegmentOptions) -> None:
        if options.method == "labels":
            raise ValueError("the method is 'labels', whose segments are given: use clip(spans, duration_s)")
        self._options = options
        self._detector = SpeechDetector() if options.method == "speech" else None

    def segment(self, signal: Signal) -> tuple[Span, ...]:
        """Spans to score, in order, without overlap, each between `min_s` and `max_s`; none where there is no speech.

        Args:
            signal: float32 mono at 16 kHz, shape (samples,).
        """
        if self._detector is None:
            return windows(len(signal), self._options)
        return speech_spans(self._detector.probabilities(signal), len(signal), self._options)


def speech_spans(probabilities: npt.NDArray[np.float32], samples: int, options: SegmentOptions) -> tuple[Span, ...]:
    """From the probability of speech in each frame to segments.

    Runs of speech less than `merge_gap_s` apart become one. One with less than `MIN_SPEECH_S` is dropped. The others
    are padded by 30 ms, and to `min_s` where the pauses around leave room; dropped where they do not. One longer than
    `max_s` is split where its speech is least probable.

    Args:
        probabilities: Shape (frames,), frames of 512 samples.
        samples: Length of the signal.
    """
    least, most = _samples(options.min_s), _samples(options.max_s)
    runs = merge(speech_runs(probabilities, options.speech_threshold), _samples(options.merge_gap_s))
    enough = _samples(min(MIN_SPEECH_S, options.min_s))
    runs = [(start, min(stop, samples)) for start, stop in runs if min(stop, samples) - start >= enough]
    stretches = widen(runs, samples, least)
    return _spans(piece for stretch in stretches for piece in split(stretch, probabilities, least, most))


def windows(samples: int, options: SegmentOptions) -> tuple[Span, ...]:
    """Fixed windows over the whole signal.

    What is left at the end is a window of its own from `min_s` on; a shorter rest joins the last window where that
    stays within `max_s`, and is dropped otherwise.
    """
    window, least, most = _samples(options.window_s), _samples(options.min_s), _samples(options.max_s)
    stretches = [(start, start + window) for start in range(0, samples - window + 1, window)]
    end = stretches[-1][1] if stretches else 0
    rest = samples - end
    if rest >= least:
        stretches.append((end, samples))
    elif rest and stretches and window + rest <= most:
        stretches[-1] = (stretches[-1][0], samples)
    return _spans(stretches)


def clip(spans: Sequence[Span], duration_s: float) -> Clipped:
    """Fit given spans, as those of a label file, to a medium's duration; those that become the same are one."""
    kept: dict[tuple[int, int], Span] = {}
    outside: dict[tuple[int, int], Span] = {}
    for span in spans:
        here = span.start_s < duration_s
        fitted = Span(span.start_s, min(span.end_s, duration_s)) if here else span
        # In milliseconds, as `segment_id` tells segments apart.
        name = (round(fitted.start_s * 1000), round(fitted.end_s * 1000))
        (kept if here else outside).setdefault(name, fitted)
    return Clipped(tuple(kept.values()), tuple(outside.values()))


def speech_runs(probabilities: npt.NDArray[np.float32], threshold: float) -> list[Stretch]:
    """Runs of speech: from a frame at or above `threshold` until one falls 0.15 below it."""
    loud = probabilities >= threshold
    voiced = probabilities >= max(threshold - _HYSTERESIS, 0.01)
    edges = np.flatnonzero(np.diff(voiced.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    runs = [(int(start), int(stop)) for start, stop in edges if loud[start:stop].any()]
    return [((start + int(np.argmax(loud[start:stop]))) * FRAME, stop * FRAME) for start, stop in runs]


def merge(stretches: Sequence[Stretch], gap: int) -> list[Stretch]:
    """Join neighbours less than `gap` samples apart."""
    merged: list[Stretch] = []
    for start, stop in stretches:
        if merged and start - merged[-1][1] < gap:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def widen(stretches: Sequence[Stretch], samples: int, least: int) -> list[Stretch]:
    """Pad each stretch by 30 ms, more where it is shorter than `least`, without overlap; without room it is dropped."""
    widened: list[Stretch] = []
    floor = 0
    for index, (start, stop) in enumerate(stretches):
        following = stretches[index + 1][0] if index + 1 < len(stretches) else samples
        # The next stretch needs its own padding: of a gap between two, each has half.
        ceiling = following if following == samples else (stop + following + 1) // 2
        wider = _widened((start, stop), floor, ceiling, least)
        if wider[1] - wider[0] >= least:
            widened.append(wider)
            floor = wider[1]
    return widened


def split(stretch: Stretch, probabilities: npt.NDArray[np.float32], least: int, most: int) -> list[Stretch]:
    """Cut a stretch into pieces of `least` to `most` samples, each time where speech is least probable.

    The cut is looked for in the latter half of what one piece may be, so that pieces are long; what remains is never
    shorter than `least`, which holds wherever `most` is at least twice `least`.
    """
    start, stop = stretch
    pieces = []
    while stop - start > most:
        first = start + max(least, most // 2)
        cut = _quietest(probabilities, first, min(start + most, stop - least))
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, stop)]


def _quietest(probabilities: npt.NDArray[np.float32], first: int, last: int) -> int:
    """The middle of the least probable frame, within [first, last] (samples)."""
    frames = probabilities[first // FRAME : last // FRAME + 1]
    # Of equals the last, for longer pieces.
    frame = first // FRAME + len(frames) - 1 - int(np.argmin(frames[::-1]))
    return min(max(frame * FRAME + FRAME // 2, first), last)


def _widened(stretch: Stretch, floor: int, ceiling: int, least: int) -> Stretch:
    start, stop = stretch
    room_before, room_after = start - floor, ceiling - stop
    each = max(_PAD, (least - (stop - start) + 1) // 2)
    before, after = min(each, room_before), min(each, room_after)
    # What one side has no room for, the other may have.
    before += min(max(0, least - (stop - start) - before - after), room_before - before)
    after += min(max(0, least - (stop - start) - before - after), room_after - after)
    return start - before, stop + after


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLING_RATE)


def _spans(stretches: Iterable[Stretch]) -> tuple[Span, ...]:
    return tuple(Span(start / SAMPLING_RATE, stop / SAMPLING_RATE) for start, stop in stretches)
