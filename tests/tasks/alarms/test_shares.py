"""tasks/alarms/shares.py: shares of a run beside those of the reference runs, all at one level."""

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.alarms.shares import EMOTIONS, check_shares, share_alarms
from tasks.records.run import RunRecord
from tests.support.alarming import USUAL, from_media, night


def drawn(rng: np.random.Generator, number: int, media: int, size: int, alike: float = 0.05) -> RunRecord:
    """A run whose media draw their own shares around the usual ones."""
    shares = np.array([USUAL.get(name, 0.0) + 1e-3 for name in TAXONOMY])
    shares /= shares.sum()
    own = rng.standard_gamma(shares * (1 - alike) / alike, size=(media, 7)) + 1e-300
    return from_media(number, rng.multinomial(size, own / own.sum(axis=1, keepdims=True)))


def moved(record: RunRecord, *references: RunRecord, level: float = 0.001) -> dict[str | None, str]:
    return {each.subject: each.kind for each in share_alarms(record, references, level)}


@pytest.mark.parametrize(("media", "size"), [(1, 5), (5, 10), (100, 50)])
def test_unchanged_nights_of_any_size_cry_wolf_less_often_than_the_level(media: int, size: int) -> None:
    rng, level, number = np.random.default_rng(3), 0.05, 80
    cries = sum(bool(moved(drawn(rng, 9, media, size), drawn(rng, 8, 100, 20), level=level)) for _ in range(number))
    assert cries <= level * number + 2 * np.sqrt(level * number)


def test_a_shift_is_told_by_emotion_and_neutral_has_its_own_name() -> None:
    found = moved(night(9, shares={"neutral": 0.8, "happy": 0.2}), night(8), night(7))
    assert found == {"neutral": "neutral_rate", "sad": "class_shares", "angry": "class_shares"} | {
        name: "class_shares" for name in found if name in ("fear", "surprise")
    }


def test_undecided_segments_are_a_share_of_their_own() -> None:
    undecided = night(9, emotions={"neutral": 500}, undecided=500)
    assert moved(undecided, night(8))["undecided"] == "class_shares"


def test_one_film_may_be_unlike_the_others() -> None:
    film = {"neutral": 0.2, "happy": 0.2, "sad": 0.2, "angry": 0.2, "fear": 0.1, "surprise": 0.1}
    assert moved(night(9, films=1, size=1000, shares=film), night(8)) == {}
    assert "neutral" in moved(night(9, films=40, size=25, shares=film), night(8)), "forty of them are not by chance"


def test_nights_that_differ_among_themselves_widen_the_band() -> None:
    """Monday's news and Tuesday's drama: five nights show that nights differ, fewer do not."""
    share = [0.3, 0.7, 0.35, 0.65, 0.5, 0.3]
    before = [night(day, shares={"neutral": each, "happy": 1 - each}) for day, each in enumerate(share, start=1)]
    now = night(9, shares={"neutral": 0.72, "happy": 0.28})
    assert "neutral" in moved(now, *before[:2], level=0.01)
    assert moved(now, *before, level=0.01) == {}


def test_media_that_are_more_alike_than_reckoned_with_widen_the_band() -> None:
    rng = np.random.default_rng(5)
    alike, unlike = drawn(rng, 7, 60, 20, alike=0.4), drawn(rng, 8, 60, 20)
    now = night(9, films=20, size=20)
    widths = [check_shares(now, [each], 0.01)[0] for each in (unlike, alike)]
    assert widths[0].high - widths[0].low < widths[1].high - widths[1].low


def test_a_record_without_its_spread_is_compared_with_care() -> None:
    now, before = night(9), night(8)
    with_spread = check_shares(now, [before], 0.01)[0]
    without = check_shares(now.model_copy(update={"spread": None}), [before.model_copy(update={"spread": None})], 0.01)[
        0
    ]
    assert without.high - without.low > with_spread.high - with_spread.low
    assert moved(night(9, shares={"neutral": 1.0}, spread=None), night(8, spread=None))["neutral"] == "neutral_rate"


# -- languages ---------------------------------------------------------------------------------------------------------


def test_media_in_another_language_are_a_changed_mix_and_a_few_segments_are_not() -> None:
    before = night(8, languages={"en": 900, "ko": 100})
    korean = night(9, languages={"en": 100, "ko": 900})
    assert moved(korean, before) == {"en": "language_mix", "ko": "language_mix"}
    assert moved(night(9, languages={"en": 880, "ko": 120}), before) == {}
    assert moved(night(9, films=1, languages={"ko": 25}), before) == {}, "one Korean film"


def test_languages_that_are_rare_in_the_reference_are_one() -> None:
    before = night(8, languages={"en": 991, "ja": 5, "de": 4})
    names = [each.name for each in check_shares(night(9, languages={"en": 500, "tr": 300, "de": 200}), [before], 0.01)]
    assert names == [*EMOTIONS, "en", "other"]
    assert moved(night(9, languages={"en": 500, "tr": 300, "de": 200}), before) == {
        "en": "language_mix", "other": "language_mix",
    }  # fmt: skip


def test_a_run_that_scored_nothing_has_no_shares() -> None:
    nothing = night(9, segments=0, emotions={}, languages={})
    assert check_shares(nothing, [night(8)], 0.01) == ()
    assert check_shares(night(9), [nothing], 0.01) == ()


def test_a_run_whose_counts_are_not_told_has_no_shares() -> None:
    untold = night(2, emotions={}, languages={}, spread=None)
    assert check_shares(untold, [night(1)], 0.05) == ()
    assert check_shares(night(1), [untold], 0.05) == ()
