"""The catalogue agrees with the code that it describes."""

from actors.checkpoints import known, label_map
from actors.checkpoints.family import families
from actors.checkpoints.labels import DIMENSIONS


def test_every_usable_checkpoint_is_of_a_family_that_loads() -> None:
    names = {family.name for family in families()}

    assert {entry.family for entry in known() if entry.status == "usable" and entry.modality == "audio"} <= names


def test_every_family_has_a_known_checkpoint() -> None:
    assert {family.name for family in families()} <= {entry.family for entry in known()}


def test_every_label_of_a_known_audio_checkpoint_has_a_place_in_the_label_map() -> None:
    for entry in known():
        if not DIMENSIONS.issuperset(entry.labels):
            assert len(label_map(entry.labels)) == len(entry.labels), entry.source


def test_a_refused_checkpoint_says_what_to_do_instead() -> None:
    assert all(entry.note for entry in known() if entry.status == "refused")


def test_sources_are_distinct() -> None:
    sources = [entry.source for entry in known()]

    assert len(set(sources)) == len(sources) >= 20
