"""A re-evaluation from what its candidates said to its stored report, without a service: tuned, promoted, compared."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.contract import TAXONOMY
from infra.services import Services
from infra.shelf import FolderShelf
from tasks.config.scoring import DecisionOptions, load_config
from tasks.evaluation.archive import Archive
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import find_media, gather
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.run import Opened as OpenedEvaluation
from tasks.evaluation.run import conclude, hear_candidate
from tasks.promotion.current import Chosen, Promotions, choose
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.reevaluation.open import Opened
from tasks.reevaluation.request import ReevaluateRequest
from tasks.reevaluation.result import Reevaluation, Row, Tuned
from tasks.reevaluation.run import conclude_reevaluation
from tasks.reevaluation.tune import parameters, promote, tuned_on
from tasks.tuning.archive import TuningArchive
from tests.support.evaluation import ACCESS, Model, PoolStandIn, alone, labelled, line, model, says, sure, system
from tests.support.promotions import NOW, store_tuning
from tests.support.reevaluations import tuned
from tests.support.stores import info
from tests.support.watched import LABELS, said, snapshot

MEDIA = tuple(f"m{number}.wav" for number in range(12))
TRUTH = [("neutral", "sad", "neutral", "angry", "neutral", "happy")[row % 6] for row in range(48)]
ROUTED = load_config("default").routes["en"].model
REFUSED = ModelResult(model="broken", kind="model", status="refused", reason="the head has 5 outputs")


class Place:
    """A results store, and candidates that have heard labelled media; the one named `current` is the current one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = FolderShelf(folder)

    def evaluate(self, *models: Model | ModelResult, truth: Sequence[str] = TRUTH) -> Evaluation:
        lines = [line(MEDIA[row % 12], row * 4, row * 4 + 3, each) for row, each in enumerate(truth)]
        uris = {f"s3://media/{each}": each for each in MEDIA}
        segments, wanted = find_media(gather([labelled(*lines)]), [info(uri) for uri in uris])
        candidates = [each if isinstance(each, ModelResult) else self._candidate(each) for each in models]
        names = tuple(each.model if isinstance(each, ModelResult) else each.name for each in candidates)
        services = Services(store=ACCESS, local_store=None, prefect_api_url="", ray_address="")
        opened = OpenedEvaluation(
            f"2026010{len(list(self.shelf.names('evaluations')))}T000000-abcdef", 0.0,
            EvaluateRequest(labels=("labels.jsonl",), models=names, media="s3://media", config="demo"),
            load_config("demo"), segments, tuple(wanted), tuple(candidates), services, Archive(self.shelf),
            HeardCache(self.shelf),
        )  # fmt: skip
        pool = PoolStandIn(
            uris, *(each for each in models if isinstance(each, Model)), languages=dict.fromkeys(uris, "en")
        )
        heard = {each.name: hear_candidate(opened, each, pool) for each in candidates if isinstance(each, Candidate)}
        return conclude(opened, heard)

    def _candidate(self, each: Model) -> Candidate:
        """A model, or the current configuration where it is the one that the configuration routes to."""
        return system("current", {"en": each}) if each.spec.source == ROUTED else alone(each)

    def opened(self, *rows: str, last: Reevaluation | None = None, **changes: Any) -> Opened:
        request = ReevaluateRequest(
            labels=LABELS, media="s3://media", results="s3://results", models=("rival", "broken"), **changes
        )
        chosen = choose("current", lambda: self.shelf)
        evaluate = EvaluateRequest(labels=(LABELS,), models=("current",), media="s3://media")
        said_so = snapshot([said(f"{each}.wav", emotion="sad") for each in rows or ("a",)])
        return Opened(request, self.shelf, said_so, "asked", chosen, evaluate, (), last, 0.0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def knowing(name: str) -> Model:
    """A model that hears what the labels say."""
    return model(name, lambda content, span: sure(TRUTH[round(span.start_s / 4)]))


def timid(name: str = ROUTED) -> Model:
    """A model that hears every emotion, and says neutral all the same: less neutral would make it perfect."""

    def answer(content: str, span: Any) -> list[float]:
        heard = sure(TRUTH[round(span.start_s / 4)], 2.0)
        return [value + 2.2 * (emotion == "neutral") for emotion, value in zip(TAXONOMY, heard, strict=True)]

    return model(name, answer)


def test_the_record_has_the_candidates_the_labels_and_what_to_do_and_is_stored_with_its_page(place: Place) -> None:
    opened = replace(place.opened("a", "b"), unusable=(Row(model="wrong.yaml", kind="system", named=True,
                                                           status="failed", reason="no such file"),))  # fmt: skip
    hardly = model("current", lambda content, span: sure("neutral", 1 + span.start_s / 50))
    evaluation = place.evaluate(hardly, knowing("rival"), REFUSED)

    found = conclude_reevaluation(opened, evaluation, tuned(), NOW)

    assert [(each.model, each.status) for each in found.candidates] == [
        ("current", "ok"), ("rival", "ok"), ("broken", "refused"), ("wrong.yaml", "failed"),
    ]  # fmt: skip
    assert [(each.kind, each.model) for each in found.recommendation] == [("look", "rival")]
    assert (found.labels.said, found.labels.added, found.labels.since) == (2, 2, None)
    assert found.evaluation_id == evaluation.evaluation_id
    assert ReevaluationArchive(place.shelf).last(LABELS, "s3://media/") == found
    assert found.outputs.report_file is not None
    assert "rival" in Path(found.outputs.report_file).read_text(encoding="utf-8")


def test_the_next_one_tells_which_labels_came_and_that_the_answers_are_the_same(place: Place) -> None:
    models = (knowing("current"), model("rival", says("sad")))
    first = conclude_reevaluation(place.opened("a", "b"), place.evaluate(*models), tuned(), NOW)
    second = conclude_reevaluation(place.opened("b", "c", last=first), place.evaluate(*models), tuned(), NOW)
    assert (second.last, second.labels.since) == (first.reevaluation_id, first.reevaluation_id)
    assert (second.labels.added, second.labels.changed, second.labels.withdrawn) == (1, 0, 1)
    assert [(each.media, each.emotion, each.before) for each in second.labels.shown] == [
        ("a.wav", None, "sad"), ("c.wav", "sad", None),
    ]  # fmt: skip
    since = [each.since for each in second.candidates]
    assert all(each is not None and each.same_answers for each in since)


def test_a_decision_that_would_do_better_is_found_promoted_and_then_no_longer_asked_for(place: Place) -> None:
    opened = place.opened(promote=True)
    evaluation = place.evaluate(timid())

    tuning = tuned_on(opened, evaluation)
    found = conclude_reevaluation(opened, evaluation, tuning, NOW)

    assert (tuning.verdict, tuning.usable) == ("adopt", True)
    standing = Promotions(place.shelf).current()
    assert standing is not None
    assert (standing.hash, standing.who, standing.tuning_id) == (found.promoted, "seraph reevaluate", tuning.tuning_id)
    assert [each.kind for each in found.recommendation] == ["promoted"]
    assert found.configurations == (opened.config_hash, standing.hash)
    again = tuned_on(place.opened(promote=True), evaluation)
    assert again.verdict != "adopt", "gains are over what is current now"
    assert conclude_reevaluation(place.opened(), evaluation, again, NOW).fitted_on == len(TRUTH)


def test_a_verdict_that_is_not_adopt_promotes_nothing(place: Place) -> None:
    for verdict in ("keep-default", "undecided", None):
        made, why = promote(place.opened(promote=True), tuned(verdict), NOW)
        assert made is None
        assert why is not None
    assert Promotions(place.shelf).current() is None


def test_nothing_is_promoted_unless_that_was_asked_for(place: Place) -> None:
    name = store_tuning(place.shelf)
    assert promote(place.opened(), tuned("adopt", tuning_id=name), NOW) == (None, None)
    assert Promotions(place.shelf).current() is None


def test_what_became_current_meanwhile_is_not_overruled(place: Place) -> None:
    name = store_tuning(place.shelf)
    opened = place.opened(promote=True)
    other = replace(opened, chosen=Chosen(load_config("superb")))
    made, why = promote(other, tuned("adopt", tuning_id=name), NOW)
    assert made is None
    assert why is not None
    assert "meanwhile" in why.en


@pytest.mark.parametrize("why", ["noise", "languages", "text"])
def test_a_tuning_that_may_not_replace_what_is_current_is_not_promoted(place: Place, why: str) -> None:
    name = store_tuning(place.shelf)
    unusable = tuned("adopt", tuning_id=name, usable=False, unusable_why=why)
    assert promote(place.opened(promote=True), unusable, NOW)[0] is None


def test_a_configuration_with_a_decision_for_each_language_is_tuned_and_not_promoted(place: Place) -> None:
    own = load_config("default").model_copy(update={"decisions": {"ko": {"neutral_suppression": 0.5}}})
    tuning = tuned_on(replace(place.opened(promote=True), chosen=Chosen(own)), place.evaluate(timid()))
    assert (tuning.verdict, tuning.usable, tuning.unusable_why) == ("adopt", False, "languages")


def test_where_nothing_can_be_tuned_the_reason_is_told_in_both_languages(place: Place) -> None:
    failed = ModelResult(model="current", kind="system", status="failed", reason="weights are absent")
    evaluation = place.evaluate(failed, knowing("rival"))
    for opened, said_so in ((place.opened(tune=False), "as was asked"), (place.opened(), "could not be measured")):
        tuning = tuned_on(opened, evaluation)
        assert said_so in tuning.reason
        assert tuning.reason != tuning.reason_ko
        assert tuning.tuning_id is None


def test_a_current_configuration_that_fails_is_the_first_thing_to_mend(place: Place) -> None:
    failed = ModelResult(model="current", kind="system", status="failed", reason="weights are absent")
    found = conclude_reevaluation(place.opened(), place.evaluate(failed, knowing("rival")), Tuned(
        reason="", reason_ko=""), datetime.now(UTC))  # fmt: skip
    assert [each.kind for each in found.recommendation] == ["repair"]


def test_a_decision_is_a_point_of_the_grid_with_all_its_parameters() -> None:
    found = parameters(DecisionOptions(neutral_suppression=0.4, emotion_weights={"sad": 2.0}, audio_temperature=3.0))
    assert {name: value for name, value in found.items() if value not in (0.0, 1.0)} == {
        "neutral_suppression": 0.4, "sad": 2.0, "audio_temperature": 3.0,
    }  # fmt: skip
    assert parameters(DecisionOptions()) == {**found, "neutral_suppression": 1.0, "sad": 1.0, "audio_temperature": 1.0}


def test_tunings_of_a_re_evaluation_lie_where_they_can_be_promoted_from(place: Place) -> None:
    tuning = tuned_on(place.opened(), place.evaluate(timid()))
    assert tuning.tuning_id is not None
    record, _ = TuningArchive(place.shelf).get(tuning.tuning_id)
    assert record.default.params == parameters(load_config("default").decision)
