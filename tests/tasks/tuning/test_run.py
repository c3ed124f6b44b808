"""tasks/tuning/run.py on recorded scores with a known truth, and on a stored evaluation: from evidence to files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from actors.contract import TAXONOMY
from infra.errors import InputError
from infra.shelf import FolderShelf
from tasks.config.scoring import DecisionOptions
from tasks.evaluation.archive import PREDICTIONS, Archive
from tasks.evaluation.run import read_label_file
from tasks.tuning.archive import TuningArchive
from tasks.tuning.request import TuneRequest
from tasks.tuning.run import tune
from tests.support.evaluations import evaluation
from tests.support.recorded import write_recorded

SMALL = ("neutral=0.4,0.7,1.0", "neutral_suppression=0.5,1.0")


def tuned(tmp_path: Path, path: Path, **changes: Any) -> Any:
    request = TuneRequest(**({"labels": (str(path),), "settings": SMALL} | changes))
    return tune(request, read_label_file, FolderShelf(tmp_path / "shelf"))


def test_a_strong_neutral_bias_is_found_adopted_and_stored_as_a_configuration(tmp_path: Path) -> None:
    found = tuned(tmp_path, write_recorded(tmp_path / "biased.jsonl", sources=12, neutral_bias=2.5))
    assert found.verdict == "adopt"
    assert found.nested.macro_f1_present > found.default.macro_f1_present + 0.1
    assert found.apparent.params["neutral"] < 1.0 or found.apparent.params["neutral_suppression"] < 1.0
    assert {each.language for each in found.languages} == {"en", "ko"}
    assert found.fusion is None
    document = yaml.safe_load(Path(found.outputs.config).read_text())
    assert (
        DecisionOptions.model_validate(document["decision"]).emotion_weights["neutral"]
        == (found.apparent.params["neutral"])
    )
    again, config = TuningArchive(FolderShelf(tmp_path / "shelf")).get(found.tuning_id)
    assert again == found
    assert config == Path(found.outputs.config).read_text()
    assert Path(found.outputs.report).is_file()


def test_a_fair_model_keeps_its_default_and_one_source_never_adopts(tmp_path: Path) -> None:
    fair = tuned(tmp_path, write_recorded(tmp_path / "fair.jsonl", sources=12))
    assert fair.verdict != "adopt"
    alone = tuned(tmp_path, write_recorded(tmp_path / "alone.jsonl", sources=1, neutral_bias=2.5))
    assert alone.verdict == "undecided"
    assert "single_source" in alone.flags


def test_the_record_is_plain_json_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    path = write_recorded(tmp_path / "a.jsonl", sources=6, n=60)
    one, other = (tuned(tmp_path, path, seed=3).model_dump(mode="json") for _ in range(2))
    json.dumps(one, allow_nan=False)
    own = ("tuning_id", "created", "seconds", "outputs")
    assert {k: v for k, v in one.items() if k not in own} == {k: v for k, v in other.items() if k not in own}


def stored_logits(shelf: FolderShelf, settings: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Store an evaluation of a model with four labels, one of them outside the taxonomy; returns its predictions."""
    random = np.random.default_rng(1)
    labels = ("neu", "hap", "sad", "oth")
    rows = []
    for n in range(120):
        truth = int(random.integers(3))
        logits = random.standard_normal(4)
        logits[truth] += 2
        p = np.zeros(7)
        p[:3] = np.exp(logits[:3]) / np.exp(logits[:3]).sum()
        rows.append({"segment_key": f"k{n}", "media": f"{n % 8}.wav", "start_s": float(n), "truth": TAXONOMY[truth],
                     "candidate": "four", "logits": logits.tolist(), "heard_in": "en",
                     **{f"p_{e}": v for e, v in zip(TAXONOMY, p.tolist(), strict=True)}})  # fmt: skip
    changes = {"model": "four", "labels": labels, "output_kind": "categorical", "kind": "model", "flags": (),
               "label_map": {"neu": "neutral", "hap": "happy", "sad": "sad", "oth": None}}  # fmt: skip
    record = evaluation()
    model = record.models[0].model_copy(update=changes)
    named = {"evaluation_id": "20260101T000000-abcdef", "models": (model,), "settings": settings or record.settings}
    Archive(shelf).save(record.model_copy(update=named), "", pa.Table.from_pylist(rows, schema=PREDICTIONS))
    return rows


def test_a_candidate_of_a_stored_evaluation_is_tuned_from_its_logits(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "shelf")
    rows = stored_logits(shelf)
    found = tune(
        TuneRequest(evaluation="20260101T000000-abcdef", settings=("neutral=0.8,1.0",)), read_label_file, shelf
    )
    assert (found.subject, found.evaluation_id, found.sources) == ("four", "20260101T000000-abcdef", 8)
    # A segment whose mass is mostly on the dropped label is undecided, and counts as wrong.
    logits = np.array([row["logits"] for row in rows])
    p_model = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = np.where(p_model[:, 3] > 0.5, -1, logits[:, :3].argmax(axis=1))
    right = np.mean(
        [TAXONOMY[code] == row["truth"] if code >= 0 else False for code, row in zip(said, rows, strict=True)]
    )
    assert found.default.accuracy == pytest.approx(right)
    with pytest.raises(InputError, match="no candidate 'five'; there are four"):
        tune(TuneRequest(evaluation="20260101T000000-abcdef", candidate="five"), read_label_file, shelf)


def test_how_much_mass_a_label_outside_may_take_stays_as_the_evaluation_had_it(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "shelf")
    rows = stored_logits(shelf, {"config": {"decision": {"max_dropped_mass": 1.0}}})
    found = tune(
        TuneRequest(evaluation="20260101T000000-abcdef", settings=("neutral=0.8,1.0",)), read_label_file, shelf
    )
    said = np.array([row["logits"] for row in rows])[:, :3].argmax(axis=1)
    right = [TAXONOMY[code] == row["truth"] for code, row in zip(said, rows, strict=True)]
    assert found.default.accuracy == pytest.approx(np.mean(right)), "nothing is undecided"


BIG = tuple(
    f"{emotion}={','.join(f'{0.5 + 0.1 * step:.1f}' for step in range(11))}"
    for emotion in ("neutral", "happy", "sad", "angry", "fear", "surprise", "disgust")
)


def test_a_grid_too_large_to_try_is_searched_along_its_parameters_and_that_is_told(tmp_path: Path) -> None:
    path = write_recorded(tmp_path / "biased.jsonl", sources=5, n=40, neutral_bias=2.5)
    # Of one language: walks for each of two would take most of the time.
    path.write_text(path.read_text().replace('"language": "ko"', '"language": "en"'))
    one, other = (tuned(tmp_path, path, settings=each) for each in (BIG, tuple(reversed(BIG))))
    assert (one.exhaustive, one.points) == (False, other.points)
    assert 500 < one.points < 10_000
    assert "19,487,171 combinations" in one.notes[0]
    assert "19,487,171" in one.notes_ko[0]
    # The order in which parameters are named changes nothing that was found.
    for name in ("apparent", "nested", "luck", "verdict"):
        assert getattr(one, name) == getattr(other, name)
    assert sum(one.responses[0].chosen) == one.folds
    page = Path(one.outputs.report).read_text(encoding="utf-8")
    assert page.count("Not all combinations were tried") == 2


def test_a_weighted_product_is_tuned_where_it_is_asked_for_and_stands_in_the_configuration(tmp_path: Path) -> None:
    path = read_recorded(tmp_path)
    weights = ("audio_weight=0.3,0.5,1.0",)
    product, plain = (tuned(tmp_path, path, settings=weights, pooling=each) for each in ("log", "linear"))
    decision = yaml.safe_load(Path(product.outputs.config).read_text())["decision"]
    assert DecisionOptions.model_validate(decision).pooling == "log"
    assert "pooling" not in yaml.safe_load(Path(plain.outputs.config).read_text())["decision"]
    assert product.default == plain.default, "the default is the audio alone, whatever the pooling"
    assert product.apparent.cross_entropy != plain.apparent.cross_entropy


def read_recorded(tmp_path: Path) -> Path:
    """Recorded scores with a text model's beside them."""
    path = write_recorded(tmp_path / "read.jsonl", sources=6, n=60)
    rng, rows = np.random.default_rng(2), [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        text = rng.dirichlet(np.where(np.array(TAXONOMY) == row["label"], 3.0, 0.7)).round(6).tolist()
        row["text_scores"] = dict(zip(TAXONOMY, text, strict=True))
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def test_labels_without_scores_are_told(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text('{"media": "a.wav", "start": 0, "end": 1, "label": "sad"}\n')
    with pytest.raises(InputError, match="no audio_scores to tune"):
        tuned(tmp_path, path)
