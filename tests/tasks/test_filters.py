"""The filter language: what it chooses, and what it refuses."""

import pytest

from infra.errors import UsageError
from tasks.filters import parse_filter
from tests.support.tables import score_row, scores

TABLE = scores(
    score_row(start_s=0, end_s=2, emotion="angry", confidence=0.7, flags=["short", "several_tracks"]),
    score_row(start_s=2, end_s=6, emotion="sad", confidence=0.4, language="ko"),
    score_row(start_s=6, end_s=9, emotion=None),
    score_row(start_s=9, end_s=19, emotion="neutral", confidence=0.95, language_top="ja"),
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("emotion == 'angry' and confidence > 0.6", [0]),
        ("emotion == 'angry' or emotion == 'sad'", [0, 1]),
        ("confidence == 0.7", [0]),
        ("0.3 < confidence <= 0.7", [0, 1]),
        ("0.5 > confidence", [1]),
        ("emotion != 'angry'", [1, 3]),
        ("not (emotion == 'angry')", [1, 3]),
        ("emotion is None", [2]),
        ("emotion is not None and start_s >= 2", [1, 3]),
        ("emotion in ('sad', 'neutral')", [1, 3]),
        ("emotion not in ('sad', 'neutral')", [0]),
        ("'short' in flags", [0]),
        ("'short' not in flags", [1, 2, 3]),
        ("language != language_top", [1, 3]),
        ("duration_s >= 4", [1, 3]),
        ("start_s > -1 and p_sad < 0.2", [0, 3]),
    ],
)
def test_a_filter_chooses_the_rows_it_names(text: str, rows: list[int]) -> None:
    assert parse_filter(text)(TABLE)["start_s"].to_pylist() == TABLE.take(rows)["start_s"].to_pylist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mood == 'angry'", "there is no column 'mood'"),
        ("emotion = 'angry'", "cannot read the filter"),
        ("emotion == 3", "column emotion holds text"),
        ("confidence > 'high'", "column confidence holds numbers"),
        ("confidence > True", "cannot hold 'True'"),
        ("language < confidence", "language holds text, and confidence numbers"),
        ("__import__('os').system('true')", "cannot hold"),
        ("emotion.__class__ == 'x'", "cannot hold"),
        ("emotion == open('x').read()", "cannot hold"),
        ("end_s - start_s > 3", "cannot hold"),
        ("(lambda: 1) == 1", "cannot hold"),
        ("1 < 2", "are both constants"),
        ("emotion is 'angry'", "absent value only"),
        ("flags == 'short'", "flags is a list"),
        ("emotion in 'angry'", "needs values in brackets"),
        ("confidence > 1" + "0" * 400, "cannot read the filter"),
        ("not " * 2000 + "emotion is None", "characters long"),
        ("", "cannot read the filter"),
    ],
)
def test_a_filter_that_is_none_is_refused_and_the_place_named(text: str, says: str) -> None:
    with pytest.raises(UsageError, match="(?s)" + says.replace("(", "\\(")):
        parse_filter(text)


def test_the_deepest_filter_that_is_read_is_also_run() -> None:
    choose = parse_filter("not " * 240 + "emotion is None")
    assert choose(TABLE).num_rows == 1
