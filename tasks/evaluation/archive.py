"""Where evaluations lie: `evaluations/<id>/`, on a shelf.

evaluation.json        the record: written last, so an evaluation whose record stands is whole
report.html            the page
predictions.parquet    every candidate's answer to every segment, with its logits
evaluations/leaderboard.html    all of them together, written anew by each
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ValidationError

from actors.contract import TAXONOMY
from infra.errors import InputError, ObjectMissing
from infra.shelf import Shelf
from tasks.evaluation.answers import Answers
from tasks.evaluation.gather import Segments
from tasks.evaluation.read import reason
from tasks.evaluation.result import Evaluation, Outputs
from tasks.evaluation.text_answers import TextAnswers
from tasks.numerics.decision import Floats
from tasks.tables import POSTERIOR, from_parquet, to_parquet
from tasks.texts.tables import WORDS, stored_words

AUDIO_POSTERIOR = tuple(f"audio_{name}" for name in POSTERIOR)
TEXT_POSTERIOR = tuple(f"text_{name}" for name in POSTERIOR)
PREDICTIONS = pa.schema(
    [
        ("segment_key", pa.string()),
        ("media", pa.string()),
        ("media_uri", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("labels", pa.string()),
        ("speaker", pa.string()),
        ("language", pa.string()),
        ("truth", pa.string()),
        ("candidate", pa.string()),
        ("heard_in", pa.string()),
        ("weights_sha256", pa.string()),
        ("logits", pa.list_(pa.float32())),
        ("dropped_mass", pa.float32()),
        *((name, pa.float32()) for name in POSTERIOR),
        ("emotion", pa.string()),
        *((name, pa.float64()) for name in AUDIO_POSTERIOR),
        ("text", pa.string()),
        ("text_source", pa.string()),
        ("text_reason", pa.string()),
        ("words", WORDS),
        ("text_weights_sha256", pa.string()),
        ("text_logits", pa.list_(pa.float32())),
        *((name, pa.float64()) for name in TEXT_POSTERIOR),
    ]
)
"""One row a segment and candidate; `emotion` and the posterior are null where undecided, `logits` where not scored.

`audio_p_*`, `text_p_*`: by the audio alone and by the text alone, before any decision; null where there is none.
`text_reason`: why no text model answered; null where one did, and where the candidate does not read."""

_log = logging.getLogger(__name__)
_HTML = "text/html; charset=utf-8"


class Archive:
    """The evaluations on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def outputs(self, evaluation_id: str) -> Outputs:
        """Where the files of an evaluation lie, or will."""
        return Outputs(
            **{
                name: self._shelf.address(_name(evaluation_id, file))
                for name, file in (
                    ("report", "report.html"),
                    ("evaluation", "evaluation.json"),
                    ("predictions", "predictions.parquet"),
                )
            }
        )

    def save(self, evaluation: Evaluation, page: str, predictions: pa.Table) -> None:
        """Store an evaluation; its record comes last."""
        name = evaluation.evaluation_id
        self._shelf.put(_name(name, "predictions.parquet"), to_parquet(predictions), "application/vnd.apache.parquet")
        self._shelf.put(_name(name, "report.html"), page.encode(), _HTML)
        record = evaluation.model_dump_json(indent=1).encode()
        self._shelf.put(_name(name, "evaluation.json"), record, "application/json")

    def save_leaderboard(self, draw: Callable[[Sequence[Evaluation]], str]) -> str:
        """Draw all evaluations together, store the page, and say where."""
        return self._shelf.put("evaluations/leaderboard.html", draw(self.history()).encode(), _HTML)

    def history(self, limit: int = 200) -> list[Evaluation]:
        """The stored evaluations, the newest first; older ones than the `limit` newest are left out."""
        names = sorted((each for each in self._shelf.names("evaluations") if _is_record(each)), reverse=True)
        found = (self._read(each) for each in names[:limit])
        return [each for each in found if each is not None]

    def get(self, evaluation_id: str) -> Evaluation:
        """One stored evaluation.

        Raises:
            InputError: There is none of this id.
        """
        try:
            return Evaluation.model_validate_json(self._shelf.get(_name(evaluation_id, "evaluation.json")))
        except ObjectMissing as error:
            raise InputError(f"there is no evaluation {evaluation_id!r}: see `seraph evaluate --history`") from error
        except ValidationError as error:
            raise InputError(
                f"the record of evaluation {evaluation_id!r} cannot be read; expected what this version writes: {error}"
            ) from error

    def _read(self, name: str) -> Evaluation | None:
        try:
            return Evaluation.model_validate_json(self._shelf.get(name))
        except (ValidationError, ObjectMissing) as error:
            # One record that is damaged, or of another version, must not spoil all evaluations after it.
            _log.warning("%s is left out of the history: %s", self._shelf.address(name), error)
            return None

    def predictions(self, evaluation_id: str) -> pd.DataFrame:
        """Every candidate's answer to every segment of a stored evaluation: PREDICTIONS as a frame.

        Columns that an earlier version did not write are null.

        Raises:
            InputError: There is none of this id.
        """
        self.get(evaluation_id)
        table = from_parquet(self._shelf.get(_name(evaluation_id, "predictions.parquet")))
        for field in PREDICTIONS:
            if field.name not in table.column_names:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        return cast(pd.DataFrame, table.to_pandas())


def predictions_table(segments: Segments, answers: Sequence[Answers]) -> pa.Table:
    """Every candidate's answer to every segment: PREDICTIONS rows."""
    shared = _of_segments(segments)
    return pa.concat_tables([PREDICTIONS.empty_table(), *(_rows(shared, each) for each in answers)])


def _of_segments(segments: Segments) -> dict[str, pa.Array]:
    """The columns that are the same for all candidates."""
    columns: dict[str, list[Any]] = {
        "segment_key": segments.key.tolist(),
        "media": segments.media.tolist(),
        "media_uri": segments.uri.tolist(),
        "start_s": segments.start_s.tolist(),
        "end_s": segments.end_s.tolist(),
        "labels": segments.origin.tolist(),
        "speaker": segments.speaker.tolist(),
        "language": segments.language.tolist(),
        "truth": [TAXONOMY[code] for code in segments.truth.tolist()],
    }
    return {name: pa.array(values, PREDICTIONS.field(name).type) for name, values in columns.items()}


def _rows(shared: Mapping[str, pa.Array], answers: Answers) -> pa.Table:
    n = len(answers.posterior)
    prediction = answers.prediction
    undecided = prediction < 0
    heard = answers.heard_as or (None,) * n
    columns = {
        **shared,
        "candidate": [answers.name] * n,
        "heard_in": [each[0] or None if each else None for each in heard],
        "weights_sha256": [each[1] if each else None for each in heard],
        "logits": list(answers.logits) or [None] * n,
        "dropped_mass": pa.array(answers.dropped.astype(np.float32), mask=np.isnan(answers.dropped)),
        **{
            name: pa.array(answers.posterior[:, column].astype(np.float32), mask=undecided)
            for column, name in enumerate(POSTERIOR)
        },
        "emotion": [None if code < 0 else TAXONOMY[code] for code in prediction.tolist()],
        **_apart(AUDIO_POSTERIOR, answers.audio, n),
        **_apart(TEXT_POSTERIOR, answers.text.posterior if answers.text else None, n),
        **_texts(answers.text, n),
    }
    return pa.table(columns, schema=PREDICTIONS)


def _apart(names: Sequence[str], posterior: Floats | None, n: int) -> dict[str, pa.Array]:
    """A posterior over the taxonomy, (n, 7) with NaN rows, as columns."""
    given = np.full((n, len(TAXONOMY)), np.nan) if posterior is None else posterior
    none = np.isnan(given).any(axis=1)
    return {name: pa.array(given[:, column], mask=none) for column, name in enumerate(names)}


def _texts(text: TextAnswers | None, n: int) -> dict[str, list[Any]]:
    """What was read, in columns."""
    rows = text.read.rows if text else (None,) * n
    return {
        "text": [row and row.text for row in rows],
        "text_source": [row and row.source for row in rows],
        "text_reason": [reason(row) if text else None for row in rows],
        "words": [row and stored_words(row.words) for row in rows],
        "text_weights_sha256": [row and row.weights_sha256 for row in rows],
        "text_logits": [row and row.logits for row in rows],
    }


def _name(evaluation_id: str, file: str) -> str:
    return f"evaluations/{evaluation_id}/{file}"


def _is_record(name: str) -> bool:
    return name.endswith("/evaluation.json") and name.count("/") == 2
