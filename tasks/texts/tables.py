"""The `texts` table: its columns, how rows are made from answers, and what a decision takes from them.

One row for each row of a shard's `logits`. Where the files lie is tasks/store.py; how text and audio are fused is
tasks/numerics/decision.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.contract import TAXONOMY, Flag, ModelSpec
from actors.texts import SegmentText, TextAnswer, TextFlag, Word
from tasks.numerics.decision import Decision, TextPosterior, emotion_posterior
from tasks.tables import FLAGS, model_specs, with_specs

WORDS = pa.list_(pa.struct([("word", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())]))
"""Words with their times in seconds of the medium; null where nobody timed them."""

TEXT_SHA256 = "text_sha256"
TEXTS = pa.schema(
    [
        ("media_uri", pa.string()),
        ("media_etag", pa.string()),
        ("segment_id", pa.string()),
        ("language", pa.string()),
        ("text", pa.string()),
        ("text_source", pa.string()),
        ("words", WORDS),
        ("text_model", pa.string()),
        (TEXT_SHA256, pa.string()),
        ("text_logits", pa.list_(pa.float32())),
        FLAGS,
        ("reason", pa.string()),
    ]
)
"""`text`: null where there is none. `words`: where Whisper timed them, else null. `reason`: what went wrong."""

LabelMap = Mapping[str, str | None]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextDecisions:
    """What decisions need to know of texts.

    Attributes:
        name: Of the decisions with these texts: a hash, in paths and rows.
        label_maps: Of each text model, by weights_sha256.
    """

    name: str
    label_maps: Mapping[str, LabelMap]


def texts_table(answers: Iterable[TextAnswer]) -> pa.Table:
    """The `texts` rows of these media, with the specs of the models that read them in the metadata."""
    rows: list[dict[str, Any]] = []
    specs: dict[str, ModelSpec] = {}
    for answer in answers:
        specs |= answer.specs
        rows += [
            {
                "media_uri": answer.medium.uri,
                "media_etag": answer.medium.etag,
                "segment_id": row.segment_id,
                "language": row.language,
                "text": row.text,
                "text_source": row.source,
                "words": stored_words(row.words),
                "text_model": row.model,
                TEXT_SHA256: row.weights_sha256,
                "text_logits": row.logits,
                "flags": [str(flag) for flag in row.flags],
                "reason": row.reason,
            }
            for row in answer.rows
        ]
    return with_specs(pa.Table.from_pylist(rows, schema=TEXTS), specs, TEXT_SHA256)


def stored_words(words: Sequence[Word] | None) -> list[dict[str, Any]] | None:
    """Words as a column of `WORDS` takes them."""
    return None if words is None else [vars(word) for word in words]


@dataclass(frozen=True, eq=False)
class Texts:
    """What is known of the texts of n segments, in the order of their `logits` rows.

    Attributes:
        text, sha256, logits: Of each segment, or None.
        flags: What scores should say of it.
        specs, label_maps: Of the text models, by weights_sha256.
    """

    text: Sequence[str | None]
    sha256: Sequence[str | None]
    logits: Sequence[Sequence[float] | None]
    flags: Sequence[Sequence[str]]
    specs: Mapping[str, ModelSpec]
    label_maps: Mapping[str, LabelMap]

    @classmethod
    def join(cls, logits: pa.Table, texts: pa.Table, label_maps: Mapping[str, LabelMap]) -> "Texts":
        """Bring a shard's `texts` into the order of its `logits`; a segment that is not among them has none."""
        columns = ("text", TEXT_SHA256, "text_logits", "flags")
        values = zip(*(texts[name].to_pylist() for name in columns), strict=True)
        known = dict(zip(texts["segment_id"].to_pylist(), values, strict=True))
        found = [known.get(name, (None, None, None, [])) for name in logits["segment_id"].to_pylist()]
        return cls(
            text=[row[0] for row in found],
            sha256=[row[1] for row in found],
            logits=[row[2] for row in found],
            flags=[_score_flags(text, flags) for text, _, _, flags in found],
            specs=model_specs(texts),
            label_maps=label_maps,
        )

    @classmethod
    def of(
        cls, rows: Sequence[SegmentText], specs: Mapping[str, ModelSpec], label_maps: Mapping[str, LabelMap]
    ) -> "Texts":
        """The texts of segments in the order in which they stand here."""
        return cls(
            text=[row.text for row in rows],
            sha256=[row.weights_sha256 for row in rows],
            logits=[None if TextFlag.TEXT_FAILED in row.flags else row.logits for row in rows],
            flags=[_score_flags(row.text, row.flags) for row in rows],
            specs=specs,
            label_maps=label_maps,
        )

    def take(self, rows: Rows) -> "Texts":
        """These segments alone."""
        return Texts(
            text=[self.text[row] for row in rows],
            sha256=[self.sha256[row] for row in rows],
            logits=[self.logits[row] for row in rows],
            flags=[self.flags[row] for row in rows],
            specs=self.specs,
            label_maps=self.label_maps,
        )

    def posterior(self, max_dropped_mass: float) -> TextPosterior:
        """What the text models say, by their own argument: no temperature, no weights.

        Args:
            max_dropped_mass: A text whose model puts more than this outside the taxonomy says nothing.
        """
        said = np.full((len(self.text), len(TAXONOMY)), np.nan)
        says = np.zeros(len(TAXONOMY), dtype=bool)
        for sha in sorted({sha for sha in self.sha256 if sha is not None}):
            rows = [row for row, own in enumerate(self.sha256) if own == sha and self.logits[row]]
            plain = Decision(label_map=self.label_maps[sha], max_dropped_mass=max_dropped_mass)
            outputs = np.array([self.logits[row] for row in rows], dtype=np.float32)
            if rows:
                said[rows] = emotion_posterior(outputs, self.specs[sha], plain)
            says |= _says(self.specs[sha], self.label_maps[sha])
        return TextPosterior(said, says)


def _score_flags(text: str | None, flags: Sequence[str]) -> list[str]:
    failed = [str(Flag.TEXT_FAILED)] if TextFlag.TEXT_FAILED in flags else []
    return [*([] if text else [str(Flag.NO_TEXT)]), *failed]


def _says(spec: ModelSpec, label_map: LabelMap) -> npt.NDArray[np.bool_]:
    """Which emotions a model can say, bool (7,)."""
    reached = {label_map[label.lower()] for label in spec.labels} if spec.kind != "dimensional" else {*TAXONOMY}
    return np.array([emotion in reached for emotion in TAXONOMY])
