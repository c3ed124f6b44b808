"""What came of reading: the text of each labelled segment, what a text model answered to it, or why there is nothing.

Types only. Where texts come from is find_texts.py, what models make of them read_texts.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from actors.contract import ModelSpec
from actors.texts import SegmentText, TextFlag

NO_TEXT = "no_text"
"""Reason of a segment that no source has a text for."""
NOT_READ = "not_read"
"""Reason of a segment whose text nobody looked for."""


@dataclass(frozen=True)
class Read:
    """What a candidate read of n wanted segments.

    Attributes:
        rows: Of each wanted segment; None where it was not asked for, since nobody had heard which language it is in.
        specs: The text models, by weights_sha256.
        inferred, cached: How many texts were read now, and how many were known.
        problem: Why no text could be found or read at all; None where that went well.
    """

    rows: tuple[SegmentText | None, ...]
    specs: Mapping[str, ModelSpec] = field(default_factory=dict)
    inferred: int = 0
    cached: int = 0
    problem: str | None = None

    @property
    def reasons(self) -> dict[int, str]:
        """Why a segment has no answer of a text model, for each that has none, by its index."""
        return {index: why for index, row in enumerate(self.rows) if (why := reason(row)) is not None}

    def take(self, rows: npt.NDArray[np.bool_]) -> "Read":
        """These wanted segments alone, by a mask of shape (n,)."""
        return replace(self, rows=tuple(row for row, kept in zip(self.rows, rows.tolist(), strict=True) if kept))


def reason(row: SegmentText | None) -> str | None:
    """Why a segment has no answer of a text model; None where it has one."""
    if row is None:
        return NOT_READ
    if TextFlag.TEXT_FAILED in row.flags:
        return str(TextFlag.TEXT_FAILED)
    if row.logits is not None:
        return None
    return str(row.flags[0]) if row.flags else NO_TEXT
