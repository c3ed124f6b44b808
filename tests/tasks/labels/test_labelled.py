"""tasks/labels/labelled.py: rows that are taken together, and names of segments."""

import json
from dataclasses import fields

import numpy as np
import pytest

from tasks.labels import LabelledSet, read_labelled, segment_key


@pytest.fixture
def labelled() -> LabelledSet:
    rows = [
        {
            "video": "a",
            "start": n,
            "end": n + 1,
            "label": label,
            "rater": rater,
            "text": str(n),
            "audio_scores": {label: 1},
        }
        for n, (label, rater) in enumerate([("sad", "x"), ("fear", "y"), ("angry", "x")])
    ]
    return read_labelled("\n".join(map(json.dumps, rows)).encode(), "set")


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True])], ids=["positions", "mask"])
def test_rows_are_taken_with_all_their_columns(labelled: LabelledSet, rows: np.ndarray) -> None:
    taken = labelled.take(rows)
    assert len(taken) == 2
    for each in fields(LabelledSet):
        whole, part = getattr(labelled, each.name), getattr(taken, each.name)
        if isinstance(whole, np.ndarray):
            assert part.tolist() == whole[rows].tolist(), each.name
        elif each.name != "recorded":
            assert part == whole, each.name
    assert taken.recorded["audio"].tolist() == labelled.recorded["audio"][rows].tolist()


def test_a_segment_is_named_by_medium_start_and_end_in_milliseconds() -> None:
    key = segment_key("a.wav", 1.0, 2.0)
    assert len(key) == 32
    assert key == segment_key("a.wav", 1.0004, 1.9996)
    others = [segment_key("b.wav", 1, 2), segment_key("a.wav", 1.001, 2), segment_key("a.wav", 1, 2.001)]
    assert len({key, *others}) == 4
