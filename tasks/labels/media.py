"""Which medium a name in a label file means. Owns no listing: the caller says which media there are."""

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.labels.label_studio import strip_upload
from tasks.labels.labelled import LabelledSet
from tasks.labels.problems import Problem, ProblemKind, shown

_HINTS = 10
"""Names for which the nearest medium is looked up."""

_POOL = 5000
"""Media among which it is looked up, besides those of the same file name."""


@dataclass(frozen=True)
class Unmatched:
    """A name that fits no medium, and the uri that is most like it, if any is."""

    name: str
    nearest: str | None

    def told(self) -> str:
        hint = f"; the nearest is {self.nearest}" if self.nearest else ""
        return f"no medium is named {shown(self.name)}{hint}"


@dataclass(frozen=True)
class Ambiguous:
    """A name that fits several media: it is used for none. Two of them, in order."""

    name: str
    uris: tuple[str, str]

    def told(self) -> str:
        return f"{shown(self.name)} fits {' and '.join(self.uris)}: name more of the path"


@dataclass(frozen=True)
class NameMatch:
    """Names and the media they mean, in the order of the names.

    Attributes:
        uris: Uri by name, for the names that mean one medium.
        unmatched: Names that fit no medium.
        ambiguous: Names that fit several.
    """

    uris: Mapping[str, str]
    unmatched: tuple[Unmatched, ...]
    ambiguous: tuple[Ambiguous, ...]


@dataclass(frozen=True, eq=False)
class MediaMatch:
    """The media of a labelled set.

    Attributes:
        uri: Of each row, or None, (n,).
        unmatched: Names that fit no medium.
        ambiguous: Names that fit several.
        problems: Both, each with the first line that has the name.
    """

    uri: npt.NDArray[np.object_]
    unmatched: tuple[Unmatched, ...]
    ambiguous: tuple[Ambiguous, ...]
    problems: tuple[Problem, ...]


def match_media(labelled: LabelledSet, uris: Iterable[str]) -> MediaMatch:
    """Find the media that a labelled set names; see `match_names`.

    Args:
        labelled: n segments.
        uris: Of all media of the corpus: with a part of them a name may seem to be unique, or unknown.
    """
    first: dict[str, int] = {}
    for name, line in zip(labelled.media.tolist(), labelled.line.tolist(), strict=True):
        first.setdefault(name, line)
    match = match_names(first, uris)
    uri = np.array([match.uris.get(name) for name in labelled.media.tolist()], dtype=np.object_)
    problems = [Problem(first[each.name], ProblemKind.UNKNOWN_MEDIA, each.told()) for each in match.unmatched]
    problems += [Problem(first[each.name], ProblemKind.AMBIGUOUS_MEDIA, each.told()) for each in match.ambiguous]
    problems.sort(key=lambda problem: problem.line)
    return MediaMatch(uri, match.unmatched, match.ambiguous, tuple(problems))


def match_names(names: Iterable[str], uris: Iterable[str]) -> NameMatch:
    """Find the medium that each name means.

    A name fits a medium whose uri ends with it, by whole parts of the path, with or without the uri's suffix; if none
    does, where case differs; if still none, without the prefix that Label Studio gives to uploads. A medium that
    another name fits better (a longer one, or one with the suffix) is left to that name where there is a choice.

    Args:
        names: Distinct names, as label files have them.
        uris: Of all media.
    """
    wanted, there = list(dict.fromkeys(names)), list(dict.fromkeys(uris))
    index = _Index(wanted)
    for uri in there:
        index.add(uri)
    candidates = {name: index.candidates(name) for name in wanted}
    lost = [name for name in wanted if not candidates[name]]
    return NameMatch(
        uris={name: found[0] for name, found in candidates.items() if len(found) == 1},
        unmatched=tuple(
            Unmatched(name, index.namesakes.get(name) or (_nearest(name, there) if number < _HINTS else None))
            for number, name in enumerate(lost)
        ),
        ambiguous=tuple(Ambiguous(name, (found[0], found[1])) for name, found in candidates.items() if len(found) > 1),
    )


_Fit = tuple[int, bool, int]
"""How a name fits a uri, the best first: exactly, but for case, or but for the prefix (0, 1, 2); whether without the
uri's suffix; less the number of its parts."""


class _Index:
    """Names by their last part, so that most media of a large corpus are passed over at one look."""

    def __init__(self, names: Sequence[str]) -> None:
        self.namesakes: dict[str, str] = {}
        self._fits: dict[str, dict[str, _Fit]] = {name: {} for name in names}
        self._best: dict[str, _Fit] = {}
        self._by_leaf: defaultdict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        for name in names:
            if parts := _parts(name):
                for leaf in {parts[-1].casefold(), strip_upload(parts[-1]).casefold()}:
                    self._by_leaf[leaf].append((name, parts))

    def add(self, uri: str) -> None:
        """Note which names fit a medium, and how."""
        parts = _parts(uri)
        if not parts:
            return
        leaf = parts[-1].casefold()
        for key, short in {leaf: False, _stem(leaf): True}.items():
            for name, own in self._by_leaf.get(key, ()):
                self._note(name, own, uri, (*parts[:-1], _stem(parts[-1])) if short else parts, short)

    def _note(self, name: str, own: tuple[str, ...], uri: str, parts: tuple[str, ...], short: bool) -> None:
        tier = _tier(own, parts[-len(own) :])
        if tier is None:
            self.namesakes.setdefault(name, uri)
            return
        fit = (tier, short, -len(own))
        self._fits[name][uri] = min(fit, self._fits[name].get(uri, fit))
        self._best[uri] = min(fit, self._best.get(uri, fit))

    def candidates(self, name: str) -> list[str]:
        """The media that a name may mean."""
        fits = self._fits[name]
        if not fits:
            return []
        tier = min(fit[0] for fit in fits.values())
        near = {uri: fit for uri, fit in fits.items() if fit[0] == tier}
        free = [uri for uri, fit in near.items() if self._best[uri] == fit]
        # A name that only nearly fits takes no medium from one that does.
        return free if free or tier else list(near)


def _tier(own: tuple[str, ...], tail: tuple[str, ...]) -> int | None:
    if own == tail:
        return 0
    folded, tail_folded = [part.casefold() for part in own], [part.casefold() for part in tail]
    if folded == tail_folded:
        return 1
    return 2 if [*folded[:-1], strip_upload(own[-1]).casefold()] == tail_folded else None


def _parts(name: str) -> tuple[str, ...]:
    # Composed: macOS writes file names decomposed, Hangul too, and label files seldom are. Windows writes backslashes.
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _stem(leaf: str) -> str:
    stem, dot, suffix = leaf.rpartition(".")
    return stem if dot and stem and suffix else leaf


def _nearest(name: str, uris: Sequence[str]) -> str | None:
    leaves = [(_leaf(uri), uri) for uri in reversed(uris[:_POOL])]
    pool = {_stem(leaf): uri for leaf, uri in leaves} | dict(leaves)
    close = difflib.get_close_matches(_leaf(name)[:255], pool, n=1)
    return pool[close[0]] if close else None


def _leaf(path: str) -> str:
    parts = _parts(path)
    return parts[-1].casefold() if parts else ""
