"""The catalogue agrees with the code that it describes; non-commercial licences are known as such."""

from pathlib import Path

import pytest

from actors.checkpoints import known, label_map
from actors.checkpoints.catalogue import CatalogueEntry, check_labels, entry_of, known_map, licence_of, non_commercial
from actors.checkpoints.family import families
from actors.checkpoints.labels import coverage
from actors.contract import TAXONOMY
from infra.errors import CheckpointError

SUPERB = "superb/wav2vec2-large-superb-er"
KOTE = "searle-j/kote_for_easygoing_people"


def categorical() -> list[CatalogueEntry]:
    return [entry for entry in known() if entry.labels and entry.kind != "dimensional"]


def test_every_usable_checkpoint_is_of_a_family_that_loads() -> None:
    names = {family.name for family in families()}

    assert {entry.family for entry in known() if entry.status == "usable"} <= names


def test_every_label_of_a_known_checkpoint_has_a_place_in_its_label_map() -> None:
    for entry in categorical():
        assert len(label_map(entry.labels, reference=entry.label_map)) == len(entry.labels), entry.source


def test_a_label_map_speaks_of_the_checkpoints_own_labels_and_of_the_taxonomy() -> None:
    for entry in known():
        assert set(entry.label_map) <= set(entry.labels), entry.source
        assert set(entry.label_map.values()) <= {*TAXONOMY, None}, entry.source


def test_the_44_labels_of_kote_are_all_placed_and_only_its_own_none_is_neutral() -> None:
    entry = entry_of(KOTE)
    assert entry is not None
    mapping = label_map(entry.labels, reference=known_map(KOTE))

    assert len(mapping) == 44
    assert coverage(mapping) == TAXONOMY
    assert [label for label, emotion in mapping.items() if emotion == "neutral"] == ["없음"]
    assert mapping["짜증"] == "angry"  # irritation; alone, the word is mapped to disgust
    assert mapping["부담/안_내킴"] is None


def test_a_refused_checkpoint_says_what_to_do_instead() -> None:
    assert all(entry.note for entry in known() if entry.status == "refused")


def test_a_checkpoint_of_a_non_commercial_licence_says_so_in_its_caveats() -> None:
    told = {entry.source for entry in known() if any("Non-commercial" in caveat for caveat in entry.caveats)}

    assert told == {entry.source for entry in known() if non_commercial(entry.licence)}
    assert "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim" in told


def test_every_known_score_lies_between_0_and_1_and_names_its_set_and_source() -> None:
    scores = [score for entry in known() for score in entry.scores]

    assert scores
    assert all(0 < score.value < 1 and score.set and score.source for score in scores)


def test_sources_are_distinct_and_an_alias_finds_its_entry() -> None:
    names = [name for entry in known() for name in (entry.source, *entry.aliases)]

    assert len(set(names)) == len(names) >= 20
    assert entry_of("emotion2vec/emotion2vec_plus_large") == entry_of("iic/emotion2vec_plus_large") is not None


@pytest.mark.parametrize(
    "labels",
    [
        ("neu", "hap", "ang", "sad"),
        ("Neutral", "happiness", "ANGER", "sadness"),
        ("中立/neutral", "기쁨", "분노", "슬픔"),
    ],
)
def test_the_spelling_of_labels_may_differ_from_the_catalogue(labels: tuple[str, ...]) -> None:
    check_labels(SUPERB, labels)


@pytest.mark.parametrize(
    "labels",
    [("neu", "ang", "hap", "sad"), ("neu", "hap", "ang"), ("neu", "hap", "ang", "sad", "other"), ("a", "b", "c", "d")],
)
def test_other_labels_or_another_order_than_the_catalogues_are_an_error_that_names_both(
    labels: tuple[str, ...],
) -> None:
    with pytest.raises(CheckpointError, match="neu, hap, ang, sad") as caught:
        check_labels(SUPERB, labels)

    assert ", ".join(labels) in str(caught.value)


def test_the_words_for_no_emotion_are_alike_to_the_catalogue() -> None:
    published = (
        "生气/angry 厌恶/disgusted 恐惧/fearful 开心/happy 中立/neutral 其他/other 难过/sad 吃惊/surprised <unk>"
    )

    check_labels("iic/emotion2vec_plus_large", published.split())


def test_a_checkpoint_that_nobody_knows_may_have_any_labels() -> None:
    check_labels("somebody/else", ("a", "b"))
    check_labels("jungjongho/wav2vec2-xlsr-korean-speech-emotion-recognition", ("가", "나", "다", "라", "마"))


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc-by-nc-4.0\n---\n", "cc-by-nc-4.0"),
        ("---\r\nlicense: cc-by-nc-4.0\r\n---\r\n", "cc-by-nc-4.0"),
        ("\ufeff---\nlicense:\n- mit\n- cc-by-nc-4.0\n---\n", "mit, cc-by-nc-4.0"),
        ("---\nlicense: other\nlicense_name: research-only\n---\n", "other: research-only"),
        ("---\nlanguage: en\n---\n", "apache-2.0"),
        ("---\n: : [\n---\n", "apache-2.0"),
        ("# A model", "apache-2.0"),
        (None, "apache-2.0"),
    ],
)
def test_the_card_comes_before_the_catalogue(tmp_path: Path, card: str | None, licence: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_bytes(card.encode())

    assert licence_of(SUPERB, tmp_path) == licence


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("cc-by-nc-sa-4.0", True), ("CC-BY-NC-4.0", True), ("non-commercial", True), ("other: Non Commercial", True),
        ("other: research-only", True), ("apache-2.0", False), ("mit", False), ("cc-by-4.0", False), ("ncsa", False),
        (None, False),
    ],
)  # fmt: skip
def test_non_commercial_licences_are_told_by_their_names(licence: str | None, expected: bool) -> None:
    assert non_commercial(licence) is expected
