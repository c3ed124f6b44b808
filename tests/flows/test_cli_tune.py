"""`seraph tune` and `seraph evaluate --recorded` as a user runs them: from files alone, with no service running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli_evaluate import spread
from infra.stack import Stack
from infra.storage import Store
from tests.support.prefect import prefect_environment
from tests.support.recorded import write_recorded
from tests.support.seraph import Seraph

pytestmark = pytest.mark.slow

SMALL = ("--set", "neutral=0.4,0.7,1.0", "--set", "neutral_suppression=0.5,1.0")


@pytest.fixture
def seraph(tmp_path: Path) -> Seraph:
    return Seraph(tmp_path / "home")


def nothing_runs(seraph: Seraph) -> bool:
    return not (seraph.home / "stack.json").exists()


def test_recorded_scores_are_tuned_from_the_file_alone(seraph: Seraph, tmp_path: Path) -> None:
    labels = str(write_recorded(tmp_path / "biased.jsonl", sources=12, neutral_bias=2.5))
    document = seraph.json("tune", "--labels", labels, "--recorded", *SMALL)
    assert {"tuning_id", "default", "apparent", "nested", "optimism", "verdict", "outputs"} <= document.keys()
    assert "params" in document["apparent"]
    assert {"report", "config"} <= document["outputs"].keys()
    assert document["verdict"] == "adopt"
    assert Path(document["outputs"]["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert nothing_runs(seraph)


def test_recorded_scores_are_evaluated_from_the_file_alone_and_listed_in_the_history(
    seraph: Seraph, tmp_path: Path
) -> None:
    labels = str(write_recorded(tmp_path / "fair.jsonl", sources=6, n=60))
    document = seraph.json("evaluate", "--labels", labels, "--recorded", "--modality", "audio")
    assert document["models"][0]["n"] == 60
    assert [each["evaluation_id"] for each in seraph.json("evaluate", "--history")["evaluations"]] == [
        document["evaluation_id"]
    ]
    shown = seraph.run("evaluate", "--labels", labels, "--recorded").stdout
    assert "recorded audio" in shown
    assert nothing_runs(seraph)
    tuned = seraph.json("tune", "--evaluation", document["evaluation_id"], *SMALL)
    assert tuned["evaluation_id"] == document["evaluation_id"]


def test_wrong_requests_are_told_in_one_line_and_as_json(seraph: Seraph, tmp_path: Path) -> None:
    labels = str(write_recorded(tmp_path / "fair.jsonl", sources=6, n=12))
    for arguments, status, said in (
        (("--labels", labels), 2, "evaluate it first"),
        ((), 2, "--labels with --recorded, or --evaluation"),
        (("--evaluation", "20200101T000000-abcdef"), 3, "there is no evaluation"),
        (("--labels", labels, "--recorded", "--set", "bored=1"), 3, "no decision parameter bored"),
        (("--labels", labels, "--recorded", "--objective", "beauty"), 2, "--objective: 'beauty' will not do: "),
        (("--labels", labels, "--recorded", "--near", "neutral=low"), 2, "PARAMETER=VALUE"),
        (("--labels", labels, "--recorded", "--near", "neutral=-1"), 2, "emotion_weights[neutral] must be in [0, inf]"),
    ):
        done = seraph.run("tune", *arguments, "--json", expect=status)
        assert said in " ".join(done.stderr.split())
        assert said in json.loads(done.stdout)["error"]["message"]
        assert "Traceback" not in done.stderr


def test_options_that_take_several_values_are_spread() -> None:
    given = ["evaluate", "--models", "a", "b", "--labels", "x", "--json", "--models=c", "d"]
    assert spread(given) == ["evaluate", "--models", "a", "--models", "b", "--labels", "x", "--json", "--models=c", "d"]


# -- the flow, on the real stack ---------------------------------------------------------------------------------------

DRIVER = """
import json, sys
from flows.tune_decision import TuneDecisionRequest, tune_decision
from tasks.tuning.request import TuneRequest

tune = TuneRequest(labels=(sys.argv[1],), settings=("neutral=0.4,0.7,1.0", "neutral_suppression=0.5,1.0"))
print(json.dumps(tune_decision(TuneDecisionRequest(tune=tune, results=sys.argv[2]))))
"""


@pytest.mark.stack
def test_the_flow_tunes_through_prefect_and_stores_what_it_found(stack: Stack, tmp_path: Path) -> None:
    labels = write_recorded(tmp_path / "biased.jsonl", sources=12, neutral_bias=2.5)
    results = f"s3://tuned-{os.getpid()}"
    store = Store(stack.services.store)
    store.ensure_bucket(results.removeprefix("s3://"))
    assert stack.services.local_root is not None
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, str(labels), results], capture_output=True, text=True, timeout=200, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SERAPH_HOME": str(stack.services.local_root.parent),
             **prefect_environment(stack.services), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout.splitlines()[-1])
    assert document["verdict"] == "adopt"
    assert store.exists(document["outputs"]["tuning"])
    assert store.get_bytes(document["outputs"]["report"]).startswith(b"<!doctype html>")
