"""tasks/promotion/proposals.py: what of a tuning is taken, what is refused, and the commits that models get."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.errors import CheckpointError, ConfigError, InputError, UsageError
from infra.settings import Settings
from infra.shelf import FolderShelf, Shelf
from tasks.config.scoring import PRESETS, ScoreConfig, load_config
from tasks.evaluation.archive import PREDICTIONS, Archive
from tasks.evaluation.result_text import Part
from tasks.promotion.current import Promotions
from tasks.promotion.proposals import pinned, propose
from tasks.tuning.archive import TuningArchive
from tasks.tuning.run import configuration
from tests.support.evaluations import evaluation
from tests.support.promotions import NOW, TUNED, store_tuning
from tests.support.pulled import write_pulled
from tests.support.tunings import tuning


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return FolderShelf(tmp_path / "results")


def written(tmp_path: Path, **changes: Any) -> str:
    """The demo's configuration with changes, as a file."""
    path = tmp_path / "base.yaml"
    path.write_text(yaml.safe_dump({**load_config("demo").model_dump(mode="json"), **changes}))
    return str(path)


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_a_preset_or_a_file_is_proposed_as_it_is(shelf: Shelf, tmp_path: Path) -> None:
    assert propose("demo", shelf).config == load_config("demo")
    file = written(tmp_path, name="mine")
    proposal = propose(file, shelf)
    assert (proposal.config.name, proposal.source, proposal.tuning) == ("mine", file, None)


def test_a_tunings_decision_is_laid_over_the_base_that_was_named(shelf: Shelf) -> None:
    store_tuning(shelf, decision={"neutral_suppression": 0.5, "emotion_weights": {"sad": 2.0}})
    config = propose(TUNED, shelf, "demo").config
    demo = load_config("demo")
    assert (config.decision.neutral_suppression, config.decision.emotion_weights) == (0.5, {"sad": 2.0})
    assert config.name == f"demo+{TUNED}"
    unchanged = {"name", "decision"}
    assert config.model_dump(exclude=unchanged) == demo.model_dump(exclude=unchanged)


def test_without_a_base_the_current_configuration_is_the_base_and_without_one_the_default(shelf: Shelf) -> None:
    store_tuning(shelf)
    told: list[str] = []
    assert propose(TUNED, shelf, say=told.append).config.name == f"default+{TUNED}"
    assert len(told) == 1
    assert "`current` is the preset `default`" in told[0]
    demo = propose("demo", shelf)
    Promotions(shelf).promote(demo.config, demo.grounds("ann", "a start"), NOW)
    again = propose(TUNED, shelf, say=told.append).config
    assert (again.name, again.routes) == (f"demo+{TUNED}", load_config("demo").routes)
    assert len(told) == 1


def test_what_was_tuned_together_replaces_the_bases_and_what_is_never_tuned_stays(shelf: Shelf, tmp_path: Path) -> None:
    base = written(
        tmp_path,
        decision={"emotion_weights": {"fear": 3.0}, "max_dropped_mass": 0.7, "label_map": {"bored": None}},
        decisions={"ko": {"neutral_floor": 0.4, "label_map": {"calm": "neutral"}}, "en": {"neutral_floor": 0.2}},
    )
    store_tuning(shelf, decision={"neutral_suppression": 0.5}, decisions={"en": {"neutral_suppression": 0.8}})
    config = propose(TUNED, shelf, base).config
    assert config.decision.model_dump(exclude_defaults=True) == {
        "neutral_suppression": 0.5, "max_dropped_mass": 0.7, "label_map": {"bored": None}
    }  # fmt: skip
    assert config.decisions == {"en": {"neutral_suppression": 0.8}, "ko": {"label_map": {"calm": "neutral"}}}


def test_one_tuning_after_another_names_the_base_and_the_last(shelf: Shelf) -> None:
    store_tuning(shelf, tuning_id="first")
    store_tuning(shelf, tuning_id="second")
    first = propose("first", shelf, "demo")
    Promotions(shelf).promote(first.config, first.grounds("ann"), NOW)
    assert propose("second", shelf).config.name == "demo+second"


def test_a_tuning_is_also_named_by_the_address_of_its_configuration(shelf: Shelf) -> None:
    store_tuning(shelf)
    address = f"s3://results/tunings/{TUNED}/config.yaml"
    proposal = propose(address, shelf, "demo")
    assert proposal.tuning is not None
    assert (proposal.tuning.tuning_id, proposal.source) == (TUNED, address)


def test_the_file_that_a_tuning_itself_writes_is_understood(shelf: Shelf) -> None:
    found = tuning(tuning_id="own", verdict="adopt")
    TuningArchive(shelf).save(found, "", configuration(found))
    config = propose("own", shelf, "demo").config
    chosen = found.apparent.params
    assert config.decision.neutral_suppression == chosen["neutral_suppression"] != 1.0
    assert config.decision.emotion_weights == {"sad": chosen["sad"]}


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_only_the_verdict_adopt_is_let_through(shelf: Shelf) -> None:
    store_tuning(shelf, evaluation_id="e1")
    grounds = propose(TUNED, shelf, "demo").grounds("ann", None)
    assert (grounds.tuning_id, grounds.evaluation_id, grounds.verdict) == (TUNED, "e1", "adopt")
    assert (grounds.who, grounds.why, grounds.forced) == ("ann", None, False)
    assert not propose(TUNED, shelf, "demo").grounds("ann", force=True).forced, "nothing had to be forced"


@pytest.mark.parametrize("verdict", ["keep-default", "undecided"])
def test_another_verdict_is_refused_with_its_reason_and_what_would_decide(shelf: Shelf, verdict: str) -> None:
    store_tuning(shelf, verdict=verdict, reason="The gain is luck.", labels_to_decide=400)
    proposal = propose(TUNED, shelf, "demo")
    with pytest.raises(InputError) as caught:
        proposal.grounds("ann", "I like it")
    for words in (TUNED, f"`{verdict}`", "The gain is luck.", "About 400 more labelled segments", "--force"):
        assert words in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("undefined", "words"),
    [
        ({}, "How many more labels would decide is not known."),
        ({"labels_to_decide": "one source says nothing of others."}, "One source says nothing of others."),
    ],
)
def test_where_the_number_of_labels_is_unknown_it_is_said_so(
    shelf: Shelf, undefined: dict[str, str], words: str
) -> None:
    store_tuning(shelf, verdict="undecided", labels_to_decide=None, undefined=undefined)
    with pytest.raises(InputError) as caught:
        propose(TUNED, shelf, "demo").grounds("ann")
    assert words in str(caught.value)


def test_force_lets_it_through_and_is_recorded_with_the_verdict(shelf: Shelf) -> None:
    store_tuning(shelf, verdict="undecided")
    grounds = propose(TUNED, shelf, "demo").grounds("ann", force=True)
    assert (grounds.forced, grounds.verdict) == (True, "undecided")


def store_evaluation(shelf: Shelf, *models: str, **changes: Any) -> None:
    """An evaluation e1 whose candidate `house` was heard by these models."""
    record = evaluation(("house",))
    parts = tuple(
        Part(modality="audio", source=model, weights_sha256=str(place) * 64, output_kind="categorical")
        for place, model in enumerate(models)
    )
    house = record.models[0].model_copy(update={"kind": "system", "source": None, "parts": parts} | changes)
    record = record.model_copy(update={"evaluation_id": "e1", "models": (house,)})
    Archive(shelf).save(record, "", PREDICTIONS.empty_table())


DEMO_MODELS = [route.model for route in load_config("demo").routes.values()]


def test_a_tuning_of_other_models_than_the_base_routes_to_is_refused_by_name(shelf: Shelf) -> None:
    store_evaluation(shelf, "models/other")
    store_tuning(shelf, evaluation_id="e1", subject="house")
    told: list[str] = []
    proposal = propose(TUNED, shelf, "demo", told.append)
    assert [model in told[-1] for model in DEMO_MODELS] == [True, True]
    with pytest.raises(InputError) as caught:
        proposal.grounds("ann")
    for words in ("models/other", *DEMO_MODELS, "--base", "--force"):
        assert words in str(caught.value)
    forced = proposal.grounds("ann", force=True)
    assert (forced.forced, forced.verdict) == (True, "adopt")


def test_a_route_that_was_not_tuned_is_told_and_does_not_stop_the_others(shelf: Shelf) -> None:
    store_evaluation(shelf, DEMO_MODELS[0])
    store_tuning(shelf, evaluation_id="e1", subject="house")
    told: list[str] = []
    proposal = propose(TUNED, shelf, "demo", told.append)
    assert proposal.strangers == (DEMO_MODELS[1],)
    assert DEMO_MODELS[1] in told[-1]
    assert DEMO_MODELS[0] not in told[-1]
    assert not proposal.grounds("ann").forced


def test_what_was_tuned_is_known_of_a_model_alone_too_and_is_the_same_by_any_path(shelf: Shelf) -> None:
    folder = Path(DEMO_MODELS[0])
    store_evaluation(shelf, kind="model", source=f"{folder.parent}/../{folder.parent.name}/{folder.name}")
    store_tuning(shelf, evaluation_id="e1", subject="house")
    assert propose(TUNED, shelf, "demo").strangers == (DEMO_MODELS[1],)


def test_where_it_is_not_known_what_was_tuned_nothing_is_held_against_it(shelf: Shelf) -> None:
    store_tuning(shelf, evaluation_id="gone", subject="house")
    told: list[str] = []
    proposal = propose(TUNED, shelf, "demo", told.append)
    assert (proposal.strangers, told) == ((), [])
    assert not proposal.grounds("ann").forced


def test_what_rests_on_no_tuning_needs_a_reason(shelf: Shelf) -> None:
    proposal = propose("demo", shelf)
    with pytest.raises(UsageError, match="'demo' rests on no tuning: say --why"):
        proposal.grounds("ann", force=True)
    assert proposal.grounds("ann", "a start").why == "a start"


def test_a_base_goes_with_a_tuning_only(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="--base goes with a tuning"):
        propose("demo", shelf, "superb")


@pytest.mark.parametrize("name", ["20200101T000000-000000", "no-such.yaml", "./no/such", "current"])
def test_what_is_not_there_is_named(shelf: Shelf, name: str) -> None:
    with pytest.raises(InputError, match=f"no configuration '{name}'"):
        propose(name, shelf)


@pytest.mark.parametrize("text", ["decision: [", "- a", "routes: {}\ndecision: {}", "", "decision: {}\nname: x"])
def test_a_tunings_file_that_holds_something_else_is_refused(shelf: Shelf, text: str) -> None:
    TuningArchive(shelf).save(tuning(tuning_id=TUNED, verdict="adopt"), "", text)
    with pytest.raises(ConfigError, match=rf"config\.yaml of tuning {TUNED} cannot be read"):
        propose(TUNED, shelf, "demo")


def test_a_damaged_record_of_a_tuning_is_refused_in_a_line(shelf: Shelf) -> None:
    store_tuning(shelf)
    shelf.put(f"tunings/{TUNED}/tuning.json", b'{"verdict": "adopt"}')
    with pytest.raises(InputError, match="cannot be read") as caught:
        propose(TUNED, shelf, "demo")
    assert "\n" not in str(caught.value)


def test_a_value_or_a_language_that_the_base_cannot_take_is_named(shelf: Shelf) -> None:
    store_tuning(shelf, tuning_id="wrong", decision={"neutral_floor": 2})
    store_tuning(shelf, tuning_id="japanese", decisions={"ja": {"neutral_floor": 0.1}})
    with pytest.raises(ConfigError, match=r"tuning wrong over the configuration 'demo'.*neutral_floor"):
        propose("wrong", shelf, "demo")
    with pytest.raises(ConfigError, match=r"--base names another.*without a route: ja"):
        propose("japanese", shelf, "demo")


# -- commits -----------------------------------------------------------------------------------------------------------


def test_hub_models_that_are_here_get_their_commit_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERAPH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    home = Settings.from_environment().home
    here = write_pulled(home / "models" / "owner" / "here" / "c", source="owner/here", sha="a" * 40, asked="v1")
    routes = {
        "en": {"model": "owner/here"},
        "ja": {"model": "owner/here", "revision": "v1"},
        "ko": {"model": "owner/absent", "revision": "main"},
        "zh": {"model": str(here)},
    }
    text = {"models": {"en": {"model": "owner/here"}}}
    config = pinned(ScoreConfig.model_validate({"routes": routes, "text": text}))
    assert {key: route.revision for key, route in config.routes.items()} == {
        "en": "a" * 40, "ja": "a" * 40, "ko": "main", "zh": None
    }  # fmt: skip
    assert config.routes["zh"].model == str(here)
    assert config.text is not None
    assert config.text.models["en"].revision == "a" * 40


def test_a_folder_that_is_not_there_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no folder /nowhere"):
        propose(written(tmp_path, routes={"en": {"model": "/nowhere"}}, decisions={}, text=None), shelf)


def test_every_preset_can_be_proposed(shelf: Shelf) -> None:
    assert [propose(name, shelf).config.name for name in PRESETS] == list(PRESETS)
