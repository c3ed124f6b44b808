"""The tables: their columns, and how rows are made from results. One row per segment (quarantine: per fault).

Formats are relied upon from outside: columns are added, never renamed. Where the files lie is tasks/store.py.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from actors.contract import TAXONOMY, Flag, MediumResult, ModelSpec, Rejection
from tasks.numerics.alarms import information, uniform_bound
from tasks.numerics.decision import Decision, decide, own_posterior

if TYPE_CHECKING:
    from tasks.texts.tables import TextDecisions, Texts

KEYS = pa.schema(
    [
        ("media_uri", pa.string()),
        ("media_etag", pa.string()),
        ("segment_id", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("language", pa.string()),
        ("language_confidence", pa.float32()),
        ("language_margin", pa.float32()),
        ("language_top", pa.string()),
        ("model", pa.string()),
        ("weights_sha256", pa.string()),
        ("precision", pa.string()),
    ]
)
"""What `logits` and `scores` share, in this order."""

FLAGS = pa.field("flags", pa.list_(pa.string()))
LOGITS = pa.schema([*KEYS, ("logits", pa.list_(pa.float32())), FLAGS])
POSTERIOR = tuple(f"p_{emotion}" for emotion in TAXONOMY)
SCORES = pa.schema(
    [
        *KEYS,
        ("run_id", pa.string()),
        ("decision", pa.string()),
        ("dropped_mass", pa.float32()),
        *((name, pa.float32()) for name in POSTERIOR),
        ("emotion", pa.string()),
        ("confidence", pa.float32()),
        ("entropy", pa.float32()),
        FLAGS,
        ("label", pa.string()),
        ("information", pa.float32()),
        ("text", pa.string()),
        ("emotion_audio", pa.string()),
        ("emotion_text", pa.string()),
    ]
)
"""`label`: what the model itself put first, by its own name for it. `information`: how far its own posterior is from
saying nothing, in nats (see `tasks.numerics.alarms`). The last three are null unless texts were asked for: what is
said, and the emotion by the audio alone and by the text alone."""

SCORES_VERSION = 4
"""Raised when the same logits and decision come out otherwise, or in other columns: part of a decision's name."""

QUARANTINE = pa.schema(
    [(name, pa.string()) for name in ("run_id", "media_uri", "media_etag", "segment_id", "stage", "reason", "detail")]
)

_SPECS = b"seraph.models"
"""Key of the Parquet metadata that holds every model's spec, by weights_sha256: what re-deciding needs."""


def logits_table(results: Iterable[MediumResult], specs: Mapping[str, ModelSpec]) -> pa.Table:
    """The `logits` rows of these media, with the specs of their models (by weights_sha256) in the metadata."""
    rows = [
        {
            "media_uri": result.medium.uri,
            "media_etag": result.medium.etag,
            "segment_id": row.segment_id,
            "start_s": row.span.start_s,
            "end_s": row.span.end_s,
            "language": row.language.language,
            "language_confidence": row.language.confidence,
            "language_margin": row.language.margin,
            "language_top": row.language.top,
            "model": row.model,
            "weights_sha256": row.weights_sha256,
            "precision": row.precision,
            "logits": row.logits,
            "flags": [str(flag) for flag in row.flags],
        }
        for result in results
        for row in result.rows
    ]
    return with_specs(pa.Table.from_pylist(rows, schema=LOGITS), specs)


def quarantine_table(rejections: Iterable[Rejection], run_id: str) -> pa.Table:
    """The `quarantine` rows of these faults."""
    rows = [
        {
            "run_id": run_id,
            "media_uri": each.medium.uri,
            "media_etag": each.medium.etag,
            "segment_id": each.segment_id,
            "stage": str(each.stage),
            "reason": str(each.reason),
            "detail": each.detail,
        }
        for each in rejections
    ]
    return pa.Table.from_pylist(rows, schema=QUARANTINE)


def scores_table(logits: pa.Table, decisions: "Decisions", run_id: str, texts: "Texts | None" = None) -> pa.Table:
    """Decide a `logits` table: the `scores` rows, in the same order. The specs in its metadata stand in for models.

    Args:
        logits: The rows to decide.
        decisions: The decision of each language. Rows bear its name, without texts `heard_name`.
        run_id: Who decides.
        texts: What is known of the texts of these rows, where it is known.
    """
    specs = model_specs(logits)
    name = decisions.heard_name if texts is None else decisions.name
    pieces = []
    for sha, language in sorted(
        set(zip(*(logits[name].to_pylist() for name in ("weights_sha256", "language")), strict=True))
    ):
        chosen = _where(logits, weights_sha256=sha, language=language)
        said = None if texts is None else texts.take(chosen)
        rows = _decided(logits.take(chosen), specs[sha], decisions.of(language), name, run_id, said)
        pieces.append((chosen, rows))
    if not pieces:
        return SCORES.empty_table()
    order = np.argsort(np.concatenate([chosen for chosen, _ in pieces]))
    return pa.concat_tables([piece for _, piece in pieces]).take(order)


def with_specs(logits: pa.Table, specs: Mapping[str, ModelSpec], column: str = "weights_sha256") -> pa.Table:
    """The table with the specs of the models that its rows name in the metadata, for `model_specs`."""
    used = set(logits[column].to_pylist()) if column in logits.column_names else set()
    stored = json.dumps({sha: asdict(spec) for sha, spec in specs.items() if sha in used}, sort_keys=True)
    return logits.replace_schema_metadata({_SPECS: stored})


def model_specs(logits: pa.Table) -> dict[str, ModelSpec]:
    """The models that a `logits` table came from, by weights_sha256."""
    stored = json.loads((logits.schema.metadata or {}).get(_SPECS, b"{}"))
    return {sha: ModelSpec(**{**spec, "labels": tuple(spec["labels"])}) for sha, spec in stored.items()}


def to_parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file, zstd-compressed; the same table gives the same bytes."""
    sink = BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def from_parquet(data: bytes) -> pa.Table:
    """The table of a Parquet file's bytes."""
    return pq.read_table(BytesIO(data))


class Decisions:
    """The decision of each language, under one name (the hash that stands in paths and rows).

    Attributes:
        name: With texts, where they are asked for: another hash, which covers what they depend on.
        heard_name: By audio alone. The same where nobody asks for texts.
        text: What is to be known of texts, where they are asked for.
    """

    def __init__(
        self, name: str, default: Decision, by_language: Mapping[str, Decision], text: "TextDecisions | None" = None
    ) -> None:
        self.heard_name = name
        self.name = text.name if text else name
        self.text = text
        self._default = default
        self._by_language = dict(by_language)

    @property
    def names(self) -> tuple[str, str]:
        """Where scores are looked for: with texts, and by audio alone."""
        return self.name, self.heard_name

    def of(self, language: str) -> Decision:
        """The decision for segments in `language`."""
        return self._by_language.get(language, self._default)


def _where(table: pa.Table, **equals: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    chosen = np.ones(table.num_rows, dtype=bool)
    for name, value in equals.items():
        chosen &= table[name].to_numpy() == value
    return np.flatnonzero(chosen)


def _decided(
    logits: pa.Table, spec: ModelSpec, decision: Decision, name: str, run_id: str, texts: "Texts | None"
) -> pa.Table:
    """The `scores` rows of segments that one model heard in one language."""
    outputs = np.array(logits["logits"].to_pylist(), dtype=np.float32)
    read = None if texts is None else texts.posterior(decision.max_dropped_mass)
    # At a weight of 1 text has no say at all, not even for emotions that the audio model cannot say.
    decided = decide(outputs, spec, decision, read if decision.audio_weight < 1 else None)
    own, labels = own_posterior(outputs, spec)
    said = information(own)
    lost = decided.undecided
    columns: dict[str, Any] = {key: logits[key] for key in KEYS.names}
    columns |= {"run_id": [run_id] * logits.num_rows, "decision": [name] * logits.num_rows}
    columns |= {"dropped_mass": decided.dropped_mass}
    columns |= {column: _nullable(decided.posterior[:, index], lost) for index, column in enumerate(POSTERIOR)}
    columns |= {"emotion": decided.emotions, "confidence": _nullable(decided.confidence, lost)}
    columns |= {"entropy": _nullable(decided.entropy, lost)}
    columns |= {"label": [labels[index] for index in own.argmax(axis=1)], "information": said}
    uniform = said < uniform_bound(len(labels))
    columns |= {"flags": _score_flags(logits["flags"].to_pylist(), spec, undecided=lost, uniform=uniform)}
    columns |= dict.fromkeys(("text", "emotion_audio", "emotion_text"), [None] * logits.num_rows)
    if texts is not None and read is not None:
        columns |= {"text": texts.text, "emotion_audio": decide(outputs, spec, decision).emotions}
        columns |= {"emotion_text": top_emotions(read.posterior)}
        columns["flags"] = [[*own, *more] for own, more in zip(columns["flags"], texts.flags, strict=True)]
    return pa.table([pa.chunked_array([_array(columns[field.name], field.type)]) for field in SCORES], schema=SCORES)


def top_emotions(posterior: np.ndarray[Any, np.dtype[np.float64]]) -> list[str | None]:
    """The emotion that each row of a posterior, (n, 7), puts first; None where the row is NaN."""
    lost = np.isnan(posterior).any(axis=1)
    return [None if none else TAXONOMY[best] for best, none in zip(posterior.argmax(axis=1), lost, strict=True)]


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, type=kind)


def _nullable(values: np.ndarray[Any, np.dtype[np.float64]], null: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    return pa.array(values.astype(np.float32), mask=null)


def _score_flags(
    flags: Sequence[Sequence[str]],
    spec: ModelSpec,
    *,
    undecided: np.ndarray[Any, np.dtype[np.bool_]],
    uniform: np.ndarray[Any, np.dtype[np.bool_]],
) -> list[list[str]]:
    of_model = [str(Flag.DEMO_MODEL)] if spec.demo else []
    of_model += [str(Flag.MAPPED_FROM_DIMENSIONS)] if spec.kind == "dimensional" else []
    return [
        [*own, *of_model, *([str(Flag.UNDECIDED)] if lost else []), *([str(Flag.NEAR_UNIFORM)] if flat else [])]
        for own, lost, flat in zip(flags, undecided, uniform, strict=True)
    ]
