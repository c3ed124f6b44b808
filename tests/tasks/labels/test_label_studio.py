"""tasks/labels/label_studio.py: both exports, what is left out, and the names behind audio URLs."""

import json
from typing import Any

import pytest

from actors.contract import TAXONOMY
from tasks.labels import LabelledSet, read_labelled
from tasks.labels.label_studio import media_name, strip_upload


def _region(name: str, start: float, end: float, **value: Any) -> dict[str, Any]:
    kind = next(iter(value))
    span = {"start": start, "end": end, "channel": 0}
    return {"id": name, "from_name": kind, "to_name": "audio", "type": kind, "value": span | value}


def _task(*annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 17, "annotations": list(annotations), "data": {"audio": "s3://b/a.wav"} | data, "predictions": [1]}


def _by(rater: Any, *result: dict[str, Any], cancelled: bool = False) -> dict[str, Any]:
    return {"id": 1, "completed_by": rater, "was_cancelled": cancelled, "result": list(result), "ground_truth": False}


def _read(*tasks: dict[str, Any]) -> LabelledSet:
    return read_labelled(json.dumps(list(tasks)).encode(), "export.json", max_problems_share=1.0)


def _emotions(labelled: LabelledSet) -> list[str]:
    return [TAXONOMY[code] for code in labelled.truth]


def test_what_several_annotators_say_of_a_region_are_ratings_of_one_segment() -> None:
    sad, angry = _region("r", 0, 1, labels=["Sad"]), _region("q", 0, 1, labels=["Angry"])
    labelled = _read(_task(_by(1, sad), _by({"id": 2, "email": "b@x.org"}, angry), _by(3, angry)))
    assert labelled.raters == ("1", "3", "b@x.org")
    assert _emotions(labelled) == ["angry"]
    assert labelled.media.tolist() == ["s3://b/a.wav"]


def test_annotations_that_were_cancelled_or_are_empty_and_predictions_are_left_out() -> None:
    sad, fear = _region("r", 0, 1, labels=["sad"]), _region("r", 2, 3, labels=["fear"])
    labelled = _read(_task(_by(1, sad), _by(2, fear, cancelled=True), _by(3)))
    assert _emotions(labelled) == ["sad"]
    assert labelled.problems == ()


def test_a_choice_and_a_transcript_belong_to_their_region_beside_a_label_of_another_kind() -> None:
    speech = _region("r", 0, 1, labels=["Speech"])
    labelled = _read(
        _task(_by(1, speech, _region("r", 0, 1, choices=["기쁨"]), _region("r", 0, 1, text=["안녕"])), speaker="s1")
    )
    assert _emotions(labelled) == ["happy"]
    assert (labelled.text[0], labelled.speaker[0]) == ("안녕", "s1")


def test_a_region_without_an_emotion_is_rejected_and_one_with_two_is_conflicting() -> None:
    labelled = _read(
        _task(
            _by(
                1,
                _region("a", 0, 1, labels=["Speech", "Music"]),
                _region("b", 1, 2, choices=["sad", "angry"]),
                _region("c", 2, 3, labels=["sad"]),
            )
        )
    )
    assert [problem.kind.value for problem in labelled.problems] == ["label_outside", "conflicting_labels"]
    assert (labelled.counts.rejected, labelled.counts.conflicting) == (1, 1)


def test_a_label_for_the_whole_recording_is_told_with_its_task() -> None:
    whole = {"id": "x", "type": "choices", "value": {"choices": ["sad"]}}
    labelled = _read(_task(_by(1, whole)), _task(_by(1, _region("r", 0, 1, labels=["sad"]))))
    (problem,) = labelled.problems
    assert problem.text == "task 17 has a label without a region: start and end are needed"


def test_a_plain_line_that_names_its_annotator_is_no_export() -> None:
    plain = {"video": "a.wav", "start": 0, "end": 1, "label": "fear", "annotator": "ann"}
    assert _emotions(_read(plain)) == ["fear"]


def test_the_minimal_export_joins_what_stands_at_the_same_time() -> None:
    span = {"start": 0.5, "end": 2, "channel": 0, "original_length": 9}
    task = {
        "audio": "/data/upload/3/1a2b3c4d-one%20two.wav",
        "id": 1,
        "kind": [span | {"labels": ["Speech"]}],
        "emotion": [span | {"choices": ["fear"]}],
        "words": [span | {"text": ["hm"]}],
        "annotator": 5,
        "annotation_id": 9,
        "lead_time": 3.2,
    }
    labelled = _read(task)
    assert (_emotions(labelled), labelled.text.tolist()) == (["fear"], ["hm"])
    assert labelled.media.tolist() == ["1a2b3c4d-one two.wav"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a b.wav", "a b.wav"),
        ("s3://bucket/하나/a#1.wav", "s3://bucket/하나/a#1.wav"),
        ("s3://bucket/a.wav?X-Amz-Signature=0", "s3://bucket/a.wav"),
        ("https://store.example/bucket/x/a%20b.wav?X-Amz-Date=2&X-Amz-Signature=3", "bucket/x/a b.wav"),
        ("/data/upload/12/1a2b3c4d-a.wav", "1a2b3c4d-a.wav"),
        ("https://labels.example/data/upload/12/1a2b3c4d-a.wav", "1a2b3c4d-a.wav"),
        ("/data/local-files/?d=show/ep%201.wav", "show/ep 1.wav"),
        ("https://[broken", "https://[broken"),
        (None, None),
        (7, None),
    ],
)
def test_the_medium_behind_a_url_is_its_path_without_server_and_query(source: Any, name: str | None) -> None:
    assert media_name(source) == name


def test_only_the_prefix_of_an_upload_is_stripped() -> None:
    assert strip_upload("1a2b3c4d-a.wav") == "a.wav"
    assert [strip_upload(name) for name in ("season01-a.wav", "1a2b3c4d-", "a.wav")] == [
        "season01-a.wav",
        "1a2b3c4d-",
        "a.wav",
    ]
