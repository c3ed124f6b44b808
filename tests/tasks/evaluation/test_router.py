"""The router audit against hand arithmetic: which model heard which language, and what misrouting cost."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from actors.contract import TAXONOMY
from infra.shelf import FolderShelf
from tasks.evaluation.answers import Answers, from_heard
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import Segments, gather
from tasks.evaluation.hear import Wanted, hear
from tasks.evaluation.read import Read
from tasks.evaluation.result import Router
from tasks.evaluation.router import audit, route_models
from tasks.evaluation.text_answers import TextAnswers
from tasks.numerics.decision import Decision
from tests.support.evaluation import (
    ACCESS,
    Model,
    PoolStandIn,
    alone,
    labelled,
    line,
    model,
    one_hot,
    says,
    sure,
    system,
    wanted,
)

ENGLISH, KOREAN = model("models/en", says("happy")), model("models/ko", says("sad"))
BOTH = system("both", {"en": ENGLISH, "ko": KOREAN})
MEDIA = ("a", "b", "c", "d", "e")
"""Three English segments, all happy; two Korean ones, sad and happy."""
SPOKEN = {"a": "en", "b": "en", "c": "en", "d": "ko", "e": "ko"}
TRUTH = {"a": "happy", "b": "happy", "c": "happy", "d": "sad", "e": "happy"}


def uri(name: str) -> str:
    return f"s3://media/{name}.wav"


def labels(spoken: Mapping[str, str | None] = SPOKEN) -> Segments:
    return gather([labelled(*(line(f"{name}.wav", label=TRUTH[name], language=spoken[name]) for name in MEDIA))])


def answers(folder: Path, candidate: Candidate, heard_as: Mapping[str, str], *models: Model) -> Answers:
    segments: list[Wanted] = [wanted(uri(name), 0, 1.5) for name in MEDIA]
    contents = {uri(name): name for name in MEDIA}
    pool = PoolStandIn(contents, *models, languages={uri(name): heard_as[name] for name in MEDIA})
    return from_heard(
        candidate, hear(candidate, segments, HeardCache(FolderShelf(folder)), ACCESS, pool, lambda _: None)
    )


def audited(
    folder: Path,
    heard_as: Mapping[str, str],
    segments: Segments | None = None,
    of: Candidate = BOTH,
    models: tuple[Model, Model] = (ENGLISH, KOREAN),
) -> Router:
    routed = answers(folder, of, heard_as, *models)
    own = [answers(folder, alone(each), heard_as, *models) for each in models]
    found = audit(segments or labels(), of, routed, [routed, *own])
    assert found is not None
    return found


def test_routing_as_spoken_costs_nothing(tmp_path: Path) -> None:
    found = audited(tmp_path, SPOKEN)

    # Right: three English happy, the one Korean sad; the Korean happy one is wrong under its own model.
    assert (found.n, found.misrouted, found.quarantined) == (5, 0, 0)
    assert (found.accuracy, found.accuracy_oracle, found.cost) == (0.8, 0.8, 0.0)


def test_each_language_is_scored_under_each_model(tmp_path: Path) -> None:
    found = audited(tmp_path, SPOKEN)

    cells = {(each.language, each.model): (each.own, each.n, each.accuracy) for each in found.cells}
    assert cells == {
        ("en", "models/en"): (True, 3, 1.0),
        ("en", "models/ko"): (False, 3, 0.0),
        ("ko", "models/en"): (False, 2, 0.5),
        ("ko", "models/ko"): (True, 2, 0.5),
    }


def test_misrouting_costs_what_the_own_model_would_have_had_right(tmp_path: Path) -> None:
    found = audited(tmp_path, {**SPOKEN, "a": "ko", "b": "ko", "e": "en"})

    # a and b are now sad (wrong), e is now happy (right): 3 of 5 as routed, 4 of 5 by the oracle.
    assert found.misrouted == 3
    assert (found.accuracy, found.accuracy_oracle) == (0.6, 0.8)
    assert found.cost == pytest.approx(0.2)


def test_what_text_adds_is_no_matter_of_routing(tmp_path: Path) -> None:
    of = system("both", {"en": ENGLISH, "ko": KOREAN})
    routed = answers(tmp_path, of, {**SPOKEN, "a": "ko"}, ENGLISH, KOREAN)
    own = [answers(tmp_path, alone(each), SPOKEN, ENGLISH, KOREAN) for each in (ENGLISH, KOREAN)]
    before = audit(labels(), of, routed, [routed, *own])
    assert routed.posterior is not None
    text = TextAnswers(Read((None,) * 5), one_hot(["happy"] * 5), routed.posterior, {}, {}, has_say=True)
    fused = replace(routed, posterior=one_hot(["happy", "happy", "happy", "sad", "happy"]), text=text)

    found = audit(labels(), of, fused, [fused, *own])

    assert found == before


def test_a_segment_in_doubt_is_quarantined_and_counts_as_wrong(tmp_path: Path) -> None:
    found = audited(tmp_path, {**SPOKEN, "a": "ja"})

    assert (found.quarantined, found.misrouted) == (1, 0)
    assert (found.accuracy, found.accuracy_oracle) == (0.6, 0.8)


def test_a_segment_that_a_model_failed_on_is_not_in_doubt(tmp_path: Path) -> None:
    from actors.contract import Reason

    picky = model("models/en", lambda content, span: Reason.MODEL_ERROR if content == "a" else sure("happy"))

    found = audited(tmp_path, SPOKEN, models=(picky, KOREAN), of=system("both", {"en": picky, "ko": KOREAN}))

    assert (found.quarantined, found.accuracy, found.accuracy_oracle) == (0, 0.6, 0.6)


def test_the_oracle_decides_as_the_configuration_decides_each_language(tmp_path: Path) -> None:
    never_happy = Decision(label_map={each: each for each in TAXONOMY}, emotion_weights={"happy": 0.0, "neutral": 2.0})
    of = system("both", {"en": ENGLISH, "ko": KOREAN}, en=never_happy)

    found = audited(tmp_path, SPOKEN, of=of)

    assert (found.accuracy, found.accuracy_oracle, found.cost) == (0.2, 0.2, 0.0)


def test_segments_of_another_language_or_of_none_stay_out_and_spellings_do_not_matter(tmp_path: Path) -> None:
    spoken = {"a": "en-US", "b": "EN", "c": "ja", "d": "ko_KR", "e": None}

    found = audited(tmp_path, SPOKEN, labels(spoken))

    assert (found.n, found.accuracy) == (3, 1.0)


def test_labels_without_languages_leave_the_figures_undefined(tmp_path: Path) -> None:
    found = audited(tmp_path, SPOKEN, labels(dict.fromkeys(MEDIA)))

    assert (found.n, found.accuracy, found.cost) == (0, None, None)
    assert set(found.undefined) == {"accuracy", "accuracy_oracle", "cost"}
    assert {each.n for each in found.cells} == {0}


def test_two_languages_with_one_model_cannot_be_misrouted(tmp_path: Path) -> None:
    of = system("same", {"en": ENGLISH, "ko": ENGLISH})

    found = audited(tmp_path, {**SPOKEN, "a": "ko"}, of=of, models=(ENGLISH, ENGLISH))

    assert (found.misrouted, found.cost) == (0, 0.0)
    assert [(each.language, each.own) for each in found.cells] == [("en", True), ("ko", True)]


def test_without_the_models_on_their_own_there_is_no_audit(tmp_path: Path) -> None:
    routed = answers(tmp_path, BOTH, SPOKEN, ENGLISH, KOREAN)
    english = answers(tmp_path, alone(ENGLISH), SPOKEN, ENGLISH)

    assert audit(labels(), BOTH, routed, [routed, english]) is None


def test_a_configuration_brings_its_models_along_where_it_has_several() -> None:
    assert route_models(BOTH) == ("models/en", "models/ko")
    assert route_models(system("same", {"en": ENGLISH, "ko": ENGLISH})) == ()
    assert route_models(alone(ENGLISH)) == ()


def test_models_that_come_along_are_named_from_where_one_works_and_by_their_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here, away = model(str(tmp_path / "models" / "en")), model("/elsewhere/ko")

    assert route_models(system("own", {"en": here, "ko": away})) == ("models/en", "/elsewhere/ko")
