"""What label files say at one moment, and the difference between two such moments. Pure: reads no files.

What counts is what is said about segments. In which file, in which format and how often it is said does not matter.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

from pydantic import Field

from tasks.hashes import short_hash
from tasks.records.parts import Record

VERSION: Final = 1

Key = tuple[str, int, int, str | None]
"""Medium, start and end in milliseconds, rater."""


class Said(NamedTuple):
    """What one rater says about one segment.

    Attributes:
        media: Name of the medium, as the label file has it.
        start_ms, end_ms: In milliseconds.
        rater: None where the file names none.
        emotion: Of the taxonomy.
        speaker, language, text: Short hashes of what stands beside the label; None where nothing does.
    """

    media: str
    start_ms: int
    end_ms: int
    rater: str | None
    emotion: str
    speaker: str | None = None
    language: str | None = None
    text: str | None = None

    @property
    def key(self) -> Key:
        return self[:4]

    def completed(self, other: "Said") -> "Said":
        """The same, with what another file knows besides."""
        return self._replace(
            speaker=self.speaker or other.speaker,
            language=self.language or other.language,
            text=self.text or other.text,
        )


class LabelFile(Record):
    """One label file.

    Attributes:
        etag, size: As the listing has them; an empty etag: it must be read again.
        rows: What it says, each segment and rater once, in order.
        unusable: Lines that cannot be used, or whose label is outside the taxonomy.
        problem: Why nothing of it can be used, or why an earlier reading of it stands here.
    """

    uri: str
    etag: str
    size: int
    rows: tuple[Said, ...] = ()
    unusable: int = 0
    problem: str | None = None


class Snapshot(Record):
    """What the label files under a prefix say.

    Attributes:
        labels: The prefix. aliases: Hash of the further label words it was read with.
        files: By URI, in order.
    """

    version: Literal[1] = VERSION
    labels: str
    aliases: str
    files: tuple[LabelFile, ...] = Field(default=())

    @cached_property
    def said(self) -> Mapping[Key, Said]:
        """What all files say together, in the order of the keys. Where two disagree, the one that counts first holds.

        What one file leaves open about a segment (its speaker, say) is taken from the next that knows.
        """
        merged: dict[Key, Said] = {}
        for file in first_first(self.files):
            for each in file.rows:
                earlier = merged.get(each.key)
                merged[each.key] = each if earlier is None else earlier.completed(each)
        return {key: merged[key] for key in sorted(merged, key=_order)}

    @cached_property
    def content(self) -> str:
        """Hash over what is said, 16 hex digits: two snapshots that say the same have the same."""
        digest = hashlib.sha256()
        for each in self.said.values():
            digest.update(json.dumps(each, ensure_ascii=False).encode() + b"\n")
        return digest.hexdigest()[:16]

    @property
    def usable(self) -> tuple[LabelFile, ...]:
        """The files that say anything, in the order in which they count."""
        return tuple(first_first(each for each in self.files if each.rows))

    @property
    def problems(self) -> Iterator[str]:
        """What is wrong, one text a file."""
        for each in self.files:
            if each.problem:
                yield f"{each.uri}: {each.problem}"
            elif each.unusable:
                yield f"{each.uri}: {each.unusable} lines cannot be used"


@dataclass(frozen=True)
class Difference:
    """What a later snapshot has that an earlier one had not, over segments and raters.

    Attributes:
        added, withdrawn: Said now and not before; before and not now.
        changed: Said otherwise: before and now.
    """

    added: tuple[Said, ...]
    changed: tuple[tuple[Said, Said], ...]
    withdrawn: tuple[Said, ...]

    @property
    def total(self) -> int:
        return len(self.added) + len(self.changed) + len(self.withdrawn)


def difference(before: Snapshot | None, now: Snapshot) -> Difference:
    """What changed; without an earlier snapshot all is new."""
    earlier = before.said if before else {}
    return Difference(
        added=tuple(each for key, each in now.said.items() if key not in earlier),
        changed=tuple(
            (earlier[key], each) for key, each in now.said.items() if key in earlier and earlier[key] != each
        ),
        withdrawn=tuple(each for key, each in earlier.items() if key not in now.said),
    )


def first_first(files: Iterable[LabelFile]) -> list[LabelFile]:
    """Files in the order in which they count: the name that sorts last first, so that of dated files the newest."""
    return sorted(files, key=lambda each: each.uri, reverse=True)


def hash_of_aliases(aliases: Mapping[str, str | None]) -> str:
    """What a snapshot's `aliases` is."""
    return short_hash(dict(aliases))


def _order(key: Key) -> tuple[str, int, int, bool, str]:
    media, start_ms, end_ms, rater = key
    return media, start_ms, end_ms, rater is not None, rater or ""
