"""Text models asked by the text itself: what the cache knows is taken from there, the rest goes through Ray.

A text is read once, however many segments say it. Which text a segment has is find_texts.py's part.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from actors.contract import Medium, ModelSpec, Span
from actors.texts import AskedText, SegmentText, TextFlag, TextWork
from tasks.evaluation.cache import READ, HeardCache
from tasks.evaluation.candidates import Reads
from tasks.hashes import model_hash, short_hash
from tasks.tables import model_specs, with_specs
from tasks.texts.stage import ReadsTexts

_BATCH = 64
"""Texts in one call of a worker."""


class TextModels:
    """The text models of one candidate.

    Args:
        reads: The models.
        precision: As configured: what `auto` comes to is the hardware's, and stands in the spec.
        cache: What was read before.
        pool: Who reads; its models go by their weights_sha256.

    Attributes:
        specs: The models that have answered, by weights_sha256.
        inferred, cached: How many segments' texts were read now, and how many were known.
    """

    def __init__(self, reads: Reads, precision: str, cache: HeardCache, pool: ReadsTexts) -> None:
        assert reads.identity is not None, "asked for only where the models are here"
        self._reads, self._cache, self._pool = reads, cache, pool
        self._found = reads.identity.checkpoints
        self._keys = {each.weights_sha256: short_hash([model_hash(each), precision]) for each in self._found.values()}
        self.specs: dict[str, ModelSpec] = {}
        self.inferred = self.cached = 0

    def read(self, rows: Sequence[SegmentText]) -> list[SegmentText]:
        """The same rows with what the model of each row's language says of its text.

        Raises:
            CheckpointError: A model cannot be loaded.
            RayError: The cluster gives no worker.
        """
        models = [self._model(row) if row.text else None for row in rows]
        answers: dict[str, Mapping[str, SegmentText]] = {}
        for sha in sorted({each for each in models if each is not None}):
            mine = [row.text or "" for row, own in zip(rows, models, strict=True) if own == sha]
            answers[sha] = self._answers(sha, mine)
        return [self._answered(row, sha, answers) for row, sha in zip(rows, models, strict=True)]

    def _model(self, row: SegmentText) -> str | None:
        """weights_sha256 of the model that reads a row's language."""
        key = self._reads.route(row.language)
        return None if key is None else self._found[key].weights_sha256

    def _answers(self, sha: str, texts: Sequence[str]) -> dict[str, SegmentText]:
        """What one model says of texts, by their hash."""
        table = self._cache.read(self._keys[sha])
        self.specs |= model_specs(table)
        rows = zip(table["text_hash"].to_pylist(), table["text_logits"].to_pylist(), strict=True)
        known = {name: SegmentText(name, sha, weights_sha256=sha, logits=tuple(logits)) for name, logits in rows}
        names = [_hash(text) for text in texts]
        fresh = self._fresh(sha, {name: text for name, text in zip(names, texts, strict=True) if name not in known})
        self.cached += sum(name in known for name in names)
        self.inferred += sum(name in fresh and _good(fresh[name]) for name in names)
        return known | fresh

    def _fresh(self, sha: str, texts: Mapping[str, str]) -> dict[str, SegmentText]:
        if not texts:
            return {}
        fresh: dict[str, SegmentText] = {}
        for answer in self._pool.read(list(_batches(sha, texts))):
            self.specs |= answer.specs
            fresh |= {row.segment_id: row for row in answer.rows}
        table = pa.Table.from_pylist(
            [
                {"text_hash": name, "weights_sha256": sha, "text_logits": row.logits}
                for name, row in fresh.items()
                if _good(row)
            ],
            schema=READ,
        )
        self._cache.add_read(self._keys[sha], with_specs(table, self.specs))
        return fresh

    def _answered(
        self, row: SegmentText, sha: str | None, answers: Mapping[str, Mapping[str, SegmentText]]
    ) -> SegmentText:
        if not row.text:
            return row
        if sha is None:
            return replace(row, flags=(*row.flags, TextFlag.NO_TEXT_MODEL))
        said = answers[sha][_hash(row.text)]
        if not _good(said):
            return replace(row, flags=(*row.flags, TextFlag.TEXT_FAILED), reason=said.reason)
        return replace(row, model=self.specs[sha].source, weights_sha256=sha, logits=said.logits)


def _good(row: SegmentText) -> bool:
    return row.logits is not None and TextFlag.TEXT_FAILED not in row.flags


def _batches(sha: str, texts: Mapping[str, str]) -> Iterator[TextWork]:
    """Texts as works of no medium: each is a segment of its own, and its text known already."""
    names = sorted(texts)
    for first in range(0, len(names), _BATCH):
        own = names[first : first + _BATCH]
        asked = tuple(AskedText(name, Span(0.0, 1.0), sha) for name in own)
        yield TextWork(Medium("", "", 0), asked, known={name: texts[name] for name in own})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
