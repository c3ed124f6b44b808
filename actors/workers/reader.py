"""The reader: from an object in the store to a signal and its segments. Never raises for a fault of the medium."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from actors.contract import Medium, Reading, Reason, Rejection, Signal, Span, Stage
from actors.options import ReadOptions, SegmentOptions
from actors.usage import Clock
from actors.workers.worker import Worker
from infra.errors import StoreError
from infra.settings import StoreAccess
from infra.storage import ObjectChanged, ObjectMissing, Store

if TYPE_CHECKING:
    from actors.segment import Segmenter

_PIECE_BYTES = 1 << 20

_OF_THE_PROGRAM = (TypeError, AttributeError, ImportError, NameError)
"""What a wrong version of a library raises, on every medium alike: final faults would outlast its repair."""


class Reader(Worker):
    """Fetches media, decodes them and cuts them into segments, on one CPU thread.

    Args:
        access: Where media are fetched from.
        reading, segments: How they are decoded and cut.
        digest: Whether to hash their bytes.
    """

    def __init__(
        self, access: StoreAccess, reading: ReadOptions, segments: SegmentOptions, *, digest: bool = False
    ) -> None:
        super().__init__()
        self._store = Store(access)
        self._digest = digest
        self._reading = reading
        self._segments = segments
        self._segmenter: Segmenter | None = None

    def ready(self) -> None:
        """Load the speech detector. One thread: on a busy machine more make these small networks many times slower."""
        import torch

        from actors.segment import Segmenter

        torch.set_num_threads(1)
        if self._segments.method != "labels":
            self._segmenter = Segmenter(self._segments)

    def read(self, medium: Medium, given: Sequence[Span] | None = None) -> tuple[Reading | Rejection, Signal]:
        """Read one medium.

        Args:
            medium: What to fetch; it must still have this etag.
            given: Its segments, where a label file gives them.

        Returns:
            What was found with the signal, or why there is none (with an empty signal). Never raises for a fault of
            the medium.
        """
        try:
            return self._read(medium, given)
        except (ObjectMissing, ObjectChanged) as error:
            return _rejected(medium, Reason.VANISHED, str(error))
        except StoreError as error:
            return _rejected(medium, Reason.STORE_ERROR, str(error))
        except MemoryError as error:
            return _rejected(medium, Reason.WORKER_DIED, f"out of memory: {error}")
        except OSError as error:  # a full disk, say: nothing that the medium could do about
            return _rejected(medium, Reason.STORE_ERROR, f"{type(error).__name__}: {error}")
        except _OF_THE_PROGRAM as error:
            return _rejected(medium, Reason.WORKER_DIED, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - one medium must never stop a corpus, whatever a decoder raises on it
            return _rejected(medium, Reason.UNDECODABLE, f"{type(error).__name__}: {error}")

    def _read(self, medium: Medium, given: Sequence[Span] | None) -> tuple[Reading | Rejection, Signal]:
        from actors.decode import MediumFault, decode

        clock = Clock(self._cpu_s)
        with self._store.fetch(medium.uri, if_match=medium.etag) as file:
            sha256 = _digest(file) if self._digest else None
            clock.lap("fetch")
            try:
                decoded = decode(file, self._reading)
            except MediumFault as fault:
                return _rejected(medium, fault.reason, fault.detail)
        clock.lap("decode")
        spans, outside = self._cut(decoded.signal, decoded.duration_s, given)
        clock.lap("segment")
        flags, seconds = decoded.flags, clock.seconds
        return Reading(medium, decoded.duration_s, spans, outside, flags, seconds, sha256), decoded.signal

    def _cut(
        self, signal: Signal, duration_s: float, given: Sequence[Span] | None
    ) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """The segments, and those given that begin after the end."""
        if given is not None:
            from actors.segment import clip

            clipped = clip(given, duration_s)
            return clipped.kept, clipped.outside
        assert self._segmenter is not None, "ready() comes first"
        return self._segmenter.segment(signal), ()


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _rejected(medium: Medium, reason: Reason, detail: str) -> tuple[Rejection, Signal]:
    return Rejection(medium, Stage.READ, reason, detail), np.zeros(0, dtype=np.float32)
