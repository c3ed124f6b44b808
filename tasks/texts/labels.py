"""The texts of a label file, as cues of the media that it names: what `text.source: labels` reads."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actors.texts import Cue
from infra.errors import InputError
from tasks.labels import Problem, match_names
from tasks.labels.problems import LineFault
from tasks.labels.rows import read_rows, text_of


@dataclass(frozen=True)
class LabelTexts:
    """What a label file says is said.

    Attributes:
        cues: By media name as the file has it, in order of time.
        sha256: Of the file's bytes.
    """

    cues: Mapping[str, tuple[Cue, ...]]
    sha256: str

    def fitted(self, uris: Iterable[str]) -> dict[str, tuple[Cue, ...]]:
        """The cues by media uri, of the names that mean one medium of these; see `tasks.labels.match_names`."""
        match = match_names(self.cues, uris)
        return {uri: self.cues[name] for name, uri in match.uris.items()}


def read_label_texts(data: bytes, name: str) -> LabelTexts:
    """Read the `text` of a label file's lines, labelled or not; a text that stands there several times counts once.

    Args:
        data: Any format that `tasks.labels` knows.
        name: What to call it in messages.

    Raises:
        InputError: The file cannot be read, or not one line has a text.
    """
    found: dict[str, set[Cue]] = defaultdict(set)
    for row in read_rows(data, name):
        if isinstance(row, Problem):
            continue
        try:
            text = text_of(row.values, "text")
        except LineFault:
            continue  # said where the file's labels are used
        if text:
            found[row.media].add(Cue(row.start_s, row.end_s, text))
    if not found:
        raise InputError(f"{name} has no text: a column `text` is expected, with what is said in each segment")
    ordered = {
        media: tuple(sorted(cues, key=lambda cue: (cue.start_s, cue.end_s, cue.text))) for media, cues in found.items()
    }
    return LabelTexts(ordered, hashlib.sha256(data).hexdigest())
