"""tasks/texts/labels.py: the texts of a label file, by medium."""

import pytest

from actors.texts import Cue
from infra.errors import InputError
from tasks.texts.labels import read_label_texts

LINES = b"""
{"video": "show/b.mp4", "start": "00:00:02", "end": "00:00:03", "text": "second", "label": "sad"}
{"video": "show/b.mp4", "start": 0, "end": 1.5, "text": " first ", "label": null}
{"video": "show/b.mp4", "start": 0, "end": 1.5, "text": "first", "rater": "other"}
{"video": "a.mp4", "start": 0, "end": 1, "text": ""}
{"video": "c.mp4", "start": 0, "end": 1, "text": {"no": "text"}}
no json
"""


def test_texts_are_read_from_labelled_and_unlabelled_lines_in_order_of_time_and_once() -> None:
    read = read_label_texts(LINES, "labels.jsonl")
    assert read.cues == {"show/b.mp4": (Cue(0.0, 1.5, "first"), Cue(2.0, 3.0, "second"))}
    assert len(read.sha256) == 64


def test_names_mean_media_as_they_do_for_labels() -> None:
    read = read_label_texts(LINES, "labels.jsonl")
    assert list(read.fitted(["s3://m/x/show/b.mp4", "s3://m/a.mp4"])) == ["s3://m/x/show/b.mp4"]
    assert read.fitted(["s3://m/x/show/b.mp4", "s3://m/y/show/b.mp4"]) == {}, "a name that fits two fits none"


def test_csv_has_texts_too() -> None:
    read = read_label_texts(b"media,start,end,text\na.wav,0,1,hello\n", "labels.csv")
    assert read.cues == {"a.wav": (Cue(0.0, 1.0, "hello"),)}


def test_a_file_without_texts_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels\.csv has no text: a column `text` is expected"):
        read_label_texts(b"media,start,end,label\na.wav,0,1,sad\n", "labels.csv")
