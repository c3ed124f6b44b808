"""Labelled sets: what people say about segments, read from any common format and checked line by line.

    labelled = read_labelled(data, "labels.jsonl")          # columns, counts, problems
    match = match_media(labelled, uris)                     # which medium each row means
    spans = read_spans(data, "labels.jsonl")                # the segments alone, for `segments.method: labels`

Reads bytes and opens no files: where they lie is the caller's business.
"""

from tasks.labels.labelled import Counts, LabelledSet, segment_key
from tasks.labels.media import Ambiguous, MediaMatch, NameMatch, Unmatched, match_media, match_names
from tasks.labels.problems import Problem, ProblemKind
from tasks.labels.ratings import MISSING, TIED
from tasks.labels.reading import MAX_PROBLEMS_SHARE, read_labelled
from tasks.labels.spans import LabelledSpans, read_spans, spans_of

__all__ = [
    "MAX_PROBLEMS_SHARE",
    "MISSING",
    "TIED",
    "Ambiguous",
    "Counts",
    "LabelledSet",
    "LabelledSpans",
    "MediaMatch",
    "NameMatch",
    "Problem",
    "ProblemKind",
    "Unmatched",
    "match_media",
    "match_names",
    "read_labelled",
    "read_spans",
    "segment_key",
    "spans_of",
]
