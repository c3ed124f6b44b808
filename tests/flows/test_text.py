"""The text branch on the real stack: subtitles beside four utterances, small text models, and what must not fail."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from actors.checkpoints import load_text
from infra.stack import Stack
from infra.storage import Store
from tests.support.demo import utterances
from tests.support.seraph import DEMO, Seraph, assert_same_table
from tests.support.text_checkpoints import ENGLISH, write_text

pytestmark = pytest.mark.stack

LINES = {
    "en-001": "I am so happy to see you again!",
    "ko-001": "오늘은 정말 슬픈 하루였어요.",
    "en-002": "Why would you do that?",
}


@dataclass(frozen=True)
class Corpus:
    """Four utterances, three with subtitles, and a results store that holds their audio scores."""

    seraph: Seraph
    folder: Path
    media: Path
    results: str
    stored: Path
    heard: pd.DataFrame

    def config(self, audio_weight: float = 0.3, **text: Any) -> str:
        """The demo's configuration with texts, as a file."""
        config = yaml.safe_load((DEMO / "config.yaml").read_text().replace("./", f"{DEMO}/"))
        models = {"en": {"model": str(self.folder / "en")}, "ko": {"model": str(self.folder / "ko")}}
        config |= {"decision": {"audio_weight": audio_weight}, "text": {"source": "sidecar", "models": models} | text}
        path = self.folder / f"config-{len(list(self.folder.glob('*.yaml')))}.yaml"
        path.write_text(yaml.safe_dump(config))
        return str(path)

    def score(self, config: str) -> dict[str, Any]:
        """Run once more over the same media and results."""
        return self.seraph.score(self.media, self.results, config=config)

    def table(self, config: str) -> pd.DataFrame:
        """The current table under a configuration."""
        return self.seraph.table(self.media, self.results, config)


@pytest.fixture(scope="module")
def corpus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("text")
    for language in ("en", "ko"):
        (folder / "media" / language).mkdir(parents=True)
        for file in utterances(language)[:2]:
            shutil.copy(file, folder / "media" / language)
    for name, line in LINES.items():
        subtitles = f"1\r\n00:00:00,000 --> 00:00:30,000\r\n<i>{line}</i>\r\n"
        (folder / "media" / name[:2] / f"{name}.srt").write_bytes(subtitles.encode("utf-16"))
    write_text(folder / "en")
    write_text(folder / "ko", "electra", labels=("기쁨", "슬픔", "분노"))
    bucket = f"results-text-{os.getpid()}"
    Store(stack.services.store).ensure_bucket(bucket)
    assert stack.services.local_root is not None
    stored, seraph = stack.services.local_root / bucket, Seraph(stack.services.local_root.parent)
    without = yaml.safe_load((DEMO / "config.yaml").read_text().replace("./", f"{DEMO}/"))
    (folder / "without.yaml").write_text(yaml.safe_dump({**without, "text": None}))
    config = str(folder / "without.yaml")
    seraph.score(folder / "media", f"s3://{bucket}", config=config)
    heard = seraph.table(folder / "media", f"s3://{bucket}", config)
    return Corpus(seraph, folder, folder / "media", f"s3://{bucket}", stored, heard)


def names(table: pd.DataFrame) -> list[str]:
    return [Path(uri).stem for uri in table["media_uri"]]


def test_texts_are_read_beside_the_audio_fused_reported_and_read_once(corpus: Corpus) -> None:
    config = corpus.config()
    record = corpus.score(config)
    assert (record["status"], record["media"]["planned"], record["workers"]) == ("completed", 0, {})
    assert record["redecided"] == len(corpus.heard), "once, for the new weight; with texts that are new it is no again"
    table = corpus.table(config)
    read = table[table["text"].notna()]
    assert {name: " ".join(each["text"]) for name, each in read.groupby(names(read))} == LINES
    assert list(table["segment_id"]) == list(corpus.heard["segment_id"]), "audio was not scored again"
    with_text = table["text"].notna()
    assert record["text"]["segments"] == with_text.sum() == record["text"]["sources"]["sidecar"] > 0
    assert record["text"]["without"] == (~with_text).sum() > 0
    assert (record["text"]["waiting"], record["text"]["failed"], record["text"]["problems"]) == (0, 0, [])
    assert ["no_text" in flags for flags in table["flags"]] == list(~with_text)
    assert list(table["emotion_audio"]) == list(corpus.heard["emotion"])
    assert list(table.loc[~with_text, "emotion"]) == list(corpus.heard.loc[~with_text, "emotion"])
    difference = (table["p_happy"] - corpus.heard["p_happy"]).abs()
    assert difference[with_text].max() > 0.01 > 1e-6 > difference[~with_text].max()
    page = Path(record["outputs"]["report_file"]).read_text()
    assert "from subtitles beside the medium" in page
    assert "자막에서 가져옴" in page
    files = {file: file.stat().st_mtime_ns for file in corpus.stored.glob("texts/config=*/text=*/shard=*.parquet")}
    assert len(files) == 1

    again = corpus.score(config)
    assert (again["redecided"], again["text"]) == (0, record["text"])
    weighted = corpus.score(corpus.config(audio_weight=0.9))
    assert (weighted["redecided"], weighted["decision"] != record["decision"]) == (len(table), True)
    now = {file: file.stat().st_mtime_ns for file in corpus.stored.glob("texts/config=*/text=*/shard=*.parquet")}
    assert now == files, "a text is found and read once"


def test_what_the_text_model_said_is_stored(corpus: Corpus) -> None:
    corpus.score(corpus.config())
    (file,) = corpus.stored.glob("texts/config=*/text=*/shard=*.parquet")
    texts = pd.read_parquet(file)
    row = texts[texts["text"] == LINES["en-001"]].iloc[0]
    (expected,) = load_text(str(corpus.folder / "en"), dtype="fp32").logits([LINES["en-001"]])
    assert row["text_logits"] == pytest.approx(expected, abs=1e-4)
    assert (row["text_source"], row["text_model"], len(row["text_logits"])) == (
        "sidecar",
        str(corpus.folder / "en"),
        len(ENGLISH),
    )


@pytest.mark.parametrize("fault", ["absent", "damaged"])
def test_a_text_model_that_fails_is_a_warning_and_the_audio_results_stand(corpus: Corpus, fault: str) -> None:
    place = corpus.folder / fault
    if fault == "damaged":
        shutil.copytree(corpus.folder / "en", place)
        tensors = load_file(place / "model.safetensors")
        del tensors["roberta.encoder.layer.1.output.dense.weight"]  # found out by whoever loads it, on a worker
        save_file({key: np.ascontiguousarray(each) for key, each in tensors.items()}, place / "model.safetensors")
    config = corpus.config(models={"en": {"model": str(place)}})

    record = corpus.score(config)

    assert record["status"] == "completed"
    (problem,) = record["text"]["problems"]
    assert str(place) in problem
    assert any(problem in warning for warning in record["validation"]["warnings"])
    assert record["text"]["waiting"] == record["corpus"]["segments"] == len(corpus.heard)
    table = corpus.table(config)
    assert_same_table(table, corpus.heard)
    assert list(table["decision"].unique()) == [record["decision"]]
    assert table["text"].isna().all()
    assert "Texts could not be found or read" in Path(record["outputs"]["report_file"]).read_text()
