"""tasks/promotion/current.py: what is current, what was, and that no promotion is ever lost."""

import json
import logging
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.contract import TAXONOMY
from infra.errors import ConfigError, InputError, StoreError
from infra.shelf import FolderShelf
from tasks.config.scoring import ScoreConfig, load_config
from tasks.evaluation.candidates import Candidate, prepare
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.run import evaluate_recorded
from tasks.promotion.current import Chosen, Promotions, canonical, choose, config_hash
from tasks.records.run import Grounds, Promotion
from tests.support.promotions import NOW

LATER = NOW + timedelta(hours=1)
GROUNDS = Grounds(who="ann", why="it is better", source="demo")


class FullShelf(FolderShelf):
    """Has no room for one file."""

    refuse = "nothing"

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        if self.refuse in name:
            raise StoreError(f"no room for {name}")
        return super().put(name, data, content_type)


@pytest.fixture
def shelf(tmp_path: Path) -> FullShelf:
    return FullShelf(tmp_path)


@pytest.fixture
def promotions(shelf: FullShelf) -> Promotions:
    return Promotions(shelf)


def config(**changes: Any) -> ScoreConfig:
    return ScoreConfig.model_validate({"name": "mine", "routes": {"en": {"model": "owner/name"}}} | changes)


A, B, C = (config(decision={"neutral_suppression": value}) for value in (0.5, 0.6, 0.7))


# -- promoting ---------------------------------------------------------------------------------------------------------


def test_what_was_promoted_is_current_with_who_when_why_and_what_it_rests_on(promotions: Promotions) -> None:
    grounds = Grounds(
        who="ann", why="because", source="t1", tuning_id="t1", evaluation_id="e1", verdict="undecided", forced=True
    )
    made = promotions.promote(A, grounds, NOW)
    assert promotions.current() == made
    assert made.model_dump(include=set(Grounds.model_fields)) == grounds.model_dump()
    assert (made.hash, made.name, made.before, made.rolled_back) == (config_hash(A), "mine", None, False)
    assert made.promoted_at == "2026-02-03T04:05:06.000789+00:00"
    assert promotions.config(made.hash) == A
    assert promotions.history() == [made]


def test_the_files_lie_where_the_design_says_and_are_plain(promotions: Promotions, tmp_path: Path) -> None:
    made = promotions.promote(A, GROUNDS, NOW)
    own, current = f"configs/{made.hash}.yaml", "configs/current.yaml"
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {own, current} < files
    assert all(file.startswith("configs/history/20260203T040506000789-") for file in files - {own, current})
    assert len(files) == 3
    assert yaml.safe_load((tmp_path / "configs/current.yaml").read_text()) == made.model_dump(mode="json")
    whole = yaml.safe_load((tmp_path / own).read_text())
    assert whole["media"]["attempts"] == 3, "defaults are written out: a later version may have others"
    assert promotions.address(made.hash) == str(tmp_path / own)


def test_each_promotion_names_the_one_before_and_none_is_forgotten(promotions: Promotions) -> None:
    first = promotions.promote(A, GROUNDS, NOW)
    second = promotions.promote(B, GROUNDS, LATER)
    assert (first.before, second.before) == (None, first.hash)
    assert promotions.current() == second
    assert promotions.history() == [second, first]
    assert promotions.config(first.hash) == A


def test_promoting_the_same_again_still_knows_what_was_before(promotions: Promotions) -> None:
    first = promotions.promote(A, GROUNDS, NOW)
    promotions.promote(B, GROUNDS, LATER)
    again = promotions.promote(B, GROUNDS.model_copy(update={"why": "once more"}), LATER + timedelta(hours=1))
    assert (again.before, again.why) == (first.hash, "once more")
    assert len(promotions.history()) == 3


@pytest.mark.parametrize("other", [(B, GROUNDS), (A, GROUNDS.model_copy(update={"who": "bob"}))])
def test_of_two_at_the_same_moment_the_last_is_current_and_both_stay(
    promotions: Promotions, other: tuple[ScoreConfig, Grounds]
) -> None:
    one = promotions.promote(A, GROUNDS, NOW)
    two = promotions.promote(*other, NOW)
    assert promotions.current() == two
    assert sorted(promotions.history(), key=str) == sorted([one, two], key=str)


def test_a_moment_of_another_zone_is_stored_in_utc_and_in_order(promotions: Promotions) -> None:
    seoul = timezone(timedelta(hours=9))
    first = promotions.promote(A, GROUNDS, NOW.astimezone(seoul))
    second = promotions.promote(B, GROUNDS, LATER)
    assert first.promoted_at == "2026-02-03T04:05:06.000789+00:00"
    assert promotions.history() == [second, first]


def test_current_is_written_last(promotions: Promotions, shelf: FullShelf) -> None:
    first = promotions.promote(A, GROUNDS, NOW)
    for refused in ("history", "configs/" + config_hash(B)):
        shelf.refuse = refused
        with pytest.raises(StoreError):
            promotions.promote(B, GROUNDS, LATER)
    assert promotions.current() == first
    shelf.refuse = "current.yaml"
    with pytest.raises(StoreError):
        promotions.promote(B, GROUNDS, LATER)
    assert promotions.current() == first
    assert [each.hash for each in promotions.history()] == [config_hash(B), first.hash], "it stands in the history"


# -- the hash ----------------------------------------------------------------------------------------------------------


def test_equal_configurations_have_one_hash_and_others_another() -> None:
    same = ScoreConfig.model_validate({"routes": {"en": {"model": "owner/name"}}, "name": "mine"})
    assert config_hash(config()) == config_hash(same)
    assert len({config_hash(each) for each in (config(), A, B, config(name="other"))}) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": {"audio_temperature": 1e16, "neutral_floor": 1e-7, "label_map": {"no": None, "화": "angry"}}},
        {"routes": {"no": {"model": "/모델/en", "revision": "12345678"}}, "name": "이름: #1"},
    ],
)
def test_a_configuration_comes_back_as_it_was(promotions: Promotions, changes: dict[str, Any]) -> None:
    before = config(**changes)
    assert promotions.config(promotions.promote(before, GROUNDS, NOW).hash) == before
    assert canonical(promotions.config(config_hash(before))) == canonical(before)


# -- what is damaged ---------------------------------------------------------------------------------------------------


def test_a_configuration_that_was_changed_by_hand_or_is_gone_is_refused(promotions: Promotions, tmp_path: Path) -> None:
    made = promotions.promote(A, GROUNDS, NOW)
    file = tmp_path / "configs" / f"{made.hash}.yaml"
    file.write_text(file.read_text().replace("0.5", "0.6"))
    with pytest.raises(ConfigError, match="was changed since it was promoted"):
        promotions.config(made.hash)
    file.unlink()
    with pytest.raises(ConfigError, match="is gone, though it was promoted"):
        promotions.config(made.hash)


@pytest.mark.parametrize("text", ["", "hash: [", "- 1", "hash: ../../x", "hash: 0123456789abcdef\nunknown: 1"])
def test_a_damaged_current_file_is_named_and_mended_by_promoting(
    promotions: Promotions, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    promotions.promote(A, GROUNDS, NOW)
    (tmp_path / "configs" / "current.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"current\.yaml cannot be read.*promote again"):
        promotions.current()
    with caplog.at_level(logging.WARNING):
        made = promotions.promote(B, GROUNDS, LATER)
    assert promotions.current() == made
    assert "cannot be read" in caplog.text


def test_a_damaged_entry_does_not_hide_the_others(
    promotions: Promotions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = promotions.promote(A, GROUNDS, NOW)
    (tmp_path / "configs" / "history" / "20990101T000000000000-00000000.json").write_text("{}")
    with caplog.at_level(logging.WARNING):
        assert promotions.history() == [made]
    assert "20990101T000000000000-00000000.json is left out" in caplog.text


# -- rolling back ------------------------------------------------------------------------------------------------------


def test_a_rollback_makes_the_one_before_current_and_is_a_promotion_itself(promotions: Promotions) -> None:
    first = promotions.promote(A, GROUNDS.model_copy(update={"tuning_id": "t1", "verdict": "adopt"}), NOW)
    second = promotions.promote(B, GROUNDS, LATER)
    back = promotions.roll_back(None, who="bob", why="a mistake", now=LATER + timedelta(hours=1))
    assert promotions.current() == back
    assert (back.hash, back.before, back.rolled_back) == (first.hash, second.hash, True)
    assert (back.who, back.why, back.tuning_id, back.verdict) == ("bob", "a mistake", "t1", "adopt")
    assert promotions.history() == [back, second, first]


def test_any_earlier_hash_or_its_first_digits_can_be_rolled_back_to(promotions: Promotions) -> None:
    hashes = [promotions.promote(each, GROUNDS, NOW + timedelta(hours=n)).hash for n, each in enumerate((A, B, C))]
    back = promotions.roll_back(hashes[0][:8], who="bob", now=LATER + timedelta(days=1))
    assert (back.hash, back.before) == (hashes[0], hashes[2])
    assert promotions.roll_back(None, who="bob", now=LATER + timedelta(days=2)).hash == hashes[2]


def test_without_anything_before_there_is_nothing_to_roll_back_to(promotions: Promotions) -> None:
    with pytest.raises(InputError, match="nothing to roll back to"):
        promotions.roll_back(None, who="bob", now=NOW)
    promotions.promote(A, GROUNDS, NOW)
    with pytest.raises(InputError, match="nothing to roll back to"):
        promotions.roll_back(None, who="bob", now=NOW)


def test_a_hash_that_is_unknown_ambiguous_or_current_is_refused(promotions: Promotions) -> None:
    made = [promotions.promote(config(name=f"c{n}"), GROUNDS, NOW + timedelta(hours=n)) for n in range(17)]
    digits = [each.hash[0] for each in made]
    common = next(digit for digit in digits if digits.count(digit) > 1)  # 17 hashes begin with 16 digits at most
    for wanted, words in [("zz", "was never current"), (common, "several"), (made[-1].hash, "is current already")]:
        with pytest.raises(InputError, match=words):
            promotions.roll_back(wanted, who="bob", now=LATER)
    assert promotions.current() == made[-1]


def test_a_configuration_that_cannot_be_read_any_more_does_not_become_current(
    promotions: Promotions, tmp_path: Path
) -> None:
    first = promotions.promote(A, GROUNDS, NOW)
    second = promotions.promote(B, GROUNDS, LATER)
    (tmp_path / "configs" / f"{first.hash}.yaml").unlink()
    with pytest.raises(ConfigError, match="is gone"):
        promotions.roll_back(None, who="bob", now=LATER)
    assert promotions.current() == second


# -- choosing ----------------------------------------------------------------------------------------------------------


def no_shelf() -> FolderShelf:
    raise AssertionError("a preset or a file needs no results")


def test_a_preset_or_a_file_is_read_without_the_results(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(canonical(A))
    assert choose("demo", no_shelf) == Chosen(load_config("demo"))
    assert choose(str(tmp_path / "mine.yaml"), no_shelf) == Chosen(A)


def test_current_is_what_was_promoted(promotions: Promotions, shelf: FullShelf) -> None:
    made = promotions.promote(A, GROUNDS, NOW)
    told: list[str] = []
    assert choose("current", lambda: shelf, told.append) == Chosen(A, made)
    assert told == []
    assert choose("default", lambda: shelf) == Chosen(load_config("default")), "the preset is still the preset"


def test_without_a_promotion_current_is_the_default_preset_and_that_is_said(shelf: FullShelf, tmp_path: Path) -> None:
    told: list[str] = []
    assert choose("current", lambda: shelf, told.append) == Chosen(load_config("default"))
    assert told == [f"no configuration is promoted in {tmp_path / 'configs'}: `current` is the preset `default`"]


def test_current_is_a_candidate_of_an_evaluation_and_decides_for_models(
    promotions: Promotions, shelf: FullShelf
) -> None:
    promoted = load_config("demo").model_copy(update={"name": "promoted"})
    promotions.promote(promoted, GROUNDS, NOW)
    candidate = prepare("current", load_config("default"), lambda name: choose(name, lambda: shelf).config)
    assert isinstance(candidate, Candidate)
    assert (candidate.name, candidate.kind, candidate.config) == ("current", "system", promoted)


def test_recorded_scores_are_decided_by_what_is_current(promotions: Promotions, shelf: FullShelf) -> None:
    scores = dict.fromkeys(TAXONOMY, 0.05) | {"neutral": 0.4, "sad": 0.3}
    line = {"video": "a.wav", "start": 0, "end": 2, "label": "sad", "audio_scores": scores}
    request = EvaluateRequest(labels=("labels.jsonl",), recorded=True, config="current")
    promotions.promote(config(decision={"emotion_weights": {"neutral": 0.1}}), GROUNDS, NOW)
    evaluation = evaluate_recorded(request, lambda _: json.dumps(line).encode(), shelf)
    assert evaluation.model("recorded audio").accuracy == 1.0, "under the default it would be neutral"


def test_records_name_the_configuration_its_hash_and_its_promotion(promotions: Promotions) -> None:
    made: Promotion = promotions.promote(A, GROUNDS, NOW)
    used = Chosen(A, made).used
    assert (used.name, used.hash, used.promotion) == ("mine", made.hash, made)
    assert (Chosen(B).used.hash, Chosen(B).used.promotion) == (config_hash(B), None)
