"""A `scores` table as arrays."""

import numpy as np
import pyarrow as pa

from tasks.report.columns import UNDECIDED, Columns
from tests.support.tables import score_row, scores


def test_codes_point_at_the_names_of_each_row() -> None:
    columns = Columns.of(scores(score_row("b"), score_row("a", language="ko"), score_row("b")))
    assert [columns.names[code] for code in columns.name] == ["b", "a", "b"]
    assert [columns.languages[code] for code in columns.language] == ["en", "ko", "en"]


def test_an_absent_emotion_is_undecided_and_its_confidence_no_number() -> None:
    columns = Columns.of(scores(score_row(emotion="neutral"), score_row(emotion=None)))
    assert columns.category.tolist() == [0, UNDECIDED]
    assert np.isnan(columns.confidence).tolist() == [False, True]


def test_flags_are_counted_over_the_chosen_rows_only_also_across_chunks() -> None:
    rows = [score_row(flags=["short", "truncated"]), score_row(), score_row(flags=["short"])]
    columns = Columns.of(pa.concat_tables([scores(row) for row in rows]))
    assert columns.flags_of(np.array([False, True, True])) == {"short": 1}
    assert columns.flags_of(np.array([True, True, True])) == {"short": 2, "truncated": 1}
