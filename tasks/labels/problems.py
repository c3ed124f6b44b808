"""What can be wrong with a labelled set, named by kind and line. Owns no reading and no limits."""

import reprlib
from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """What is wrong with a line. `breaks` tells whether nothing of the line can be used."""

    BAD_LINE = "bad_line"
    """It cannot be read, or names no medium."""
    NOT_A_NUMBER = "not_a_number"
    """Start or end is missing, no time, not finite, or beyond any medium."""
    NEGATIVE_TIME = "negative_time"
    END_BEFORE_START = "end_before_start"
    """Or within the same millisecond."""
    CONFLICTING_LABELS = "conflicting_labels"
    """One rater (or a file without raters) says two things about one segment."""
    LABEL_OUTSIDE = "label_outside"
    """Neither in the taxonomy nor an alias of one of its emotions."""
    DUPLICATE = "duplicate"
    """The same segment with the same label by the same rater: counted once."""
    OVERLAP = "overlap"
    """It begins before another segment of its medium ends: both are used."""
    TIED_RATERS = "tied_raters"
    """As many raters say one thing as another: the segment has ratings, but no truth."""
    BAD_SCORES = "bad_scores"
    """A recorded posterior is missing or cannot be one."""
    UNKNOWN_MEDIA = "unknown_media"
    AMBIGUOUS_MEDIA = "ambiguous_media"
    """The name fits several media."""

    @property
    def breaks(self) -> bool:
        """Whether the line cannot be used, and counts against the limit of such lines."""
        return self in _BREAKING


_BREAKING = frozenset(
    {
        ProblemKind.BAD_LINE,
        ProblemKind.NOT_A_NUMBER,
        ProblemKind.NEGATIVE_TIME,
        ProblemKind.END_BEFORE_START,
        ProblemKind.CONFLICTING_LABELS,
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        line: Of the file, from 1; of a Parquet file the row, from 1; of JSON over several lines its first.
        kind: Of what kind it is.
        text: What was found and what was expected, in words.
    """

    line: int
    kind: ProblemKind
    text: str

    def told(self, name: str) -> str:
        """The problem as one line of text: `labels.csv:7: …`."""
        return f"{name}:{self.line}: {self.text}"


class LineFault(ValueError):  # noqa: N818 - it never leaves the reading of a line
    """Raised while a line is read, where it turns into a `Problem`."""

    def __init__(self, kind: ProblemKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def shown(value: object) -> str:
    """A value of unknown size and content, short and printable, for messages."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    short.maxlist = short.maxtuple = short.maxdict = 4
    short.maxlevel = 2
    return short.repr(value)
