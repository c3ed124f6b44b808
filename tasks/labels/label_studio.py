"""Exports of Label Studio, JSON and JSON-MIN, flattened: one record a labelled region of a recording.

The formats are described at https://labelstud.io/guide/export and https://labelstud.io/guide/task_format. Regions are
those of the controls Labels, Choices (per region) and TextArea; what one annotator said about one region is one record.
Annotations that were cancelled, and predictions, are left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tasks.labels.problems import Problem, ProblemKind, shown

MEDIA_URI = "media_uri"
"""Key of a task's data that names the medium whatever the audio's address looks like: our own tasks have it."""

_AUDIO = (MEDIA_URI, "audio", "video", "media", "file", "sound", "url")
_PASSED_ON = ("speaker", "language", "text", "pick")
_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""


def is_task(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a task of either export, or an annotation of a target storage."""
    minimal = ("annotation_id" in record or "annotator" in record) and "start" not in record
    return minimal or _is_stored(record) or ("annotations" in record and isinstance(record.get("data"), dict))


def flatten(task: Mapping[str, Any], line: int) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
    """The labelled regions of a task.

    Args:
        task: Of either export, or an annotation of a target storage.
        line: Where it begins in the file.
    """
    if _is_stored(task):
        task = {**task["task"], "annotations": [task]}
    full = "annotations" in task and isinstance(task.get("data"), dict)
    data = task["data"] if full else task
    common = {"media": media_name(_source(data))} | {
        key: data[key] for key in _PASSED_ON if isinstance(data.get(key), str)
    }
    for rater, regions in _annotations(task) if full else [(task.get("annotator"), _minimal_regions(task))]:
        if not regions:
            text = f"task {shown(task.get('id'))} has a label without a region: start and end are needed"
            yield Problem(line, ProblemKind.NOT_A_NUMBER, text)
        for region in regions:
            yield line, common | {"rater": _rater(rater)} | region


def _is_stored(record: Mapping[str, Any]) -> bool:
    """Whether it is one annotation with its task inside, as Label Studio writes it into a target storage."""
    task = record.get("task")
    return "result" in record and isinstance(task, dict) and isinstance(task.get("data"), dict)


def media_name(source: Any) -> str | None:
    """The medium that an audio URL means: without server and query; of an upload the file's name, prefix and all."""
    if not isinstance(source, str):
        return None
    try:
        parts = urlsplit(source)
        local = parse_qs(parts.query).get("d", [""])[0] if "/local-files" in parts.path else ""
    except ValueError:
        return source
    if local:
        return local
    if "/upload/" in parts.path and parts.scheme in ("", "http", "https"):
        return unquote(parts.path).rsplit("/", 1)[1]
    if parts.scheme in ("http", "https"):
        return unquote(parts.path).lstrip("/")
    return source.partition("?X-Amz-")[0]


def strip_upload(leaf: str) -> str:
    """A file's name without the prefix of an upload, if it has one: `1a2b3c4d-one.wav` is `one.wav`."""
    return _UPLOAD.sub("", leaf)


def _source(data: Mapping[str, Any]) -> Any:
    named = next((data[key] for key in _AUDIO if data.get(key)), None)
    if named is not None:
        return named
    texts = [value for value in data.values() if isinstance(value, str)]
    return texts[0] if len(texts) == 1 else None


def _rater(completed_by: Any) -> Any:
    if isinstance(completed_by, dict):
        return completed_by.get("email") or completed_by.get("id")
    return completed_by


def _annotations(task: Mapping[str, Any]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """What each annotator said: (completed_by, regions). One who said nothing is left out."""
    annotations = task["annotations"]
    for annotation in annotations if isinstance(annotations, list) else []:
        if isinstance(annotation, dict) and annotation.get("result") and not annotation.get("was_cancelled"):
            results = [each for each in _list(annotation["result"]) if isinstance(each, dict)]
            values = [(each.get("id"), each["value"]) for each in results if isinstance(each.get("value"), dict)]
            yield annotation.get("completed_by"), _regions(values)


def _minimal_regions(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    lists = [value for value in task.values() if isinstance(value, list)]
    return _regions([(None, value) for values in lists for value in values if isinstance(value, dict)])


def _regions(values: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Regions from the values of the controls, joined by id, or by start and end where there is none."""
    regions: dict[str, dict[str, Any]] = {}
    for name, value in values:
        if "start" not in value or "end" not in value:
            continue
        key = repr((value["start"], value["end"])) if name is None else str(name)
        region = regions.setdefault(key, {"start": value["start"], "end": value["end"], "label": []})
        region["label"] += [*_list(value.get("choices")), *_list(value.get("labels"))]
        if texts := [each for each in _list(value.get("text")) if isinstance(each, str)]:
            region["text"] = " ".join(texts)
    return list(regions.values())


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
