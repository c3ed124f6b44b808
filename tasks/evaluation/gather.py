"""The labelled segments of an evaluation: label files read, put together, and their media found.

Owns what goes into the evaluated set and what does not, with the reason for each. The formats are tasks/labels'.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, Medium, Span
from infra.errors import InputError
from infra.storage import ObjectInfo
from tasks.config.scoring import MEDIA_SUFFIXES
from tasks.evaluation.hear import Wanted
from tasks.evaluation.result import Dataset, SetProblem
from tasks.labels import LabelledSet, ProblemKind, match_media
from tasks.labels.rows import milliseconds
from tasks.plan import list_media

MAX_PROBLEMS = 200
"""Problems that an evaluation's record lists; beyond, they are counted."""

Objects = npt.NDArray[np.object_]
Rows = npt.NDArray[np.bool_] | npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of one or several label files that have a truth, n of them, as columns of shape (n,).

    In order of medium and time, whatever the order of the lines: figures do not depend on it.

    Attributes:
        truth: Index into the taxonomy.
        uri: Of the medium, or None where it is not known (recorded scores need none).
        origin: Name of the label file. line: Where it is first named there.
        soft: Shares of raters, (n, 7). recorded: Posteriors that stand in the files, by modality, (n, 7).
        dataset: What a record says of them.
        sets: The files as they were read, tied segments included: what agreement of raters is computed on.
    """

    media: Objects
    uri: Objects
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int64]
    speaker: Objects
    language: Objects
    text: Objects
    key: Objects
    origin: Objects
    line: npt.NDArray[np.int64]
    soft: npt.NDArray[np.float64]
    recorded: Mapping[str, npt.NDArray[np.float64]]
    dataset: Dataset
    sets: tuple[LabelledSet, ...]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def medium(self) -> list[str]:
        """URI of the medium that each segment is from, or its name where that is not known."""
        return [uri or media for uri, media in zip(self.uri.tolist(), self.media.tolist(), strict=True)]

    @cached_property
    def source(self) -> npt.NDArray[np.int64]:
        """Code of the medium that each segment is from: segments of one source are not independent, shape (n,)."""
        return coded(self.medium)[1]

    def take(self, rows: Rows) -> "Segments":
        """These rows alone, by mask or by position; the dataset is counted anew."""
        by_row = {each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name not in _NOT_BY_ROW}
        taken = replace(self, **by_row, recorded={kind: values[rows] for kind, values in self.recorded.items()})
        return replace(taken, dataset=self.dataset.model_copy(update=_counted(taken)))


_NOT_BY_ROW = frozenset({"recorded", "dataset", "sets"})
_COLUMNS = ("media", "start_s", "end_s", "speaker", "language", "text", "key", "line", "soft")


def gather(sets: Sequence[LabelledSet]) -> Segments:
    """Put label files together. A segment that two files name counts once, as the first of them has it.

    Raises:
        InputError: No segment has a truth.
    """
    decided = [each.take(each.decided) for each in sets]
    columns: dict[str, Any] = {name: np.concatenate([getattr(each, name) for each in decided]) for name in _COLUMNS}
    columns["truth"] = np.concatenate([each.truth for each in decided]).astype(np.int64)
    columns["origin"] = np.concatenate([_filled(len(each), each.name) for each in decided])
    columns["uri"] = _filled(len(columns["truth"]), None)
    if not len(columns["truth"]):
        raise InputError(f"{', '.join(each.name for each in sets)}: no segment has a truth to evaluate against.")
    segments = Segments(**columns, recorded=_recorded(decided), dataset=_dataset(sets), sets=tuple(sets))
    once = _each_once(segments, segments.key.tolist())
    return once.take(np.lexsort((once.end_s, once.start_s, coded(once.media.tolist())[1])))


def find_media(
    segments: Segments, listed: Iterable[ObjectInfo], suffixes: Iterable[str] = MEDIA_SUFFIXES
) -> tuple[Segments, list[Wanted]]:
    """Keep the segments whose medium is listed, and say where each lies.

    A segment that is named twice after all, by two names of one medium, counts once.

    Args:
        segments: As gathered.
        listed: The objects under the media's address; what is no media among them, by suffix, has no say.
        suffixes: Of media, lower case.

    Returns:
        The segments with their URIs, and the same as `Wanted`, in order.

    Raises:
        InputError: Not one of them has its medium there.
    """
    objects = _media(listed, suffixes)
    uri, problems = _filled(len(segments), None), list(segments.dataset.problems)
    count = segments.dataset.problem_count
    for each in segments.sets:
        match = match_media(each, objects)
        by_key = dict(zip(each.key.tolist(), match.uri.tolist(), strict=True))
        here = segments.origin == each.name
        uri[here] = [by_key[key] for key in segments.key[here].tolist()]
        count += len(match.problems)
        problems += [
            SetProblem(file=each.name, line=problem.line, kind=str(problem.kind), text=problem.text)
            for problem in match.problems
        ]
    found = np.array([each is not None for each in uri.tolist()], dtype=bool)
    if not found.any():
        told = "; ".join(problem.text for problem in problems[-3:])
        raise InputError(f"no labelled segment has its medium under the given address: {told}. Check --media.")
    dataset = segments.dataset.model_copy(update={"problems": tuple(problems[:MAX_PROBLEMS]), "problem_count": count})
    kept = replace(segments, uri=uri, dataset=dataset).take(found)
    kept = replace(kept, dataset=kept.dataset.model_copy(update={"unheard": int((~found).sum())}))
    kept = _each_once(kept, list(zip(kept.uri.tolist(), _ms(kept.start_s), _ms(kept.end_s), strict=True)))
    places = zip(kept.uri.tolist(), kept.start_s.tolist(), kept.end_s.tolist(), strict=True)
    return kept, [Wanted(objects[name], Span(start, end)) for name, start, end in places]


def without_unheard(segments: Segments, heard: npt.NDArray[np.bool_]) -> Segments:
    """Leave out what could not be heard through a fault of its medium: no candidate is to blame for it."""
    kept = segments.take(heard)
    unheard = segments.dataset.unheard + int((~heard).sum())
    return replace(kept, dataset=kept.dataset.model_copy(update={"unheard": unheard}))


def coded(values: Sequence[Any]) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The distinct values in order, and the place among them of each of n, shape (n,)."""
    # Not by np.unique: an array of texts has room for the longest in every row.
    distinct = sorted(set(values))
    codes = {value: code for code, value in enumerate(distinct)}
    return distinct, np.array([codes[value] for value in values], dtype=np.int64)


def _each_once(segments: Segments, places: Sequence[Hashable]) -> Segments:
    """The first segment at each place; the others are counted, and told where they say otherwise."""
    first: dict[Hashable, int] = {}
    kept = [first.setdefault(place, row) for row, place in enumerate(places)]
    again = [(row, earlier) for row, earlier in enumerate(kept) if row != earlier]
    if not again:
        return segments
    told = [
        _conflict(segments, row, earlier) for row, earlier in again if segments.truth[row] != segments.truth[earlier]
    ]
    dataset = segments.dataset
    changes = {
        "duplicates": dataset.duplicates + len(again),
        "problems": (*dataset.problems, *told)[:MAX_PROBLEMS],
        "problem_count": dataset.problem_count + len(told),
    }
    once = replace(segments, dataset=dataset.model_copy(update=changes))
    return once.take(np.array(list(first.values()), dtype=np.int64))


def _conflict(segments: Segments, row: int, earlier: int) -> SetProblem:
    here, there = (TAXONOMY[segments.truth[at]] for at in (row, earlier))
    where = f"{segments.origin[earlier]}, line {segments.line[earlier]}"
    text = f"{here}, but {where}, says {there} about the same segment: {there} is used"
    return SetProblem(
        file=segments.origin[row], line=int(segments.line[row]), kind=str(ProblemKind.CONFLICTING_LABELS), text=text
    )


def _media(listed: Iterable[ObjectInfo], suffixes: Iterable[str]) -> dict[str, Medium]:
    media = list_media(listed, suffixes).media
    rows = zip(media.index.tolist(), media["etag"].tolist(), media["size"].tolist(), strict=True)
    return {uri: Medium(uri, etag, size) for uri, etag, size in rows}


def _ms(seconds: npt.NDArray[np.float64]) -> list[int]:
    return [milliseconds(each) for each in seconds.tolist()]


def _dataset(sets: Sequence[LabelledSet]) -> Dataset:
    problems = [
        SetProblem(file=each.name, line=problem.line, kind=str(problem.kind), text=problem.text)
        for each in sets
        for problem in each.problems
    ]
    digests = [each.sha256 for each in sets]
    return Dataset(
        files=tuple(each.name for each in sets),
        n=0,
        labelled=sum(int(each.decided.sum()) for each in sets),
        unlabelled=sum(each.counts.unlabelled for each in sets),
        rejected=sum(each.counts.rejected + each.counts.broken + each.counts.conflicting for each in sets),
        duplicates=sum(each.counts.duplicates for each in sets),
        tied=sum(each.counts.tied for each in sets),
        sha256=digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        counts={},
        problems=tuple(problems[:MAX_PROBLEMS]),
        problem_count=len(problems),
    )


def _counted(segments: Segments) -> dict[str, Any]:
    labels = np.bincount(segments.truth, minlength=len(TAXONOMY)).tolist()
    speakers = {each for each in segments.speaker.tolist() if each is not None}
    return {
        "n": len(segments),
        "counts": {emotion: count for emotion, count in zip(TAXONOMY, labels, strict=True) if count},
        "languages": dict(sorted(Counter(each for each in segments.language.tolist() if each).items())),
        "sources": len(set(segments.medium)),
        "speakers": len(speakers) or None,
        "seconds": float((segments.end_s - segments.start_s).sum()),
    }


def _recorded(sets: Sequence[LabelledSet]) -> dict[str, npt.NDArray[np.float64]]:
    kinds = sorted({kind for each in sets for kind in each.recorded})
    empty = {id(each): np.full((len(each), len(TAXONOMY)), np.nan) for each in sets}
    return {kind: np.concatenate([each.recorded.get(kind, empty[id(each)]) for each in sets]) for kind in kinds}


def _filled(n: int, value: str | None) -> Objects:
    column = np.empty(n, dtype=np.object_)
    column[:] = value
    return column
