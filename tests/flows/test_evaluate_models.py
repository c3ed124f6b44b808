"""`seraph evaluate` on the real stack, as a user runs it: models, a configuration, a wrong head, a refused one."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from actors.contract import TAXONOMY
from infra.stack import Stack
from infra.storage import Store
from tasks.demo import with_random_head
from tests.support.checkpoints import write_dimensional
from tests.support.seraph import DEMO, Seraph

pytestmark = pytest.mark.stack

ENGLISH, KOREAN = (str(DEMO / "checkpoints" / f"{language}-emotion") for language in ("en", "ko"))
READER = str(DEMO / "checkpoints" / "en-text")
UTTERANCES = 56
LINES = [json.loads(line) for line in (DEMO / "labels.jsonl").read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Bench:
    """Some labelled utterances, a results store, and what an evaluation of four candidates printed."""

    seraph: Seraph
    media: Path
    results: str
    labels: Path
    spoiled: str
    absent: str
    document: dict[str, Any]

    def evaluate(self, *arguments: str, labels: Path | None = None, expect: int = 0) -> dict[str, Any]:
        where = ("--media", str(self.media), "--results", self.results)
        return self.seraph.json("evaluate", "--labels", str(labels or self.labels), *where, *arguments, expect=expect)


def write_labels(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bench(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    assert stack.services.local_root is not None
    folder = tmp_path_factory.mktemp("evaluated")
    chosen = [line for language in ("en", "ko") for line in LINES if line["video"].startswith(f"{language}/utt")]
    media = folder / "media"
    for line in chosen:
        (media / line["video"]).parent.mkdir(parents=True, exist_ok=True)
        beside = (DEMO / "media" / line["video"]).parent.glob(f"{Path(line['video']).stem}.*")
        for file in beside:  # with its subtitles
            shutil.copy(file, (media / line["video"]).parent)
    broken = {**chosen[0], "video": "broken.mp3", "label": "sad"}
    (media / "broken.mp3").write_bytes(b"no medium at all" * 100)
    lost = {**chosen[0], "video": "nowhere.wav"}
    labels = write_labels(folder / "labels.jsonl", [*chosen, broken, lost, {**chosen[1], "label": "bored to tears"}])
    spoiled = str(with_random_head(Path(ENGLISH), folder / "random-head"))
    results = f"s3://evaluated-{os.getpid()}"
    Store(stack.services.store).ensure_bucket(results.removeprefix("s3://"))
    bench = Bench(Seraph(stack.services.local_root.parent), media, results, labels, spoiled, str(folder / "none"), {})
    document = bench.evaluate("--models", "demo", spoiled, bench.absent, READER)
    return Bench(bench.seraph, media, results, labels, spoiled, bench.absent, document)


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in document["models"] if each["model"] == name)
    return dict(found)


def test_every_candidate_is_a_row_and_the_keys_are_those_that_others_rely_on(bench: Bench) -> None:
    document = bench.document
    assert {"evaluation_id", "dataset", "models", "ranking", "verdict", "outputs"} <= document.keys()
    assert {"n", "labelled", "rejected", "sha256", "counts"} <= document["dataset"].keys()
    names = [each["model"] for each in document["models"]]
    assert names == ["demo", bench.spoiled, bench.absent, READER, ENGLISH, KOREAN, "majority", "label_prior"]
    keys = {"status", "reason", "n", "accuracy", "accuracy_ci", "accuracy_ci_grouped", "uar", "macro_f1", "macro_f1_ci",
            "macro_f1_present", "brier", "neutral_rate", "cross_entropy", "coverage", "confusion", "flags"}  # fmt: skip
    assert all(keys <= each.keys() for each in document["models"])
    refused = named(document, bench.absent)
    assert (refused["status"], refused["accuracy"]) == ("refused", None)
    assert "no folder" in refused["reason"]
    for key in ("report", "evaluation", "predictions"):
        assert document["outputs"][key].startswith(bench.results)
    assert Path(document["outputs"]["report_file"]).is_file()


def test_the_trained_models_are_told_from_the_random_head_which_is_called_out(bench: Bench) -> None:
    document = bench.document
    assert "near_uniform" in named(document, bench.spoiled)["flags"]
    assert "random-head" in document["verdict"]
    assert named(document, "demo")["accuracy"] > 0.6 > 0.4 > named(document, bench.spoiled)["accuracy"]
    assert bench.spoiled not in document["ranking"][0]["models"]
    (pair,) = (each for each in document["comparisons"] if {each["a"], each["b"]} == {"demo", bench.spoiled})
    assert pair["verdict"] in ("better", "worse")


def test_what_cannot_be_used_is_counted_and_named_and_stops_nothing(bench: Bench) -> None:
    dataset = bench.document["dataset"]
    assert (dataset["rejected"], dataset["unheard"]) == (1, 2)
    assert dataset["n"] == sum(dataset["counts"].values()) == UTTERANCES
    told = " | ".join(problem["text"] for problem in dataset["problems"])
    assert "nowhere.wav" in told
    assert "bored to tears" in told


def test_the_router_is_audited_with_what_each_language_scores_under_the_others_model(bench: Bench) -> None:
    (router,) = bench.document["router"]
    assert {(cell["language"], cell["model"], cell["own"]) for cell in router["cells"]} == {
        ("en", ENGLISH, True), ("en", KOREAN, False), ("ko", ENGLISH, False), ("ko", KOREAN, True),
    }  # fmt: skip
    assert router["cost"] == pytest.approx(router["accuracy_oracle"] - router["accuracy"])


def test_a_second_evaluation_infers_nothing_and_says_the_same(bench: Bench) -> None:
    again = bench.evaluate("--models", "demo", bench.spoiled, bench.absent, READER)
    assert (again["inferred"], again["cached"]) == (0, bench.document["inferred"] + bench.document["cached"])
    own = ("evaluation_id", "created", "seconds", "outputs", "inferred", "cached")
    assert {k: v for k, v in again.items() if k not in own} == {k: v for k, v in bench.document.items() if k not in own}


def test_one_new_label_costs_one_inference_for_each_model_at_the_same_precision(bench: Bench, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in bench.labels.read_text(encoding="utf-8").splitlines()]
    new = {**lines[0], "start": 0.1, "end": lines[0]["end"] - 0.1}
    labels = write_labels(tmp_path / "more.jsonl", [*lines, new])
    more = bench.evaluate("--models", ENGLISH, KOREAN, "--config", "demo", labels=labels)
    assert more["inferred"] == 2
    assert more["dataset"]["n"] == UTTERANCES + 1


def test_the_predictions_are_stored_with_logits_one_row_a_segment_and_candidate(
    bench: Bench, stack: Stack, tmp_path: Path
) -> None:
    data = Store(stack.services.store).get_bytes(bench.document["outputs"]["predictions"])
    (tmp_path / "p.parquet").write_bytes(data)
    table = pd.read_parquet(tmp_path / "p.parquet")
    assert table.groupby("candidate").size().to_dict() == dict.fromkeys(
        ("demo", bench.spoiled, READER, ENGLISH, KOREAN), UTTERANCES
    )
    own = table[table["candidate"] == ENGLISH]
    assert (own["emotion"] == own["truth"]).mean() == pytest.approx(named(bench.document, ENGLISH)["accuracy"])
    assert own["logits"].map(len).eq(7).all()
    # What is said is read beside the audio, in each language by its own model; alone, one model reads both, and in the
    # precision of the hardware.
    fused, read = table[table["candidate"] == "demo"], table[table["candidate"] == READER]
    english = (fused["heard_in"] == "en").to_numpy()
    assert (set(fused["text_source"]), set(read["text_source"])) == ({"sidecar"}, {"labels"})
    assert fused["text"].tolist() == read["text"].tolist()
    assert fused["text_weights_sha256"].nunique() == 2
    same = read.loc[english, [f"text_p_{each}" for each in TAXONOMY]].to_numpy()
    assert fused.loc[english, [f"text_p_{each}" for each in TAXONOMY]].to_numpy() == pytest.approx(same, abs=0.02)
    assert named(bench.document, "demo")["text"]["n"] == UTTERANCES
    assert named(bench.document, "demo")["text"]["has_say"] is True, "the demo fuses"


def test_the_history_has_every_evaluation_and_a_page(bench: Bench) -> None:
    found = bench.seraph.json("evaluate", "--history", "--results", bench.results)
    assert bench.document["evaluation_id"] in [each["evaluation_id"] for each in found["evaluations"]]
    shown = bench.seraph.run("evaluate", "--history", "--results", bench.results).stdout
    assert bench.document["evaluation_id"] in shown


def test_wrong_requests_are_told_in_one_line(bench: Bench) -> None:
    for arguments, exit_status, said in (
        (("--recorded", "--labels", "none.jsonl"), 3, "no label file none.jsonl"),
        (("--models", "demo"), 2, "--labels is needed"),
        (("--labels", str(bench.labels)), 2, "--models and --media"),
        (("--labels", str(bench.labels), "--recorded", "--modality", "audio"), 3, "no recorded audio"),
    ):
        done = bench.seraph.run("evaluate", *arguments, expect=exit_status)
        assert said in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_a_map_fitted_on_these_labels_needs_no_new_inference_and_is_told_to_be_in_sample(
    bench: Bench, tmp_path: Path
) -> None:
    model = str(write_dimensional(tmp_path / "dimensional"))
    plain = bench.evaluate("--models", model)
    assert "mapped_from_dimensions" in named(plain, model)["flags"]
    where = ("--results", bench.results, "--output", str(tmp_path / "map.json"))
    fitted = bench.seraph.json("models", "fit", "--evaluation", plain["evaluation_id"], "--model", model, *where)
    assert fitted["provenance"]["out_of_fold"].keys() == fitted["provenance"]["centroids"].keys()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"routes": {"en": {"model": model}}, "decision": {"dimension_map": "./map.json"}}))
    again = bench.evaluate("--models", model, "--config", str(config))
    assert again["inferred"] == 0
    assert "in_sample" in named(again, model)["flags"]
    assert named(again, model)["accuracy"] > named(plain, model)["accuracy"], "flattered, as the flag says"
