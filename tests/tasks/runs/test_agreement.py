"""tasks/runs/agreement.py: how often two runs give the same emotion to the same segment."""

from pathlib import Path

import pytest

from infra.shelf import FolderShelf
from tasks.records.run import RunRecord
from tasks.runs.agreement import agree
from tasks.tables import to_parquet
from tests.support.records import model_spec, run_record
from tests.support.tables import score_row, scores


def run(decision: str, weights: str = "0" * 64) -> RunRecord:
    """A run whose scores lie under `decision`."""
    record = run_record(models={"en": model_spec(weights_sha256=weights)})
    outputs = record.outputs.model_copy(update={"scores": f"s3://results/scores/config=f0/decision={decision}"})
    return record.model_copy(update={"outputs": outputs})


def store(shelf: FolderShelf, decision: str, *emotions: str | None, shard: str = "a", weights: str = "0" * 64) -> None:
    rows = [
        score_row(start_s=5.0 * n, end_s=5.0 * n + 4, emotion=emotion, weights_sha256=weights)
        for n, emotion in enumerate(emotions)
    ]
    shelf.put(f"scores/config=f0/decision={decision}/shard={shard}.parquet", to_parquet(scores(*rows)))


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path)


def test_segments_that_both_scored_are_compared(shelf: FolderShelf) -> None:
    store(shelf, "d1", "neutral", "neutral", "happy", None, "sad")
    store(shelf, "d2", "neutral", "happy", "happy", None)
    found = agree(shelf, run("d1"), run("d2"))
    assert found is not None
    # By chance: neutral 1/2 · 1/4, happy 1/4 · 1/2, undecided 1/4 · 1/4 = 5/16; κ = (3/4 − 5/16)/(11/16) = 7/11.
    assert (found.segments, found.same) == (4, 0.75)
    assert found.kappa == pytest.approx(7 / 11)


def test_a_segment_that_stands_in_two_shards_counts_once(shelf: FolderShelf) -> None:
    for shard in "ab":
        store(shelf, "d1", "neutral", "happy", shard=shard)
    store(shelf, "d2", "neutral", "happy")
    found = agree(shelf, run("d1"), run("d2"))
    assert found is not None
    assert (found.segments, found.same, found.kappa) == (2, 1.0, 1.0)


def test_rows_of_other_models_in_the_same_folder_are_not_the_runs(shelf: FolderShelf) -> None:
    store(shelf, "d1", "neutral", "happy")
    store(shelf, "d1", "sad", "sad", shard="b", weights="1" * 64)
    found = agree(shelf, run("d1"), run("d1", weights="1" * 64))
    assert found is not None
    assert (found.segments, found.same) == (2, 0.0)


def test_the_same_table_scores_that_are_gone_and_no_segment_in_common_say_nothing(shelf: FolderShelf) -> None:
    store(shelf, "d1", "neutral")
    assert agree(shelf, run("d1"), run("d1")) is None
    assert agree(shelf, run("d1"), run("d2")) is None
    other = [score_row(uri="s3://media/other.wav")]
    shelf.put("scores/config=f0/decision=d2/shard=a.parquet", to_parquet(scores(*other)))
    found = agree(shelf, run("d1"), run("d2"))
    assert found is not None
    assert (found.segments, found.same, found.kappa) == (0, None, None)
