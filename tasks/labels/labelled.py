"""A labelled set: what people said about which segments, as columns, and what is wrong with the file.

Owns the shape of it. reading.py makes one of a file's bytes; which media the names mean is found in media.py.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.labels.problems import Problem
from tasks.labels.ratings import TIED
from tasks.labels.rows import milliseconds

Texts = npt.NDArray[np.object_]
Rows = npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]

_NOT_BY_ROW = frozenset({"name", "sha256", "raters", "recorded", "counts", "problems"})


@dataclass(frozen=True)
class Counts:
    """What became of the lines: `lines` is the sum of the others but `tied`.

    Attributes:
        lines: Records in the file; of Label Studio's exports the regions.
        ratings: Whose label is used; more than segments where there are several raters.
        unlabelled: Without a label, or skipped.
        rejected: With a label outside the taxonomy and its aliases.
        duplicates: Saying again what the same rater said about the same segment.
        conflicting: Contradicting what the same rater said about the same segment, on either side, or naming several
            emotions at once.
        broken: That cannot be read, or name no segment.
        tied: Segments whose raters are evenly split.
    """

    lines: int
    ratings: int
    unlabelled: int
    rejected: int
    duplicates: int
    conflicting: int
    broken: int
    tied: int


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """The labelled segments of a file, n rows in the order in which the file first names them.

    A segment on which the raters are evenly split stays, with its ratings: leaving it out would make them agree better
    than they do. It has no truth (`TIED`); metrics against one truth take `labelled.take(labelled.decided)`.

    Attributes:
        name: Of the file.
        sha256: Of its bytes.
        media: Names of media as the file has them, NFC, (n,).
        start_s: float64 seconds (n,).
        end_s: float64 seconds (n,).
        truth: int8 (n,), index into `TAXONOMY`, or `TIED`.
        speaker, language, text: str or None, (n,); of the first line that names the segment.
        pick: Likewise, why it was chosen to be labelled (`tasks.numerics.queue.Reason`), where that is known.
        line: int64 (n,), that line.
        key: Name of the segment, see `segment_key`, (n,); distinct. Everything is joined on it, never on row order.
        raters: Their names, in alphabetical order; empty where the file has fewer than two.
        ratings: int8 (n, len(raters)), index into `TAXONOMY`, -1 where a rater says nothing.
        soft: float64 (n, 7), the share of raters for each emotion; rows sum to 1.
        recorded: Posteriors that stand in the file, `audio`, `text` and `combined` (those that are there): float64
            (n, 7), rows sum to 1 or are NaN.
        counts: What became of the lines.
        problems: What is wrong, in order of lines.
    """

    name: str
    sha256: str
    media: Texts
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int8]
    speaker: Texts
    language: Texts
    text: Texts
    pick: Texts
    line: npt.NDArray[np.int64]
    key: Texts
    raters: tuple[str, ...]
    ratings: npt.NDArray[np.int8]
    soft: npt.NDArray[np.float64]
    recorded: Mapping[str, npt.NDArray[np.float64]]
    counts: Counts
    problems: tuple[Problem, ...]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def decided(self) -> npt.NDArray[np.bool_]:
        """Whether a segment has a truth, (n,)."""
        return np.not_equal(self.truth, TIED)

    def take(self, rows: Rows) -> "LabelledSet":
        """These rows alone, by mask or by position. Counts and problems remain those of the file."""
        columns = {each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name not in _NOT_BY_ROW}
        return replace(self, **columns, recorded={kind: values[rows] for kind, values in self.recorded.items()})


def segment_key(media: str, start_s: float, end_s: float) -> str:
    """Name of a labelled segment: a hash of the medium's name and the times in milliseconds (32 hex digits).

    Not `segment_id`: a label file knows neither uri nor etag.
    """
    key = f"{media}\n{milliseconds(start_s)}\n{milliseconds(end_s)}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]
