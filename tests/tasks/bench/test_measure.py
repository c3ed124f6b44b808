"""The whole benchmark, small, on the real services. What is fast on which machine is no test's business."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.location import Location
from infra.settings import child_environment
from infra.stack import Stack
from infra.storage import Store

pytestmark = pytest.mark.stack

STAGES = {"fetch", "decode", "segment", "language", "score", "decide", "validate", "commit", "other"}


@pytest.fixture(scope="module")
def home(stack: Stack) -> Path:
    assert stack.services.local_root is not None
    return stack.services.local_root.parent


@pytest.fixture(scope="module")
def document(home: Path) -> dict[str, Any]:
    """What `seraph bench` prints: half a minute of audio, both sides twice."""
    return bench(home, "--repetitions", "2")


@pytest.fixture(scope="module")
def against(home: Path) -> dict[str, Any]:
    """What `seraph bench pipeline` prints of the same half minute."""
    return bench(home, "--repetitions", "1", "--batch-sizes", "1,4", subject="pipeline")


def bench(home: Path, *options: str, subject: str | None = None) -> dict[str, Any]:
    command = [
        sys.executable,
        "-P",
        "-c",
        "from flows.cli import main; main()",
        "bench",
        *([subject] if subject else []),
    ]
    command += ["--preset", "tiny", "--minutes", "0.5", *options, "--json"]
    done = subprocess.run(
        command, env=child_environment(SERAPH_HOME=str(home)), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_both_ratios_are_the_best_of_the_repetitions_over_the_best_of_the_loop(document: dict[str, Any]) -> None:
    best = {side: min(each[side] for each in document["repetitions"]) for side in ("loop", "memory", "road")}
    assert len(document["repetitions"]) == 2
    assert document["ratio"] == pytest.approx(best["loop"] / best["memory"])
    assert document["ratio_road"] == pytest.approx(best["loop"] / best["road"])
    assert all(seconds > 0 for seconds in best.values())


def test_real_time_counts_the_speech_and_not_the_pauses(document: dict[str, Any]) -> None:
    assert 0.3 * 30 < document["audio_seconds"] < 0.95 * 30
    assert document["media_seconds"] == pytest.approx(30, abs=0.1)
    speed = document["audio_seconds"] / document["best"]["memory"]
    assert document["realtime_factor"]["memory"] == pytest.approx(speed)


def test_the_road_is_broken_down_by_stage(document: dict[str, Any]) -> None:
    assert set(document["stages"]) == STAGES
    assert sum(stage["share"] for stage in document["stages"].values()) == pytest.approx(1)
    for name in ("decode", "segment", "language", "score", "validate"):
        assert document["stages"][name]["cpu_s"] > 0, name
        assert document["stages"][name]["wall_s"] > 0, name


def test_from_memory_there_is_nothing_to_read_and_no_language_to_detect(document: dict[str, Any]) -> None:
    assert set(document["stages_memory"]) == STAGES - {"fetch", "decode", "segment", "language"}


def test_peak_memory_is_that_of_the_driver_and_of_every_kind_of_worker(document: dict[str, Any]) -> None:
    assert set(document["peak_mb_by"]) == {"driver", "readers", "language_workers", "scorers"}
    assert document["peak_mb"] == pytest.approx(sum(document["peak_mb_by"].values()))
    assert all(peak > 30 for peak in document["peak_mb_by"].values())


def test_the_result_is_stored_and_everything_else_is_cleared_away(
    document: dict[str, Any], home: Path, stack: Stack
) -> None:
    (path,) = (home / "bench").glob("*T??????-tiny.json")
    assert [each for each in (home / "bench").iterdir() if each.suffix != ".json"] == []
    assert json.loads(path.read_text()) == document
    assert list(Store(stack.services.store).list(Location("bench"))) == []


def test_the_pipeline_hears_the_same_segments_as_ours_and_says_the_same(
    against: dict[str, Any], document: dict[str, Any]
) -> None:
    assert against["segments"] == document["segments"]
    assert against["audio_seconds"] == pytest.approx(document["audio_seconds"])
    assert 0 <= against["difference"] < 0.02
    assert against["precision"] == document["precision"]


def test_each_ratio_is_the_pipeline_at_its_best_over_one_of_our_sides(against: dict[str, Any]) -> None:
    tried = {each["batch_size"]: min(each["seconds"]) for each in against["variants"] if each["dtype"] == "fp32"}
    assert set(tried) == {1, 4}
    assert against["best"]["pipeline"] == min(tried.values())
    assert against["best"]["pipeline_one"] == tried[1]
    for ratio, side in (("model", "fed"), ("memory", "memory"), ("road", "road")):
        assert against["ratio_pipeline"][ratio] == pytest.approx(min(tried.values()) / against["best"][side])


def test_the_result_names_the_machine_the_command_and_the_versions(against: dict[str, Any]) -> None:
    assert against["command"] == "seraph bench pipeline --preset tiny --repetitions 1 --minutes 0.5 --batch-sizes 1,4"
    assert against["machine"]["cores"] >= 1
    assert {"torch", "transformers", "ray"} <= against["versions"].keys()
