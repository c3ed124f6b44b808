"""Segments to label, and what an annotator makes of the tasks: exports as Label Studio publishes its format."""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.contract import TAXONOMY
from tasks.labelling.reasons import Why
from tasks.labelling.segment import ToLabel
from tasks.report.words import Text

WHY = Why("random", Text("Drawn at random.", "무작위로 뽑았습니다."), 0.125)


def to_label(
    number: int = 0, uri: str = "s3://media/쇼/a b.wav", emotion: str | None = "angry", **changes: Any
) -> ToLabel:
    """The `number`-th segment of a medium: four seconds from second 20 · number on."""
    rest = 0.4 / (len(TAXONOMY) - 1)
    values: dict[str, Any] = {
        "segment_id": f"{number:032x}",
        "uri": uri,
        "start_s": 20.0 * number,
        "end_s": 20.0 * number + 4.0,
        "language": "ko",
        "model": "models/korean",
        "decision": "0123456789abcdef",
        "emotion": emotion,
        "confidence": None if emotion is None else 0.6,
        "posterior": {each: 0.6 if each == emotion else rest for each in TAXONOMY} if emotion else {},
        "text": None,
        "why": WHY,
    }
    return ToLabel(**(values | changes))


def annotated(
    tasks: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, str | None]], *, signed: str = "?X-Amz-Signature=1"
) -> list[dict[str, Any]]:
    """The full JSON export of a project: `said` has, for each task, what each annotator chose; None is a skip.

    An annotation starts from the prediction: its regions stay, its choices are replaced.
    """
    export = []
    for number, (task, answers) in enumerate(zip(tasks, said, strict=True), start=1):
        data = dict(task["data"]) | {"audio": task["data"]["audio"].partition("?")[0] + signed}
        annotations = [_annotation(task, rater, choice) for rater, choice in answers.items()]
        export.append(
            {"id": number, "data": data, "annotations": annotations, "predictions": [number], "meta": {}, "project": 3,
             "file_upload": None, "drafts": [], "created_at": "2026-03-01T10:00:00.000000Z", "total_annotations": 1}
        )  # fmt: skip
    return export


def minimal(tasks: Sequence[Mapping[str, Any]], choices: Sequence[str], rater: int = 7) -> list[dict[str, Any]]:
    """The JSON-MIN export: the data and what each control holds, side by side."""
    export = []
    for number, (task, choice) in enumerate(zip(tasks, choices, strict=True), start=1):
        regions = [each["value"] for each in task["predictions"][0]["result"] if each["type"] == "labels"]
        spans = [{key: value for key, value in each.items() if key != "labels"} for each in regions]
        controls = {"segment": regions, "emotion": [span | {"choices": [choice]} for span in spans]}
        export.append(dict(task["data"]) | controls | {"id": number, "annotator": rater, "annotation_id": number})
    return export


def _annotation(task: Mapping[str, Any], rater: str, choice: str | None) -> dict[str, Any]:
    regions = [each for each in task["predictions"][0]["result"] if each["type"] == "labels"]
    result = []
    for region in regions:
        span = {key: value for key, value in region["value"].items() if key != "labels"}
        value = {"id": region["id"], "from_name": "emotion", "to_name": "audio", "type": "choices", "origin": "manual"}
        result += [region | {"origin": "prediction"}, value | {"value": span | {"choices": [choice]}}]
    return {
        "id": 1, "completed_by": {"id": 1, "email": rater}, "result": result if choice else [], "lead_time": 4.2,
        "was_cancelled": choice is None, "ground_truth": False, "result_count": len(result), "task": 1,
    }  # fmt: skip
