"""tasks/numerics/coverage.py: the look-up, and the table's promises."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tasks.numerics.coverage import Condition, simulated, table
from tasks.numerics.coverage_table import DRAWS

RESULT = Path(__file__).parents[3] / "benchmarks" / "interval-coverage.json"

PROMISED = [row for row in table() if row.n in (31, 300)]
BALANCED = [row for row in PROMISED if row.effective > 0.9 * row.sources]


def _named(row: Condition) -> str:
    return f"{row.statistic}-{row.n}-{row.sources}-{row.correlation}"


def test_the_table_beside_the_code_is_the_one_in_the_benchmarks() -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    assert result["coverage"] == [asdict(row) for row in table()]
    assert result["draws"] == DRAWS >= 2000


@pytest.mark.parametrize("row", [row for row in BALANCED if row.statistic == "accuracy_grouped"], ids=_named)
def test_the_grouped_accuracy_keeps_its_promise(row: Condition) -> None:
    # Two standard errors of 2,000 draws: 1 %.
    assert row.lowest + 0.01 >= 0.93
    assert row.highest - 0.01 <= 0.975


@pytest.mark.parametrize("row", [row for row in BALANCED if row.statistic in ("macro_f1_present", "uar")], ids=_named)
def test_macro_f1_and_uar_keep_theirs(row: Condition) -> None:
    assert row.lowest >= 0.9
    assert row.highest - 0.005 <= 0.98


@pytest.mark.parametrize(
    "row", [row for row in PROMISED if row.statistic != "accuracy" and row not in BALANCED], ids=_named
)
def test_sources_of_unequal_size_err_on_the_wide_side(row: Condition) -> None:
    assert row.lowest >= 0.9


def test_the_nearest_conditions_are_looked_up_and_the_worst_of_them_is_told() -> None:
    rows = [row for row in table() if (row.statistic, row.n, row.sources, row.effective) == ("uar", 300, 10, 10)]
    covered = simulated("uar", 270, 11.0)
    assert covered is not None
    assert covered.coverage == min(row.lowest for row in rows)
    assert covered.conditions == (
        f"worst case of {DRAWS} simulated sets of 300 segments, 10 sources, intra-class correlation 0 to 0.1"
    )


def test_plain_wilson_is_looked_up_where_segments_are_independent() -> None:
    covered = simulated("accuracy", 40, 40)
    assert covered is not None
    assert covered.conditions == f"worst case of {DRAWS} simulated sets of 31 segments, independent segments"
    assert covered.coverage > 0.92


def test_a_dominant_source_is_looked_up_as_such() -> None:
    covered = simulated("accuracy_grouped", 300, 3.5)
    assert covered is not None
    assert "of unequal size (worth 3.8)" in covered.conditions


def test_what_was_not_simulated_has_no_coverage() -> None:
    assert simulated("neutral_rate", 31, 31) is None
