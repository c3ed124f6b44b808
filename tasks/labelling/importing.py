"""Annotations → a file of labels in the store, checked line by line. Importing the same again adds nothing.

A file that is imported holds what no other file under the same prefix says already, one line a rating, in an order of
its own: so its name, a hash of its bytes, does not depend on how the annotations came.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from actors.contract import TAXONOMY
from infra.errors import InputError, UsageError
from infra.shelf import Shelf
from tasks.labels import Counts, Problem, ProblemKind, read_labelled
from tasks.labels.problems import LineFault
from tasks.labels.rows import Row, label_of, milliseconds, read_rows, text_of
from tasks.labels.words import LabelWords

ABOUT = ("speaker", "language", "text", "pick")
"""What a rating is stored with, where it is known."""

_RESULTS = "commits/config="
"""What lies in every results store, and nowhere else: every file of it would be read as labels."""

_NAME = re.compile(r"[\w][\w.\-]{0,99}")
_HASH = 16
_READERS = 16
"""Files read at once: a store answers slowly, but to many."""

Key = tuple[str, int, int, str | None]
"""Medium as the file names it, start and end in milliseconds, rater."""


@dataclass(frozen=True)
class Rating:
    """What one person says of one segment, and the line where it stands."""

    media: str
    start_s: float
    end_s: float
    label: str
    rater: str | None
    line: int
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What there may be one rating of."""
        return self.media, milliseconds(self.start_s), milliseconds(self.end_s), self.rater


@dataclass(frozen=True)
class Imported:
    """What became of a file of annotations.

    Attributes:
        address: Of the file of labels; None where nothing new was in it.
        added: Ratings that were stored. known: those that stood in another file already.
        counts: What became of its lines, see `tasks.labels.Counts`.
        problems: What is wrong, by line; the rest was stored.
    """

    address: str | None
    added: int
    known: int
    counts: Counts
    problems: tuple[Problem, ...]


def import_labels(
    data: bytes,
    name: str,
    shelf: Shelf,
    *,
    file: str | None = None,
    aliases: Mapping[str, str | None] | None = None,
) -> Imported:
    """Store the labels of a file of annotations.

    Args:
        data: Label Studio's JSON export, JSON lines, CSV, or what else `tasks.labels` reads.
        name: Of the file, for messages.
        shelf: Where label files lie, all of them.
        file: What to call the file of labels, without its ending. A later import under the same name takes its place,
            so that corrected and withdrawn annotations of a whole project are seen as such. By default a hash.
        aliases: Further label words.

    Raises:
        InputError: It cannot be read, has no label, or too many lines that cannot be used.
        UsageError: The name is none, or the place is a results store.
    """
    if file is not None and not _NAME.fullmatch(file):
        raise UsageError(f"{file!r} is no name for a label file: expected letters, digits, dots, dashes, 100 at most")
    own = None if file is None else f"{file}.jsonl"
    labelled = read_labelled(data, name, aliases=aliases)
    ratings = ratings_of(data, name, aliases)
    others, problems = _others(shelf, own, aliases)
    fresh = {key: rating for key, rating in ratings.items() if key not in others}
    problems += [_contradiction(ratings[key], *others[key]) for key in ratings.keys() - fresh.keys() if
                 others[key][0].label != ratings[key].label]  # fmt: skip
    text = "".join(_line(fresh[key]) for key in sorted(fresh, key=_order)).encode()
    target = own or f"import-{hashlib.sha256(text).hexdigest()[:_HASH]}.jsonl"
    stored = bool(fresh) and not _is_there(shelf, target, text)
    return Imported(
        address=shelf.put(target, text, "application/x-ndjson") if stored else None,
        added=len(fresh) if stored else 0,
        known=len(ratings) - len(fresh) if stored else len(ratings),
        counts=labelled.counts,
        problems=tuple(sorted((*labelled.problems, *problems), key=lambda problem: problem.line)),
    )


def ratings_of(data: bytes, name: str, aliases: Mapping[str, str | None] | None = None) -> dict[Key, Rating]:
    """The ratings of a label file; where one person says two things of a segment, neither.

    Raises:
        InputError: The file cannot be read.
    """
    found: dict[Key, Rating | None] = {}
    for rating in _ratings(data, name, LabelWords(aliases)):
        before = found.setdefault(rating.key, rating)
        if before is None or before.label != rating.label:
            found[rating.key] = None
    return {key: rating for key, rating in found.items() if rating is not None}


def _ratings(data: bytes, name: str, known: LabelWords) -> Iterator[Rating]:
    for row in read_rows(data, name):
        if isinstance(row, Row):
            try:
                code = known.code(label_of(row.values))
                if code is not None:
                    yield _rating(row, TAXONOMY[code])
            except LineFault:
                continue  # told by `read_labelled`


def _rating(row: Row, label: str) -> Rating:
    about = {column: text_of(row.values, column) for column in ABOUT}
    rater = text_of(row.values, "rater")
    known = {column: value for column, value in about.items() if value}
    return Rating(row.media, row.start_s, row.end_s, label, rater, row.line, known)


def _others(
    shelf: Shelf, own: str | None, aliases: Mapping[str, str | None] | None
) -> tuple[dict[Key, tuple[Rating, str]], list[Problem]]:
    """The ratings of all other label files, with the file of each; a file that is none is told and passed over."""
    found: dict[Key, tuple[Rating, str]] = {}
    problems = []
    names = [name for name in shelf.names() if name != own]
    if any(name.startswith(_RESULTS) for name in names):
        raise UsageError(
            f"{shelf.address('')} holds results: label files need a place of their own, as s3://bucket/labels"
        )
    with ThreadPoolExecutor(_READERS) as readers:
        for name, data in zip(names, readers.map(shelf.get, names), strict=True):
            try:
                found |= {key: (rating, name) for key, rating in ratings_of(data, name, aliases).items()}
            except InputError as error:
                problems.append(Problem(0, ProblemKind.BAD_LINE, f"{shelf.address(name)} is passed over: {error}"))
    return found, problems


def _contradiction(rating: Rating, other: Rating, file: str) -> Problem:
    who = rating.rater or "the file"
    text = f"{who} says {rating.label}, but in {file}:{other.line} {other.label} about the same segment: left out"
    return Problem(rating.line, ProblemKind.CONFLICTING_LABELS, f"{text}; correct that file, or import under its name")


def _line(rating: Rating) -> str:
    line: dict[str, Any] = {"video": rating.media, "start": rating.start_s, "end": rating.end_s, "label": rating.label}
    line |= {"rater": rating.rater} if rating.rater is not None else {}
    return json.dumps(line | dict(rating.about), ensure_ascii=False, allow_nan=False) + "\n"


def _order(key: Key) -> tuple[str, int, int, str]:
    return (*key[:3], key[3] or "")


def _is_there(shelf: Shelf, name: str, data: bytes) -> bool:
    return name in shelf.names() and shelf.get(name) == data
