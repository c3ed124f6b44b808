"""tasks/evaluation/fitting.py and the file it makes: from a stored evaluation to a decision, and back as a warning."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actors.contract import TAXONOMY
from infra.errors import ConfigError, InputError
from infra.shelf import FolderShelf
from tasks.config.dimension_map import load_map
from tasks.config.scoring import DecisionOptions
from tasks.evaluation.archive import PREDICTIONS, Archive
from tasks.evaluation.fitting import fit_map
from tests.support.evaluations import evaluation

ADV = ("arousal", "dominance", "valence")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """One stored evaluation of a dimensional and a categorical model on 60 segments of six media."""
    random = np.random.default_rng(0)
    truth = np.tile([0, 1, 3], 20)
    outputs = np.array([{0: (0.3, 0.5, 0.5), 1: (0.6, 0.5, 0.9), 3: (0.9, 0.5, 0.2)}[code] for code in truth.tolist()])
    outputs = outputs + 0.02 * random.standard_normal(outputs.shape)
    rows: list[dict[str, Any]] = [
        {"segment_key": f"key-{n}", "media": f"{n % 6}.wav", "truth": TAXONOMY[truth[n]], "candidate": "dims",
         "logits": outputs[n].tolist()}
        for n in range(60)
    ]  # fmt: skip
    record = evaluation()
    dims = record.models[0].model_copy(update={"model": "dims", "labels": ADV, "weights_sha256": "ab" * 32})
    plain = record.models[0].model_copy(update={"model": "plain", "labels": ("neu", "hap")})
    record = record.model_copy(update={"evaluation_id": "20260101T000000-abcdef", "models": (dims, plain)})
    archive = Archive(FolderShelf(tmp_path / "shelf"))
    archive.save(record, "", pa.Table.from_pylist(rows, schema=PREDICTIONS))
    return archive


def test_a_map_is_fitted_measured_out_of_fold_and_serves_as_a_decision(archive: Archive, tmp_path: Path) -> None:
    fitted = fit_map(archive, "20260101T000000-abcdef", "dims")
    assert fitted.map.emotions == ("neutral", "happy", "angry")
    assert fitted.provenance.counts == {"neutral": 20, "happy": 20, "angry": 20}
    assert fitted.provenance.out_of_fold["accuracy"] == pytest.approx(1.0)
    assert len(fitted.provenance.segments) == 60
    fitted.save(tmp_path / "map.json")
    assert load_map(tmp_path / "map.json") == fitted
    decision = DecisionOptions(dimension_map=str(tmp_path / "map.json")).build({})
    assert decision.dimension_map == fitted.map


@pytest.mark.parametrize(("candidate", "said"), [("plain", "no dimensional model"), ("nobody", r"there: dims")])
def test_only_a_dimensional_model_that_was_measured_can_be_fitted(archive: Archive, candidate: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_map(archive, "20260101T000000-abcdef", candidate)
    with pytest.raises(InputError, match="no evaluation"):
        fit_map(archive, "20250101T000000-abcdef", "dims")


def test_a_file_that_is_no_map_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seraph models fit"):
        load_map(tmp_path / "none.json")
    (tmp_path / "wrong.json").write_text('{"map": {"dimensions": ["arousal"]}}')
    with pytest.raises(ConfigError, match=r"wrong\.json holds no fitted map: map"):
        DecisionOptions(dimension_map=str(tmp_path / "wrong.json")).build({})
