"""tasks/runs/comparison.py: what two runs differ in, and what that can be due to."""

import json

from tasks.records.parts import Snapshot
from tasks.runs.comparison import Agreement, compare
from tests.support.alarming import night
from tests.support.records import model_spec

HERE = Snapshot(sha256="aa", media=40, bytes=1000)


def test_a_run_beside_itself_differs_in_nothing() -> None:
    found = compare(night(1, snapshot=HERE), night(1, snapshot=HERE))
    assert not any((found.code, found.models, found.config, found.data, found.counts, found.workers))
    assert found.same_data is True
    assert {each.verdict for each in found.shares} == {"chance"}
    assert found.causes[0].startswith("The shares differ no more than chance")
    assert found.causes[-1].startswith("Nothing that is recorded differs")


def test_what_differs_is_named_by_its_path() -> None:
    first = night(1, snapshot=HERE)
    second = night(
        2,
        shares={"neutral": 0.9, "happy": 0.1},
        code_revision="ab" * 20,
        lock_sha256="ee" * 32,
        models={"en": model_spec(weights_sha256="99" * 32)},
        config={"language": {"model": "tiny"}, "routes": {"en": "superb/wav2vec2-large-superb-er"}},
        snapshot=HERE.model_copy(update={"sha256": "bb"}),
    )
    found = compare(first, second)
    assert [each.key for each in found.code] == ["lock_sha256", "code_revision"]
    assert [(each.key, each.first, each.second) for each in found.config] == [("config.language.model", "base", "tiny")]
    assert "models.en.weights_sha256" in {each.key for each in found.models}
    assert {"models.ko.source"} <= {each.key for each in found.models if each.second is None}
    assert (found.same_data, [each.key for each in found.data]) == (False, ["snapshot.sha256"])
    told = " ".join(found.causes)
    for cause in ("Chance alone would hardly", "Other models", "configuration differs", "code differs", "media differ"):
        assert cause in told
    json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_shares_have_their_band_and_their_verdict() -> None:
    shares = {each.name: each for each in compare(night(1), night(2, shares={"neutral": 0.7, "happy": 0.3})).shares}
    neutral = shares["neutral"]
    assert neutral.low < neutral.first < neutral.high < neutral.second
    assert neutral.verdict == "beyond chance"
    assert "disgust" not in shares, "nobody found any"


def test_speed_is_compared_by_stage_and_undefined_where_a_stage_took_nothing() -> None:
    first, second = night(1, stages={"score": 100.0, "text": 5.0}), night(2, stages={"score": 200.0})
    speed = {each.stage: each for each in compare(first, second).speed}
    assert speed["score"].ratio == 0.5
    assert (speed["text"].second, speed["text"].ratio) == (None, None)
    assert speed["whole run"].ratio == 1.0


def test_the_summary_says_why_a_figure_is_null() -> None:
    first, second = night(1, stages={"score": 100.0, "text": 5.0}), night(2, stages={"score": 200.0})
    found = compare(first, second)
    assert found.summary()["undefined"].keys() == {"agreement", "speed.text.second", "speed.text.ratio"}
    whole = compare(first, first)
    for agreement, expected in (
        (Agreement(segments=3, same=1.0, kappa=0.5), None),
        (Agreement(segments=3, same=1.0, kappa=None), {"agreement.kappa"}),
        (Agreement(segments=0, same=None, kappa=None), {"agreement.same", "agreement.kappa"}),
    ):
        undefined = whole.model_copy(update={"agreement": agreement}).summary().get("undefined")
        assert (undefined and undefined.keys()) == expected


def test_a_run_that_scored_nothing_and_a_record_that_does_not_say_are_told() -> None:
    found = compare(night(1), night(2, segments=0, emotions={}, languages={}, audio_seconds=0.0))
    assert found.shares == ()
    assert found.same_data is None
    assert found.causes == (
        "A run scored nothing itself, so there are no shares to compare.",
        "A record does not say which media there were, so that they may differ.",
    )
    assert all(each.second is None for each in found.speed)
