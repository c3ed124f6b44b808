"""datasets/demo/recorded-biased.jsonl: synthetic, told so, and with a gain that is true."""

import json
from pathlib import Path

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.labels import LabelledSet, read_labelled
from tasks.numerics.decision import Decision, decide_posterior
from tasks.numerics.metrics import measure
from tests.support.demo import demo_module
from tests.support.seraph import DEMO

recorded = demo_module("recorded")
FILE = DEMO / "recorded-biased.jsonl"
SEED = 20_250_615  # build.py's, and 4
SUPPRESSED = Decision(neutral_suppression=recorded.SUPPRESSION)


@pytest.fixture(scope="module")
def labelled() -> LabelledSet:
    return read_labelled(FILE.read_bytes(), FILE.name)


def gains(truth: np.ndarray, audio: np.ndarray) -> tuple[float, float]:
    """What suppression adds to accuracy and to macro F1 over the seven, by Seraph's own decision and metrics."""
    before, after = (
        measure(truth, decide_posterior(audio, decision).posterior.argmax(axis=1))
        for decision in (Decision(), SUPPRESSED)
    )
    assert None not in (before.accuracy, after.accuracy, before.macro_f1, after.macro_f1)
    return after.accuracy - before.accuracy, after.macro_f1 - before.macro_f1


def test_it_is_read_without_a_problem_and_is_large_enough_to_decide(labelled: LabelledSet) -> None:
    assert labelled.problems == ()
    assert len(labelled) >= 400
    assert len(set(labelled.media)) >= 12
    assert set(labelled.language) == {"en", "ko"}
    assert len(set(labelled.speaker)) > len(set(labelled.media))
    assert sorted(set(labelled.truth)) == list(range(len(TAXONOMY)))
    assert FILE.stat().st_size <= 200_000


def test_every_line_and_every_source_says_that_it_is_synthetic() -> None:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert row["synthetic"] is True
        assert row["video"].startswith("synthetic-")


def test_both_models_lean_towards_neutral(labelled: LabelledSet) -> None:
    truly = np.mean(labelled.truth == 0)
    assert truly < 0.35
    for kind in ("audio", "text"):
        assert np.mean(labelled.recorded[kind].argmax(axis=1) == 0) > truly + 0.3


def test_suppressing_neutral_helps_by_ten_points_in_the_file_and_in_truth(labelled: LabelledSet) -> None:
    rng = np.random.default_rng(5)
    drawn = [recorded.draw(40, rng) for _ in range(1000)]
    everything = (np.concatenate([each.truth for each in drawn]), np.concatenate([each.audio for each in drawn]))
    assert min(gains(labelled.truth, labelled.recorded["audio"])) >= 0.1
    assert min(gains(*everything)) >= 0.1


def test_the_figures_of_measured_json_are_those_of_the_file(labelled: LabelledSet) -> None:
    told = json.loads((DEMO / "measured.json").read_text(encoding="utf-8"))["recorded_biased"]["file"]
    found = measure(labelled.truth, labelled.recorded["audio"].argmax(axis=1))
    assert told["n"] == len(labelled)
    assert told["default"]["accuracy"] == pytest.approx(found.accuracy, abs=5e-4)
    assert told["default"]["macro_f1"] == pytest.approx(found.macro_f1, abs=5e-4)
    assert told["default"]["neutral_rate"] == pytest.approx(found.neutral_rate, abs=5e-4)


def test_building_again_gives_the_same_file(tmp_path: Path) -> None:
    recorded.build(tmp_path / "again.jsonl", SEED)
    assert (tmp_path / "again.jsonl").read_bytes() == FILE.read_bytes()
