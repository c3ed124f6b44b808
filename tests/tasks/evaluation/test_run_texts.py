"""Evaluations of candidates that read, up to the stored record: what they add, and what they must not cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infra.errors import CheckpointError, InputError, RayError, WeightsAbsentError
from infra.services import Services
from infra.shelf import FolderShelf
from tasks.config.scoring import load_config
from tasks.evaluation.archive import Archive
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import find_media, gather
from tasks.evaluation.read_texts import OpenTexts
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.run import Opened, conclude, hear_candidate
from tasks.evaluation.run_texts import read_candidate
from tasks.numerics.decision import POOLINGS
from tasks.tuning.evidence import stored
from tasks.tuning.request import TuneRequest
from tasks.tuning.result import Tuning
from tasks.tuning.run import tune
from tests.support.evaluation import ACCESS, Model, PoolStandIn, alone, labelled, line, model, sure, system
from tests.support.reading import TextModel, TextsStandIn, reader, reads, text_model
from tests.support.stores import info

TRUTH = ["neutral"] * 12 + ["angry"] * 6 + ["happy"] * 6 + ["sad"] * 6
MEDIA = tuple(f"m{row}.wav" for row in range(6))
AUDIO = model("models/en", lambda content, span: sure("neutral", 1.0 + span.start_s % 7 / 10))
TEXT = text_model()
ID = "20260101T000000-abcdef"


def uri(media: str) -> str:
    return f"s3://media/{media}"


@dataclass
class Bench:
    """Labelled media of which every line but each fifth has a text that names its emotion, without a service."""

    folder: Path

    def opened(self, *candidates: Candidate) -> Opened:
        lines = [
            line(MEDIA[row % 6], row * 4, row * 4 + 3, each, text=f"{each} {row}" if row % 5 else None, language="en")
            for row, each in enumerate(TRUTH)
        ]
        segments, found = find_media(gather([labelled(*lines)]), [info(uri(each)) for each in MEDIA])
        names = tuple(each.name for each in candidates)
        request = EvaluateRequest(labels=("labels.jsonl",), models=names, media="s3://media", config="demo")
        shelf = FolderShelf(self.folder)
        services = Services(store=ACCESS, local_store=None, prefect_api_url="", ray_address="")
        return Opened(
            ID, 0.0, request, load_config("demo"), segments, tuple(found), candidates, services, Archive(shelf),
            HeardCache(shelf),
        )  # fmt: skip

    def evaluate(self, workers: OpenTexts, *candidates: Candidate, audio: Model = AUDIO) -> Evaluation:
        opened = self.opened(*candidates)
        pool = PoolStandIn({uri(each): each for each in MEDIA}, audio, languages={uri(each): "en" for each in MEDIA})
        heard = {each.name: hear_candidate(opened, each, pool) for each in candidates}
        read = {each.name: read_candidate(opened, each, heard[each.name], workers) for each in candidates}
        return conclude(opened, read)

    @property
    def predictions(self) -> pd.DataFrame:
        return Archive(FolderShelf(self.folder)).predictions(ID)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def fusing(audio_weight: float = 0.2) -> Candidate:
    return system("both", {"en": AUDIO}, reads=reads({"en": TEXT}), audio_weight=audio_weight)


def failing(error: Exception) -> OpenTexts:
    return TextsStandIn(error=error)


def test_a_fusing_configuration_and_a_model_that_reads_stand_beside_one_that_hears(bench: Bench) -> None:
    evaluation = bench.evaluate(TextsStandIn(TEXT), alone(AUDIO), fusing(), reader(TEXT))

    hears, fuses, only_reads = (evaluation.model(name) for name in ("models/en", "both", "models/text"))
    # Each fifth has no text: 24 of 30 have one, and neutral are 12 of all and 2 of the 6 without.
    assert hears.accuracy == pytest.approx(12 / 30)
    silent = [each for row, each in enumerate(TRUTH) if row % 5 == 0]
    assert fuses.accuracy == pytest.approx((24 + silent.count("neutral")) / 30)
    assert (only_reads.n, only_reads.accuracy) == (30, pytest.approx(24 / 30))
    assert (only_reads.unscored, only_reads.unscored_reasons) == (6, {"no_text": 6})
    assert "incomplete" in only_reads.flags
    assert (evaluation.inferred, evaluation.cached) == (30 + 30 + 24, 24), "both have the same text model"


def test_the_record_tells_what_was_read_and_which_models_are_behind_it(bench: Bench) -> None:
    evaluation = bench.evaluate(TextsStandIn(TEXT), fusing(), reader(TEXT))

    fuses, only_reads = evaluation.model("both"), evaluation.model("models/text")
    assert fuses.text is not None
    assert (fuses.text.n, fuses.text.sources, fuses.text.missing) == (24, {"labels": 24}, {"no_text": 6})
    assert (fuses.text.has_say, fuses.text.accuracy) == (True, 1.0)
    audio = [each for row, each in enumerate(TRUTH) if row % 5]
    assert fuses.text.accuracy_audio == pytest.approx(audio.count("neutral") / 24)
    assert [(each.modality, each.source) for each in fuses.parts] == [("audio", "models/en"), ("text", "models/text")]
    assert [each.modality for each in only_reads.parts] == ["text"]
    assert only_reads.text is not None
    assert only_reads.text.accuracy_audio is None


def test_a_second_evaluation_infers_nothing_and_says_the_same(bench: Bench) -> None:
    first = bench.evaluate(TextsStandIn(TEXT), fusing(), reader(TEXT))
    workers = TextsStandIn(TEXT)

    second = bench.evaluate(workers, fusing(), reader(TEXT))

    assert workers.opened == 0
    assert (second.inferred, second.cached) == (0, first.inferred + first.cached)
    assert second.models == first.models


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CheckpointError("a tensor is missing"), "refused"),
        (WeightsAbsentError("not here"), "failed"),
        (RayError("no worker"), "failed"),
        (KeyError("what nobody thought of"), "failed"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_text_model_that_fails_costs_the_audio_nothing(bench: Bench, error: Exception, status: str) -> None:
    evaluation = bench.evaluate(failing(error), alone(AUDIO), fusing(), reader(TEXT))

    assert evaluation.model("models/text").status == status
    assert str(error) in (evaluation.model("models/text").reason or "")
    fuses = evaluation.model("both")
    assert fuses.accuracy == evaluation.model("models/en").accuracy
    assert "text_failed" in fuses.flags
    assert fuses.text is not None
    assert str(error) in (fuses.text.problem or "")


def test_a_label_file_of_a_configurations_own_that_is_not_there_is_told_and_the_audio_stands(bench: Bench) -> None:
    own = reads({"en": TEXT}, labels="/nowhere/labels.csv")
    candidate = system("both", {"en": AUDIO}, reads=own, audio_weight=0.2)

    evaluation = bench.evaluate(TextsStandIn(TEXT), candidate)

    found = evaluation.model("both")
    assert found.status == "ok"
    assert found.text is not None
    assert "no label file /nowhere/labels.csv" in (found.text.problem or "")


def test_a_candidate_that_nobody_let_read_is_a_row_with_its_reason(bench: Bench) -> None:
    opened = bench.opened(reader(TEXT))

    evaluation = conclude(opened, {"models/text": hear_candidate(opened, opened.candidates[0], failing(KeyError()))})  # type: ignore[arg-type]

    assert evaluation.model("models/text").reason == "it answered none of the 30 segments (not_read 30)"


def test_answers_are_stored_with_what_was_heard_and_what_was_read_apart(bench: Bench) -> None:
    bench.evaluate(TextsStandIn(TEXT), alone(AUDIO), fusing())

    rows = bench.predictions
    fused, heard = rows[rows["candidate"] == "both"], rows[rows["candidate"] == "models/en"]
    has = fused["text"].notna()
    assert has.sum() == 24
    assert list(fused.loc[has, "text"].str.split().str[0]) == list(fused.loc[has, "truth"])
    assert fused["text_p_happy"].notna().equals(has)
    assert set(fused["text_reason"].dropna()) == {"no_text"}
    assert set(fused.loc[has, "text_weights_sha256"]) == {TEXT.spec.weights_sha256}
    assert fused["audio_p_neutral"].to_numpy() == pytest.approx(heard["audio_p_neutral"].to_numpy())
    expected = 0.2 * fused["audio_p_sad"] + 0.8 * fused["text_p_sad"]
    assert fused.loc[has, "p_sad"].to_numpy() == pytest.approx(expected[has].to_numpy(), abs=1e-6)
    assert heard[["text", "text_p_sad", "text_reason"]].isna().all(axis=None)


# -- what tuning takes from it -----------------------------------------------------------------------------------------


def says(found: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None") -> Sequence[bool]:
    assert found is not None
    return [bool(each) for each in found]


def test_a_fusing_candidate_is_tuned_on_what_it_heard_and_what_it_read(bench: Bench) -> None:
    bench.evaluate(TextsStandIn(TEXT), fusing(), reader(TEXT))

    found = stored(Archive(FolderShelf(bench.folder)), ID, "both").evidence

    rows = bench.predictions[bench.predictions["candidate"] == "both"]
    assert found.text is not None
    assert found.text[:, 1] == pytest.approx(rows["text_p_happy"].to_numpy(), nan_ok=True)
    assert found.recorded is not None
    assert found.recorded[:, 0] == pytest.approx(rows["audio_p_neutral"].to_numpy())
    assert (says(found.audio_says), says(found.text_says)) == ([True] * 7, [True] * 7)


def test_models_that_say_others_in_turn_are_told_apart_by_segment(bench: Bench) -> None:
    few = text_model("models/few", lambda text: (2.0, 0.0), labels=("happy", "sad"))
    odd: Mapping[str, str] = {uri(each): "ko" if number % 2 else "en" for number, each in enumerate(MEDIA)}
    both = system("both", {"en": AUDIO, "ko": AUDIO}, reads=reads({"en": TEXT, "ko": few}), audio_weight=0.2)
    opened = bench.opened(both)
    heard = hear_candidate(opened, both, PoolStandIn({uri(each): each for each in MEDIA}, AUDIO, languages=odd))
    conclude(opened, {"both": read_candidate(opened, both, heard, TextsStandIn(TEXT, few))})

    found = stored(Archive(FolderShelf(bench.folder)), ID, "both").evidence

    rows = bench.predictions
    assert found.text_says is not None
    said = {sha: set(map(tuple, found.text_says[(rows["text_weights_sha256"] == sha).to_numpy()].tolist()))
            for sha in (TEXT.spec.weights_sha256, few.spec.weights_sha256)}  # fmt: skip
    assert list(said.values()) == [{(True,) * 7}, {(False, True, True, False, False, False, False)}]


NARROW = model("models/narrow", lambda content, span: (span.start_s % 7 / 10, 1.0), labels=("neutral", "happy"))


def narrow(audio_weight: float, text: TextModel = TEXT) -> Candidate:
    """Its audio says two emotions, its text all that are there."""
    return system("narrow", {"en": NARROW}, reads=reads({"en": text}), audio_weight=audio_weight)


def tuned(bench: Bench, **changes: Any) -> Tuning:
    request = TuneRequest(**{"evaluation": ID, "settings": ("audio_weight=0.5,1.0",), **changes})
    return tune(request, lambda source: b"", FolderShelf(bench.folder))


def test_what_a_tuning_measures_gains_from_is_what_a_run_says_where_text_has_no_say(bench: Bench) -> None:
    measured = bench.evaluate(TextsStandIn(TEXT), narrow(1.0), audio=NARROW).model("narrow")

    for pooling in POOLINGS:
        found = tuned(bench, pooling=pooling)

        assert found.fusion is not None
        alone, by_text = found.fusion.candidates[:2]
        assert found.default.accuracy == alone.scores.accuracy == pytest.approx(measured.accuracy)
        assert found.default.cross_entropy == alone.scores.cross_entropy == pytest.approx(measured.cross_entropy)
        assert (by_text.scores.accuracy or 0.0) > (measured.accuracy or 0.0)


def test_what_a_tuning_finds_at_a_weight_is_what_a_run_says_at_it(bench: Bench) -> None:
    measured = bench.evaluate(TextsStandIn(TEXT), narrow(0.5), audio=NARROW).model("narrow")

    found = tuned(bench, settings=("audio_weight=0.5",))

    assert found.apparent.accuracy == pytest.approx(measured.accuracy)
    assert found.apparent.cross_entropy == pytest.approx(measured.cross_entropy)


def test_a_product_of_both_keeps_what_only_the_text_can_say(bench: Bench) -> None:
    # Of what both can say the text is always wrong: by text alone happy and neutral are lost.
    swapped = {"happy": "neutral", "neutral": "happy"}
    text = text_model("models/swapped", lambda said: sure(swapped.get(said.split()[0], said.split()[0]), 3.0))
    heard = model(
        "models/narrow",
        lambda content, span: (4.0, 0.0) if span.start_s < 60 else (0.0, 4.0),
        labels=NARROW.spec.labels,
    )
    both = system("narrow", {"en": heard}, reads=reads({"en": text}), audio_weight=0.5)
    bench.evaluate(TextsStandIn(text), both, audio=heard)

    found = tuned(bench).fusion

    assert found is not None
    product = next(each for each in found.candidates if each.name == "log-linear pool")
    by_text = next(each for each in found.candidates if each.name == "text alone")
    assert (product.scores.accuracy or 0.0) > (by_text.scores.accuracy or 0.0) + 0.2


def test_a_candidate_that_only_reads_is_not_tuned(bench: Bench) -> None:
    bench.evaluate(TextsStandIn(TEXT), alone(AUDIO), reader(TEXT))
    archive = Archive(FolderShelf(bench.folder))

    assert stored(archive, ID, None).name == "models/en", "though the other is more accurate"
    with pytest.raises(InputError, match="models/text only reads"):
        stored(archive, ID, "models/text")
