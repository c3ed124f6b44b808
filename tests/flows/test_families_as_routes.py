"""The demo corpus, scored with other families of checkpoints as routes: the whole road, whatever holds the heads."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from actors.checkpoints import load
from actors.decode import decode
from actors.options import ReadOptions
from infra.stack import Stack
from infra.storage import Store
from tasks.numerics.alarms import information
from tasks.numerics.decision import own_posterior
from tests.support.checkpoints import write_dimensional, write_ehcalabres, write_soxan
from tests.support.demo import audio_only
from tests.support.recipe_checkpoints import write_speechbrain
from tests.support.seraph import DEMO, Seraph

pytestmark = pytest.mark.stack

KOREAN = ("기쁨", "당황", "분노", "불안", "슬픔", "중립")

Write = Callable[[Path], Path]


def soxan(folder: Path) -> Path:
    return write_soxan(folder, labels=KOREAN)


def score(stack: Stack, folder: Path, english: Write, korean: Write) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score the demo's media with two checkpoints as routes: the run's record, and the table."""
    models = {"en": english(folder / "english"), "ko": korean(folder / "korean")}
    routes = {language: {"model": str(model)} for language, model in models.items()}
    config = audio_only(folder, name="families", routes=routes)
    assert stack.services.local_root is not None
    seraph = Seraph(stack.services.local_root.parent)
    results = f"s3://families-{os.getpid()}-{english.__name__.replace('_', '-')}"
    Store(stack.services.store).ensure_bucket(results.removeprefix("s3://"))
    media = DEMO / "media"
    done = seraph.run("score", "--media", str(media), "--results", results, "--config", config, "--json")
    return json.loads(done.stdout), seraph.table(media, results, config)


def assert_heard_as_alone(table: pd.DataFrame, model: Path) -> None:
    """Some rows of a model have the label that it gives those segments by hand, one at a time."""
    loaded = load(str(model), dtype="fp32", device="cpu")
    rows = table[table["model"] == str(model)].head(3)
    assert len(rows) == 3
    for _, row in rows.iterrows():
        with (DEMO / "media" / row["media_uri"].split("/", 3)[3]).open("rb") as file:
            signal = decode(file, ReadOptions()).signal
        logits = loaded.logits([signal[round(row["start_s"] * 16_000) : round(row["end_s"] * 16_000)]])
        own, labels = own_posterior(logits, loaded.spec)
        assert row["label"] == labels[int(own[0].argmax())]
        assert row["information"] == pytest.approx(information(own)[0], abs=1e-3)


def test_the_demo_corpus_is_scored_with_a_soxan_and_an_ehcalabres_checkpoint(stack: Stack, tmp_path: Path) -> None:
    record, table = score(stack, tmp_path, write_ehcalabres, soxan)
    assert (record["status"], record["validation"]["failed"]) == ("completed", [])
    assert record["media"]["scored"] + record["media"]["quarantined"] == 60
    assert {key: each["family"] for key, each in record["models"].items()} == {"en": "ehcalabres", "ko": "soxan"}
    english = table[table["model"] == str(tmp_path / "english")]
    korean = table[table["model"] == str(tmp_path / "korean")]
    assert len(english) + len(korean) == len(table) == record["segments"] > 100
    assert (english["dropped_mass"] > 0).all(), "calm is no emotion of the seven"
    assert np.allclose(korean["dropped_mass"], 0)
    assert set(korean["label"]) <= set(KOREAN)
    assert (korean["p_disgust"] == 0).all(), "no Korean label means disgust"
    for name in ("english", "korean"):
        assert_heard_as_alone(table, tmp_path / name)


def test_the_demo_corpus_is_scored_with_a_speechbrain_and_a_dimensional_checkpoint(
    stack: Stack, tmp_path: Path
) -> None:
    record, table = score(stack, tmp_path, write_speechbrain, write_dimensional)
    assert (record["status"], record["validation"]["failed"]) == ("completed", [])
    assert {key: each["kind"] for key, each in record["models"].items()} == {"en": "categorical", "ko": "dimensional"}
    assert record["models"]["en"]["family"] == "speechbrain"
    mapped = table["flags"].map(lambda flags: "mapped_from_dimensions" in flags)
    assert (mapped == (table["model"] == str(tmp_path / "korean"))).all()
    assert mapped.any()
    assert not mapped.all()
    assert (table.loc[~mapped, ["p_fear", "p_surprise", "p_disgust"]] == 0).all(axis=None)
    for name in ("english", "korean"):
        assert_heard_as_alone(table, tmp_path / name)
