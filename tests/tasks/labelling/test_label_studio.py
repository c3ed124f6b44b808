"""tasks/labelling/label_studio.py: tasks as Label Studio reads them, and what comes back of them."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from actors.contract import TAXONOMY
from tasks.labelling.label_studio import interface, tasks_of
from tasks.labels import LabelledSet, read_labelled
from tests.support.labelling import annotated, minimal, to_label

SEGMENTS = [to_label(0), to_label(1), to_label(2, emotion=None), to_label(0, "s3://media/b.mp4")]


def _address(uri: str) -> str:
    return f"https://store.example/{uri.removeprefix('s3://')}?X-Amz-Signature=0"


def _tasks(**options: Any) -> list[dict[str, Any]]:
    return list(tasks_of(SEGMENTS, _address, **options))


def _read(export: object) -> LabelledSet:
    return read_labelled(json.dumps(export).encode(), "export.json")


def test_a_task_has_the_region_with_its_times_and_the_predicted_emotion_with_its_confidence() -> None:
    task = _tasks()[1]
    (prediction,) = task["predictions"]
    region, choice = prediction["result"]
    assert task["data"]["audio"] == "https://store.example/media/쇼/a b.wav?X-Amz-Signature=0"
    assert (prediction["model_version"], prediction["score"]) == ("models/korean (01234567)", 0.6)
    assert (region["type"], region["from_name"], region["to_name"]) == ("labels", "segment", "audio")
    assert region["value"] == {"start": 20.0, "end": 24.0, "channel": 0, "labels": ["Speech"]}
    assert (choice["type"], choice["from_name"], choice["id"]) == ("choices", "emotion", region["id"])
    assert choice["value"] == {"start": 20.0, "end": 24.0, "channel": 0, "choices": ["angry"]}


def test_why_a_segment_was_picked_is_in_the_task_and_not_in_what_the_annotator_sees() -> None:
    data = _tasks()[0]["data"]
    assert (data["pick"], data["reason"], data["reason_ko"]) == ("random", "Drawn at random.", "무작위로 뽑았습니다.")
    assert "reason" not in interface()


def test_an_undecided_segment_has_a_region_and_no_choice() -> None:
    (prediction,) = _tasks()[2]["predictions"]
    assert [each["type"] for each in prediction["result"]] == ["labels"]
    assert "score" not in prediction


def test_blind_tasks_say_where_to_listen_and_nothing_of_what_a_model_says() -> None:
    text = json.dumps(_tasks(blind=True), ensure_ascii=False)
    assert "Speech" in text
    assert '"pick": "random"' in text
    for word in ("angry", "0.6", "models/korean", "reason", "predicted_emotion"):
        assert word not in text


def test_a_task_by_medium_has_all_its_segments_as_regions() -> None:
    first, second = _tasks(per="medium")
    assert [each["value"]["start"] for each in first["predictions"][0]["result"]] == [0.0, 0.0, 20.0, 20.0, 40.0]
    assert second["data"] == {"audio": _address("s3://media/b.mp4"), "media_uri": "s3://media/b.mp4"}


def test_what_annotators_say_of_the_tasks_comes_back_as_labels_of_the_same_segments() -> None:
    said = [
        {"ann@x.org": "sad", "bob@x.org": "fear", "eve@x.org": "sad"},
        {"ann@x.org": "happy"},
        {"ann@x.org": "neutral", "bob@x.org": None},
        {"ann@x.org": None},
    ]
    labelled = _read(annotated(_tasks(), said))
    assert labelled.media.tolist() == [segment.uri for segment in SEGMENTS[:3]]
    assert labelled.start_s.tolist() == [segment.start_s for segment in SEGMENTS[:3]]
    assert labelled.end_s.tolist() == [segment.end_s for segment in SEGMENTS[:3]]
    assert [TAXONOMY[code] for code in labelled.truth] == ["sad", "happy", "neutral"]
    assert labelled.raters == ("ann@x.org", "bob@x.org", "eve@x.org")
    assert labelled.pick.tolist() == ["random"] * 3
    assert labelled.language.tolist() == ["ko"] * 3
    assert labelled.problems == ()


@pytest.mark.parametrize("options", [{"per": "segment"}, {"per": "medium"}, {"blind": True}])
def test_every_kind_of_task_comes_back(options: dict[str, Any]) -> None:
    tasks = _tasks(**options)
    labelled = _read(annotated(tasks, [{"ann": "disgust"}] * len(tasks)))
    assert list(zip(labelled.media, labelled.start_s, strict=True)) == [(each.uri, each.start_s) for each in SEGMENTS]


def test_the_minimal_export_comes_back_too() -> None:
    labelled = _read(minimal(_tasks(), ["sad", "fear", "happy", "neutral"]))
    assert labelled.media.tolist() == [segment.uri for segment in SEGMENTS]
    assert [TAXONOMY[code] for code in labelled.truth] == ["sad", "fear", "happy", "neutral"]
    assert labelled.pick.tolist() == ["random"] * 4


def test_an_annotation_that_label_studio_stored_by_itself_comes_back() -> None:
    task, cancelled = annotated(_tasks()[:2], [{"ann@x.org": "sad"}, {"ann@x.org": None}])
    stored = [each["annotations"][0] | {"task": {"id": 7, "data": each["data"]}} for each in (task, cancelled)]
    labelled = read_labelled("\n".join(map(json.dumps, stored)).encode(), "17")
    assert (labelled.media.tolist(), labelled.start_s.tolist()) == ([SEGMENTS[0].uri], [0.0])
    assert [TAXONOMY[code] for code in labelled.truth] == ["sad"]


def test_the_interface_has_the_controls_of_the_tasks_and_every_emotion() -> None:
    root = ET.fromstring(interface())
    controls = {each.get("name"): each for each in root.iter() if each.get("name")}
    (task,) = tasks_of([to_label()], _address)
    for result in task["predictions"][0]["result"]:
        assert controls[result["from_name"]].tag.lower() == result["type"]
        assert controls[result["from_name"]].get("toName") == result["to_name"]
    assert controls["audio"].get("value") == "$audio"
    assert [each.get("value") for each in controls["emotion"]] == list(TAXONOMY)
    assert controls["emotion"].get("perRegion") == "true"
