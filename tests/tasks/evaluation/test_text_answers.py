"""Answers of candidates that read: fused where text has a say, kept apart always, and never at the audio's cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actors.contract import TAXONOMY
from infra.shelf import FolderShelf
from tasks.evaluation.answers import TEXT_FAILED, Answers, from_heard
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.hear import hear
from tasks.evaluation.read import Read
from tasks.evaluation.read_texts import Said, read_texts, unread
from tasks.numerics.decision import Decision
from tests.support.evaluation import ACCESS, PoolStandIn, model, sure, system, wanted
from tests.support.reading import Subtitles, TextModel, TextsStandIn, reader, reads, text_model

A = "s3://media/a.wav"
AUDIO = model("models/en", lambda content, span: sure("sad", 1.0))
TEXT = text_model()
WANTED = [wanted(A, 0, 2), wanted(A, 5, 7)]
SAID = ("happy words", None)


def answers(folder: Path, candidate: Candidate, *models: TextModel, said: tuple[str | None, ...] = SAID) -> Answers:
    """What a candidate answers to segments of which it hears that they are sad, and reads what is said."""
    cache, wanted_now = HeardCache(FolderShelf(folder)), WANTED[: len(said)]
    heard = unread(len(said))
    if candidate.hears:
        pool = PoolStandIn({A: "ca"}, AUDIO, languages={A: "en"})
        heard = hear(candidate, wanted_now, cache, ACCESS, pool, lambda _: None)
    labels = Said(said, ["en"] * len(said), {})
    workers = TextsStandIn(*models)
    read = read_texts(candidate, heard, wanted_now, labels, cache, Subtitles(), ACCESS, workers, lambda _: None)
    return from_heard(candidate, read)


def fusing(audio_weight: float, text: TextModel = TEXT) -> Candidate:
    return system("both", {"en": AUDIO}, reads=reads({"en": text}), audio_weight=audio_weight)


def softmax(lead: float) -> tuple[float, float]:
    """Probability of the one that leads, and of each other."""
    total = np.exp(lead) + 6
    return np.exp(lead) / total, 1 / total


def test_a_configuration_answers_fused_where_there_is_text_and_by_audio_where_there_is_none(tmp_path: Path) -> None:
    found = answers(tmp_path, fusing(0.25), TEXT)

    heard, unheard = softmax(1.0)
    read, unread_ = softmax(3.0)
    happy, sad = TAXONOMY.index("happy"), TAXONOMY.index("sad")
    # A quarter of the audio's, three quarters of the text's.
    assert found.posterior[0, happy] == pytest.approx(0.25 * unheard + 0.75 * read)
    assert found.posterior[0, sad] == pytest.approx(0.25 * heard + 0.75 * unread_)
    assert found.posterior[1, sad] == pytest.approx(heard)
    assert found.prediction.tolist() == [happy, sad]
    assert found.by_audio.tolist() == [sad, sad]


def test_audio_and_text_are_kept_apart_before_any_decision(tmp_path: Path) -> None:
    weighted = Decision(label_map={each: each for each in TAXONOMY}, audio_weight=0.5, emotion_weights={"sad": 0.0})
    candidate = system("both", {"en": AUDIO}, reads=reads({"en": TEXT}), audio_weight=0.5, en=weighted)

    found = answers(tmp_path, candidate, TEXT)

    assert found.audio is not None
    assert found.text is not None
    assert found.audio[:, 2] == pytest.approx([softmax(1.0)[0]] * 2)
    assert found.text.posterior[0, 1] == pytest.approx(softmax(3.0)[0])
    assert np.isnan(found.text.posterior[1]).all()
    assert found.posterior[0, 2] == 0.0


def test_at_a_weight_of_one_text_stands_beside_and_changes_nothing(tmp_path: Path) -> None:
    with_text, without = answers(tmp_path, fusing(1.0), TEXT), answers(tmp_path / "2", fusing(1.0), TEXT, said=(None,))

    assert with_text.posterior[0] == pytest.approx(without.posterior[0])
    assert with_text.text is not None
    assert not with_text.text.has_say
    assert with_text.text.posterior[0, 1] > 0.7


def test_what_a_configuration_can_say_includes_what_its_text_says_where_that_has_a_say(tmp_path: Path) -> None:
    four = {"labels": ("neutral", "happy", "sad", "angry")}
    heard = model("models/four", lambda content, span: (0.0, 0.0, 1.0, 0.0), **four)
    pool = PoolStandIn({A: "ca"}, heard, languages={A: "en"})

    def says(weight: float) -> list[bool]:
        candidate = system("both", {"en": heard}, reads=reads({"en": TEXT}), audio_weight=weight)
        cache = HeardCache(FolderShelf(tmp_path / f"{weight}"))
        first = hear(candidate, WANTED, cache, ACCESS, pool, lambda _: None)
        said, workers = Said(SAID, ("en", "en"), {}), TextsStandIn(TEXT)
        read = read_texts(candidate, first, WANTED, said, cache, Subtitles(), ACCESS, workers, lambda _: None)
        return [bool(each) for each in from_heard(candidate, read).can_say]

    assert says(0.5) == [True] * 7
    assert says(1.0) == [True] * 4 + [False] * 3


def test_a_model_that_reads_answers_by_text_alone(tmp_path: Path) -> None:
    found = answers(tmp_path, reader(TEXT), TEXT)

    assert found.prediction.tolist() == [TAXONOMY.index("happy"), -1]
    assert (dict(found.reasons), found.flags) == ({"no_text": 1}, ("incomplete",))
    assert found.audio is None
    assert found.heard_as == (("en", TEXT.spec.weights_sha256), None)
    assert found.by_audio.tolist() == found.prediction.tolist()


def test_texts_that_could_not_be_read_at_all_leave_the_audio_and_are_flagged(tmp_path: Path) -> None:
    cache, pool = HeardCache(FolderShelf(tmp_path)), PoolStandIn({A: "ca"}, AUDIO, languages={A: "en"})
    candidate = fusing(0.25)
    heard = hear(candidate, WANTED, cache, ACCESS, pool, lambda _: None)
    without = from_heard(candidate, heard)

    found = from_heard(candidate, replace(heard, read=Read((None, None), problem="no weights")))

    assert found.posterior == pytest.approx(without.posterior)
    assert TEXT_FAILED in found.flags
    assert TEXT_FAILED not in without.flags


def test_a_toy_that_reads_flags_the_configuration_and_so_does_one_that_says_nothing(tmp_path: Path) -> None:
    toy = text_model("models/toy", lambda text: (0.0,) * 7, demo=True)
    segments = tuple(f"text {number}" for number in range(2))

    found = answers(tmp_path, fusing(0.5, toy), toy, said=segments)

    assert "demo_model" in found.flags
    assert not any(flag.startswith("text_near") for flag in found.flags), "two segments are too few to tell"
