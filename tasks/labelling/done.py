"""What is labelled already: which stretches of which media, and how many labels each emotion and medium has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, Span
from tasks.labels import LabelledSet, LabelledSpans, match_names, spans_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Done:
    """What is labelled, or not to be proposed for another reason.

    Attributes:
        spans: By uri of the medium: beginnings and ends, seconds, in order and apart from one another.
        labels: Labelled segments by uri of the medium.
        emotions: Labelled segments by index into the taxonomy, (7,).
        problems: Names that fit no medium, or several.
    """

    spans: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    emotions: tuple[int, ...] = (0,) * len(TAXONOMY)
    problems: tuple[str, ...] = ()

    def covers(self, uri: str, start_s: Floats, end_s: Floats) -> Bools:
        """Whether the middle half of segments (n,) lies in a labelled stretch at least in part, (n,)."""
        quarter = (end_s - start_s) / 4
        return self._touched(uri, start_s + quarter, end_s - quarter)

    def beside(self, uri: str, start_s: Floats, end_s: Floats, gap_s: float) -> Bools:
        """Whether segments (n,) lie less than so many seconds from a labelled stretch, (n,)."""
        return self._touched(uri, start_s - gap_s, end_s + gap_s)

    def _touched(self, uri: str, start_s: Floats, end_s: Floats) -> Bools:
        if uri not in self.spans:
            return np.zeros(len(start_s), dtype=bool)
        starts, ends = self.spans[uri]
        following = np.searchsorted(ends, start_s, side="right")
        inside = following < len(starts)
        return np.asarray(inside & (starts[np.minimum(following, len(starts) - 1)] < end_s))


def done_of(labelled: Sequence[LabelledSet], excluded: Sequence[LabelledSpans], uris: Iterable[str]) -> Done:
    """What label files say is done.

    Args:
        labelled: Label files.
        excluded: Files whose segments are left out whatever they say of them, such as queues that are being labelled.
        uris: Of all media of the corpus.
    """
    files = [*map(spans_of, labelled), *excluded]
    # All names at once: a look at every medium for each of many small files would take for ever.
    match = match_names(sorted({name for file in files for name in file.spans}), uris)
    spans: dict[str, list[Span]] = defaultdict(list)
    for name, found in ((name, found) for file in files for name, found in file.spans.items()):
        if name in match.uris:
            spans[match.uris[name]] += found
    names = Counter(name for each in labelled for name in each.media.tolist())
    labels: Counter[str] = Counter()
    for name, n in names.items():
        if name in match.uris:
            labels[match.uris[name]] += n
    truths = np.concatenate([np.zeros(0, np.int8), *(each.truth[each.decided] for each in labelled)])
    return Done(
        spans={uri: _apart(found) for uri, found in spans.items()},
        labels=dict(labels),
        emotions=tuple(np.bincount(truths.astype(np.int64), minlength=len(TAXONOMY)).tolist()),
        problems=(*(each.told() for each in match.unmatched), *(each.told() for each in match.ambiguous)),
    )


def _apart(spans: Iterable[Span]) -> tuple[Floats, Floats]:
    """The same stretches, those that touch as one."""
    joined: list[list[float]] = []
    for span in sorted(spans):
        if joined and span.start_s <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], span.end_s)
        else:
            joined.append([span.start_s, span.end_s])
    both = np.array(joined, dtype=np.float64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()
