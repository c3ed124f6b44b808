"""datasets/demo: what it weighs."""

import json

from tests.support.seraph import DEMO

BUDGET = 10_000_000


def test_the_demo_stays_within_its_budget_and_measured_json_says_what_it_weighs() -> None:
    weight = sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file() and path.suffix != ".pyc")
    told = json.loads((DEMO / "measured.json").read_text(encoding="utf-8"))["bytes"]
    assert weight <= BUDGET
    assert abs(weight - told) < 50_000  # words and code may change without measuring again
