"""Writers of labelled sets in every format that Seraph reads, and a comparison of what came of them."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from tasks.labels import LabelledSet


@dataclass(frozen=True)
class Said:
    """What one person says about one segment: a line of a labelled set."""

    media: str = "a.wav"
    start: float = 0.0
    end: float = 1.5
    label: str | None = "sad"
    speaker: str | None = None
    language: str | None = None
    rater: str | None = None
    text: str | None = None


Writer = Callable[[Sequence[Said]], bytes]


def json_lines(said: Sequence[Said]) -> bytes:
    return "\n".join(json.dumps(_older(each), ensure_ascii=False) for each in said).encode()


def json_array(said: Sequence[Said]) -> bytes:
    return json.dumps([_older(each) for each in said], indent=2).encode()


def separated(said: Sequence[Said], delimiter: str = ",") -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, [each.name for each in fields(Said)], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(asdict(each) for each in said)
    return sink.getvalue().encode()


def excel(said: Sequence[Said]) -> bytes:
    """As spreadsheets save CSV: a byte order mark, and semicolons where the comma is decimal."""
    return b"\xef\xbb\xbf" + separated(said, ";")


def utf_16(said: Sequence[Said]) -> bytes:
    return separated(said, "\t").decode().encode("utf-16")


def parquet(said: Sequence[Said]) -> bytes:
    return pd.DataFrame([asdict(each) for each in said]).to_parquet(index=False)


def audformat(said: Sequence[Said]) -> bytes:
    """An index file, start, end with durations, and the label as `emotion`."""
    # With "\n" alone, a carriage return within a text would stand unquoted, and end its line for every reader.
    return _audformat(said).to_csv(lineterminator="\r\n").encode()


def audformat_parquet(said: Sequence[Said]) -> bytes:
    return _audformat(said).to_parquet()


def label_studio(said: Sequence[Said]) -> bytes:
    """The full export: a task for each line, region and choice and transcript joined by the region's id."""
    return json.dumps([_task(number, each) for number, each in enumerate(said)]).encode()


def label_studio_min(said: Sequence[Said]) -> bytes:
    return json.dumps([_minimal(number, each) for number, each in enumerate(said)]).encode()


WRITERS: dict[str, Writer] = {
    "json lines": json_lines,
    "json array": json_array,
    "comma": separated,
    "excel": excel,
    "utf-16": utf_16,
    "parquet": parquet,
    "audformat": audformat,
    "audformat parquet": audformat_parquet,
    "label studio": label_studio,
    "label studio min": label_studio_min,
}


def content(labelled: LabelledSet) -> dict[str, Any]:
    """All that a labelled set says but where it says it: no lines, no name, no hash."""
    columns = ("media", "start_s", "end_s", "truth", "speaker", "language", "text", "key", "ratings", "soft")
    return {
        **{column: getattr(labelled, column).tolist() for column in columns},
        "raters": labelled.raters,
        "counts": labelled.counts,
        "recorded": {kind: np.nan_to_num(values, nan=-1).tolist() for kind, values in labelled.recorded.items()},
        "kinds": sorted(problem.kind for problem in labelled.problems),
    }


def _older(said: Said) -> dict[str, Any]:
    """As the earlier tools wrote them, without the columns that are empty."""
    values = {key: value for key, value in asdict(said).items() if value is not None}
    return {"video": values.pop("media"), "voice_type": "normal", "label": None, **values}


def _audformat(said: Sequence[Said]) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(each) for each in said]).rename(columns={"media": "file", "label": "emotion"})
    for column in ("start", "end"):
        frame[column] = pd.to_timedelta((frame[column] * 1000).round().astype("int64"), unit="ms").astype(
            "timedelta64[ns]"
        )
    return frame.set_index(["file", "start", "end"])


def _task(number: int, said: Said) -> dict[str, Any]:
    span = {"start": said.start, "end": said.end, "channel": 0}
    joined = {"id": f"r{number}", "to_name": "audio", "origin": "manual"}
    result = [{**joined, "from_name": "emotion", "type": "labels", "value": span | {"labels": _listed(said.label)}}]
    if said.text is not None:
        result.append({**joined, "from_name": "words", "type": "textarea", "value": span | {"text": [said.text]}})
    annotation = {"id": number, "completed_by": said.rater, "was_cancelled": False, "result": result}
    return {"id": number, "annotations": [annotation], "data": _data(said), "predictions": []}


def _minimal(number: int, said: Said) -> dict[str, Any]:
    span = {"start": said.start, "end": said.end, "channel": 0}
    words = {} if said.text is None else {"words": [span | {"text": [said.text]}]}
    label = [span | {"labels": _listed(said.label)}]
    return {**_data(said), **words, "id": number, "emotion": label, "annotator": said.rater, "annotation_id": number}


def _data(said: Said) -> dict[str, Any]:
    # As a storage bucket gives it out, signed.
    url = f"https://store.example/{quote(said.media)}?X-Amz-Expires=60&X-Amz-Signature=ab%2Fc"
    return {"audio": url, "speaker": said.speaker, "language": said.language}


def _listed(label: str | None) -> list[str]:
    return [] if label is None else [label]
