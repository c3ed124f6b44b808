"""Label files as lists of segments: what `segments.method: labels` scores, whatever the labels say."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actors.contract import Span
from infra.errors import InputError
from tasks.labels.labelled import LabelledSet
from tasks.labels.media import NameMatch, match_names
from tasks.labels.problems import Problem
from tasks.labels.rows import read_rows


@dataclass(frozen=True)
class LabelledSpans:
    """The segments of a label file.

    Attributes:
        spans: By media name as the file has it, in order of time.
        problems: What is wrong, one line each, naming the line of the file; the rest is used.
        sha256: Of the file's bytes.
    """

    spans: Mapping[str, tuple[Span, ...]]
    problems: tuple[str, ...]
    sha256: str

    def match(self, uris: Iterable[str]) -> NameMatch:
        """Which medium each name means, which fit none, and which fit several (used for none); see `match_names`."""
        return match_names(self.spans, uris)

    def fitted(self, match: NameMatch) -> dict[str, tuple[Span, ...]]:
        """The segments by media uri, each in order of time, of the names that mean one medium."""
        found: dict[str, set[Span]] = defaultdict(set)
        for name, uri in match.uris.items():
            found[uri].update(self.spans[name])
        return _sorted(found)


def read_spans(data: bytes, name: str) -> LabelledSpans:
    """Read the segments of a label file of any format that `read_labelled` knows, labelled or not.

    Args:
        data: Its bytes.
        name: What to call it in messages.

    Raises:
        InputError: The file cannot be read, or not one line of it is usable.
    """
    spans: dict[str, set[Span]] = defaultdict(set)
    problems: list[str] = []
    for row in read_rows(data, name):
        if isinstance(row, Problem):
            problems.append(row.told(name))
        else:
            spans[row.media].add(Span(row.start_s, row.end_s))
    if not spans:
        raise InputError(f"{name} holds no usable segment: {'; '.join(problems[:3]) or 'it is empty'}")
    return LabelledSpans(_sorted(spans), tuple(problems), hashlib.sha256(data).hexdigest())


def spans_of(labelled: LabelledSet) -> LabelledSpans:
    """The segments of a labelled set: those that have a label."""
    spans: dict[str, set[Span]] = defaultdict(set)
    for media, start_s, end_s in zip(
        labelled.media.tolist(), labelled.start_s.tolist(), labelled.end_s.tolist(), strict=True
    ):
        spans[media].add(Span(start_s, end_s))
    return LabelledSpans(_sorted(spans), tuple(each.told(labelled.name) for each in labelled.problems), labelled.sha256)


def _sorted(spans: Mapping[str, set[Span]]) -> dict[str, tuple[Span, ...]]:
    return {media: tuple(sorted(each)) for media, each in spans.items()}
