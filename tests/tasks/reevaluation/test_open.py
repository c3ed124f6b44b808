"""What is to be done, and whether it was done before; with the demo's checkpoints, and without a service."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.errors import ConfigError, InputError
from infra.shelf import FolderShelf
from tasks.config.scoring import load_config
from tasks.promotion.current import Promotions
from tasks.records.run import ConfigUsed, Grounds
from tasks.reevaluation.archive import ReevaluationArchive
from tasks.reevaluation.open import Opened, opened_on
from tasks.reevaluation.request import ReevaluateRequest
from tasks.reevaluation.result import Reevaluation
from tests.support.reevaluations import labels, reevaluation
from tests.support.seraph import DEMO
from tests.support.watched import LABELS, CountingStore, lines, some

ENGLISH = str(DEMO / "checkpoints" / "en-emotion")


@dataclass
class Place:
    """Label files, and a results store."""

    folder: Path
    store: CountingStore = field(default_factory=lambda: CountingStore(a_jsonl=lines(*some(12))))

    @property
    def shelf(self) -> FolderShelf:
        return FolderShelf(self.folder / "results")

    def open(self, **changes: Any) -> Opened | Reevaluation:
        values = {"labels": LABELS, "media": "s3://media", "results": "s3://results", "config": "demo", **changes}
        return opened_on(ReevaluateRequest(**values), self.store, self.store, self.shelf)

    def done(self, *also: str, **changes: Any) -> Reevaluation:
        """Make it, as far as the next one looks at it; `also`: hashes of configurations it left behind."""
        opened = self.open(**changes)
        assert isinstance(opened, Opened)
        record = reevaluation(
            asked=opened.asked,
            labels=labels(uri=LABELS),
            media="s3://media",
            config=opened.chosen.used,
            configurations=(opened.config_hash, *also),
        )
        ReevaluationArchive(self.shelf).save(record, "<html>")
        return record


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def promote(place: Place, name: str) -> ConfigUsed:
    config = load_config("demo").model_copy(update={"name": name})
    made = Promotions(place.shelf).promote(config, Grounds(who="me", why="so", source=name), datetime.now(UTC))
    return ConfigUsed(name=name, hash=made.hash)


def test_all_labels_and_all_candidates_are_evaluated_the_configuration_first(place: Place) -> None:
    place.store.drop("b.csv", b"media,start,end,label\nm9.wav,0,1,happy\n")
    place.store.drop("broken.json", b"[{")
    opened = place.open(models=(ENGLISH,), aliases={"blue": "sad"}, seed=3)
    assert isinstance(opened, Opened)
    assert opened.evaluate.labels == (f"{LABELS}/b.csv", f"{LABELS}/a.jsonl")
    assert opened.evaluate.models == ("demo", ENGLISH)
    assert (opened.evaluate.config, opened.evaluate.aliases, opened.evaluate.seed) == ("demo", {"blue": "sad"}, 3)
    assert len(opened.snapshot.said) == 13


def test_nothing_is_done_twice_for_the_same_labels_configuration_and_candidates(place: Place) -> None:
    done = place.done(models=(ENGLISH,))
    assert place.open(models=(ENGLISH,)) == done


def test_the_same_labels_in_another_file_are_the_same_question(place: Place) -> None:
    done = place.done()
    place.store.drop("copy.jsonl", lines(*some(12)))
    assert place.open() == done


def test_it_is_done_again_where_that_is_asked_for(place: Place) -> None:
    done = place.done()
    opened = place.open(force=True)
    assert isinstance(opened, Opened)
    assert opened.last == done


@pytest.mark.parametrize(
    "changes",
    [{"models": (ENGLISH,)}, {"seed": 1}, {"tune": False}, {"aliases": {"blue": "sad"}}, {"media": "s3://other"}],
    ids=lambda changes: next(iter(changes)),
)
def test_another_question_is_another_answer(place: Place, changes: dict[str, Any]) -> None:
    place.done()
    assert isinstance(place.open(**changes), Opened)


def test_a_new_label_is_a_reason_to_do_it_again(place: Place) -> None:
    place.done()
    place.store.drop("a.jsonl", lines(*some(13)))
    assert isinstance(place.open(), Opened)


def test_labelled_media_that_come_after_their_labels_or_change_are_a_reason_and_others_are_none(place: Place) -> None:
    done = place.done()
    place.store.put_bytes("s3://media/unlabelled.wav", b"x")
    assert place.open() == done
    for content in (b"x", b"y"):
        place.store.put_bytes("s3://media/2026/m1.wav", content)
        assert isinstance(place.open(), Opened)
        done = place.done()
        assert place.open() == done


def test_another_current_configuration_is_a_reason_and_the_one_that_it_promoted_itself_is_none(place: Place) -> None:
    promote(place, "first")
    own = promote(place, "promoted-by-it")
    promote(place, "first")
    done = place.done(own.hash, config="current")
    promote(place, "promoted-by-it")
    assert place.open(config="current") == done
    promote(place, "first")
    assert place.open(config="current") == done, "rolled back by hand: it does not promote once more"
    promote(place, "other")
    assert isinstance(place.open(config="current"), Opened)


def test_a_candidate_whose_configuration_is_wrong_is_a_row_with_its_reason(place: Place, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("decision: {audio_temperature: -1}")
    opened = place.open(models=(str(wrong), str(tmp_path / "none.yaml"), ENGLISH))
    assert isinstance(opened, Opened)
    assert opened.evaluate.models == ("demo", ENGLISH)
    assert [(each.model, each.status) for each in opened.unusable] == [
        (str(wrong), "failed"),
        (str(tmp_path / "none.yaml"), "failed"),
    ]
    assert "audio_temperature" in (opened.unusable[0].reason or "")


def test_a_configuration_in_question_that_is_wrong_stops_it(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        place.open(config="nowhere.yaml")


def test_without_a_label_there_is_nothing_to_do(place: Place) -> None:
    place.store.objects.clear()
    place.store.drop("a.json", b"[{")
    with pytest.raises(InputError, match=r"no label under s3://labels/incoming can be used .*a\.json"):
        place.open()


def test_a_record_that_cannot_be_read_does_not_stop_what_comes_after_it(place: Place) -> None:
    done = place.done()
    broken = place.folder / "results" / "reevaluations" / "99999999T000000-ffffff"
    broken.mkdir()
    (broken / "reevaluation.json").write_text("{")
    assert place.open() == done
