"""What candidates have heard and read before: logits by content, so that nothing is inferred twice.

    cache/heard/<candidate>/<number>-<hash>.parquet     logits of labelled segments, by content and span
    cache/media/<number>-<hash>.parquet                 which content an object had: uri, etag, sha256 of its bytes
    cache/transcripts/<key>/<number>-<hash>.parquet     what a Whisper wrote down, by content, span and language
    cache/read/<model>/<number>-<hash>.parquet          logits of a text model, by the text's hash

Files are written once and never changed. Where two speak of the same, the later one holds.
"""

import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa

from infra.shelf import Shelf
from tasks.tables import FLAGS, LOGITS, from_parquet, model_specs, to_parquet, with_specs
from tasks.texts.tables import WORDS

HEARD = pa.schema([("content", pa.string()), ("start_ms", pa.int64()), ("end_ms", pa.int64()), *LOGITS])
"""`start_ms`, `end_ms` as labelled; `start_s`, `end_s` as heard: a label may reach beyond the end of the medium."""

CONTENTS = pa.schema([("uri", pa.string()), ("etag", pa.string()), ("content", pa.string())])

TRANSCRIPTS = pa.schema(
    [
        ("content", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("language", pa.string()),
        ("text", pa.string()),
        ("words", WORDS),
        FLAGS,
    ]
)
"""`language`: what Whisper was told, "" where it was told none. `text`: null where it heard no words."""

READ = pa.schema([("text_hash", pa.string()), ("weights_sha256", pa.string()), ("text_logits", pa.list_(pa.float32()))])

Address = tuple[str, str]
"""URI and etag of an object."""


class HeardCache:
    """The cache on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def contents(self) -> dict[Address, str]:
        """The content hash of every object that was ever read here."""
        table = self._all("cache/media", CONTENTS)
        return {(row["uri"], row["etag"]): row["content"] for row in table.to_pylist()}

    def add_contents(self, contents: Mapping[Address, str]) -> None:
        """Remember which content objects have."""
        rows = [{"uri": uri, "etag": etag, "content": content} for (uri, etag), content in sorted(contents.items())]
        if rows:
            self._put("cache/media", pa.Table.from_pylist(rows, schema=CONTENTS))

    def heard(self, candidate: str) -> pa.Table:
        """All that a candidate has heard: HEARD rows, later ones last, the models' specs in the metadata.

        Args:
            candidate: Hash over all that its logits depend on.
        """
        return self._all(f"cache/heard/{candidate}", HEARD)

    def add_heard(self, candidate: str, rows: pa.Table) -> None:
        """Remember what a candidate heard: HEARD rows, the models' specs in the metadata."""
        if rows.num_rows:
            self._put(f"cache/heard/{candidate}", rows)

    def transcripts(self, whisper: str) -> pa.Table:
        """All that a Whisper has written down: TRANSCRIPTS rows.

        Args:
            whisper: Hash over all that its transcripts depend on.
        """
        return self._all(f"cache/transcripts/{whisper}", TRANSCRIPTS)

    def add_transcripts(self, whisper: str, rows: pa.Table) -> None:
        """Remember what a Whisper wrote down: TRANSCRIPTS rows."""
        if rows.num_rows:
            self._put(f"cache/transcripts/{whisper}", rows)

    def read(self, model: str) -> pa.Table:
        """All that a text model has read: READ rows, the model's spec in the metadata.

        Args:
            model: Hash over all that its logits depend on.
        """
        return self._all(f"cache/read/{model}", READ)

    def add_read(self, model: str, rows: pa.Table) -> None:
        """Remember what a text model read: READ rows, the model's spec in the metadata."""
        if rows.num_rows:
            self._put(f"cache/read/{model}", rows)

    def _all(self, folder: str, schema: pa.Schema) -> pa.Table:
        tables = [from_parquet(self._shelf.get(name)) for name in self._shelf.names(folder)]
        specs = {sha: spec for table in tables for sha, spec in model_specs(table).items()}
        parts: Sequence[pa.Table] = [table.select(schema.names).replace_schema_metadata(None) for table in tables]
        return with_specs(pa.concat_tables([schema.empty_table(), *parts]), specs)

    def _put(self, folder: str, table: pa.Table) -> None:
        data = to_parquet(table)
        number = sum(1 for _ in self._shelf.names(folder))
        name = f"{number:06d}-{hashlib.sha256(data).hexdigest()[:16]}"
        self._shelf.put(f"{folder}/{name}.parquet", data, "application/vnd.apache.parquet")
