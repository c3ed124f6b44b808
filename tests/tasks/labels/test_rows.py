"""tasks/labels/rows.py: what a line says, in the types that its format gives."""

from typing import Any

import pytest

from tasks.labels.problems import LineFault
from tasks.labels.rows import label_of, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  ann ", "ann"),
        ("", None),
        (None, None),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (float("nan"), None),
        ("철수", "철수"),
    ],
)
def test_a_name_is_text_however_the_format_types_it(value: Any, text: str | None) -> None:
    assert text_of({"rater": value}, "rater") == text


@pytest.mark.parametrize("value", [True, ["ann"], {"id": 1}, b"ann", "a\x00", "\udcff"], ids=ascii)
def test_what_is_no_text_is_told(value: Any) -> None:
    with pytest.raises(LineFault, match="rater must be UTF-8 text") as caught:
        text_of({"rater": value}, "rater")
    str(caught.value).encode()


@pytest.mark.parametrize("skipped", [True, "true", "TRUE", "1", 1, "yes"])
def test_a_line_that_was_skipped_has_no_label(skipped: Any) -> None:
    assert label_of({"label": "sad", "skipped": skipped}) is None


@pytest.mark.parametrize("skipped", [False, "false", "", None, 0, "no"])
def test_a_line_that_was_not_skipped_has_its_label(skipped: Any) -> None:
    assert label_of({"label": "sad", "skipped": skipped}) == "sad"


def test_an_emotion_is_a_label_only_where_no_model_said_it() -> None:
    assert label_of({"emotion": "sad"}) == "sad"
    assert label_of({"emotion": "sad", "label": None}) is None
    assert label_of({"emotion": "sad", "predicted_emotion": "sad"}) is None
