"""What is said first, in each situation, in both languages."""

from dataclasses import replace

import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.answers import Answers, from_recorded
from tasks.evaluation.assess import comparisons
from tasks.evaluation.figures import figures
from tasks.evaluation.gather import Segments
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.verdict import notes, verdict
from tasks.numerics.decision import Decision
from tasks.report.words import Text
from tests.support.evaluation import one_hot, segments

N = 96
TRUTH = ["neutral" if row % 2 else TAXONOMY[1 + row % 5] for row in range(N)]


def twelve(row: int) -> str:
    return f"m{row % 12:02d}.wav"


ORDER = sorted(range(N), key=lambda row: (row % 12, row))
SEGMENTS = segments(TRUTH, media=twelve)


def candidate(name: str, share: float, flags: tuple[str, ...] = ()) -> Answers:
    """A candidate that is right on so large a share of every source, and says `disgust` elsewhere."""
    predicted = [TRUTH[row] if (row // 12) < share * N / 12 else "disgust" for row in ORDER]
    answers = from_recorded({"audio": one_hot(predicted)}, "audio", 0.5, Decision())
    return replace(answers, name=name, flags=flags)


def said(*answers: Answers, of: Segments = SEGMENTS, silent: tuple[ModelResult, ...] = ()) -> Text:
    models = [*(figures(of, each, 0) for each in answers), *silent]
    pairs, ranks = comparisons(of, answers) if answers else ((), ())
    return verdict(of, answers, models, pairs, ranks)


def refused(name: str) -> ModelResult:
    return ModelResult(model=name, kind="model", status="refused", reason="no head")


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_nobody_could_be_evaluated() -> None:
    text = said(silent=(refused("a"), refused("b")))

    assert text.en == "None of the 2 candidates could be evaluated; the reasons are below."
    assert text.ko == "후보 2개 중 어느 것도 평가하지 못했습니다. 이유는 아래에 있습니다."


def test_one_candidate_is_held_against_the_commonest_label() -> None:
    text = said(candidate("good", 1.0))

    assert text.en.startswith("good is right on 100.0% of 96 segments (95 %: ")
    assert "better than always saying the commonest label" in text.en
    assert "낫습니다" in text.ko


def test_one_as_good_as_the_commonest_label_is_said_to_be_no_better() -> None:
    commonest = replace(from_recorded({"audio": one_hot(["neutral"] * N)}, "audio", 0.5, Decision()), name="flat")

    text = said(replace(commonest, flags=()))

    assert "cannot be told from always saying the commonest label" in text.en
    assert "구별되지 않습니다" in text.ko


def test_the_luckiest_of_many_is_not_better_than_the_commonest_label() -> None:
    truth = ["happy" if row // 12 == 0 else "neutral" for row in range(N)]
    of = segments(truth, media=twelve)
    # Right on the one happy segment of six sources, and on all else as the commonest label: alone p = 2 / 2⁶.
    predicted = [truth[row] if row % 12 < 6 else "neutral" for row in ORDER]
    best, flat = (
        replace(from_recorded({"audio": one_hot(each)}, "audio", 0.5, Decision()), name=name, flags=())
        for name, each in (("best", predicted), ("flat", ["neutral"] * N))
    )

    alone = said(best, of=of)
    among = said(best, *(replace(flat, name=f"flat {row}") for row in range(3)), of=of)

    assert "better than always saying the commonest label" in alone.en
    assert "cannot be told from always saying the commonest label" in among.en


def test_the_best_may_be_worse_than_the_commonest_label() -> None:
    text = said(candidate("poor", 0.0))

    assert text.en.startswith("The best, poor, is right on 0.0% of 96 segments")
    assert "worse than always saying the commonest label" in text.en
    assert "못합니다" in text.ko


def test_a_clear_winner_is_named() -> None:
    text = said(candidate("poor", 0.1), candidate("good", 1.0), candidate("bad", 0.0))

    assert text.en.endswith("good is better than the other 2 candidates.")
    assert text.ko.endswith("good이(가) 나머지 후보 2개보다 낫습니다.")


def test_candidates_that_cannot_be_told_apart_are_tied_however_they_stand_in_the_table() -> None:
    one, other = candidate("one", 0.9), candidate("other", 0.9)
    posterior = other.posterior.copy()
    posterior[0] = one_hot(["fear" if SEGMENTS.truth[0] != TAXONOMY.index("fear") else "sad"])[0]

    text = said(one, replace(other, posterior=posterior))

    assert "These segments cannot tell one from other." in text.en
    assert "우열을 가릴 수 없습니다" in text.ko
    assert "better than the other" not in text.en
    assert "more labels would decide" in text.en
    assert "레이블이 약" in text.ko


@pytest.mark.parametrize(
    ("flag", "english", "korean"),
    [
        ("near_uniform", "as those of a head with random weights are", "무작위"),
        ("one_class", "one label for (almost) every segment", "한 가지 레이블"),
        ("constant", "the same answer for every segment", "같은 답"),
    ],
)
def test_a_wrong_head_is_called_out_before_anything_else(flag: str, english: str, korean: str) -> None:
    text = said(candidate("good", 1.0), candidate("wrong", 0.1, (flag,)))

    assert in_order(text.en, "wrong: ", english, "good is right on")
    assert in_order(text.ko, "wrong: ", korean, "good의 정확도")


def test_a_candidate_with_several_alarms_is_named_once_with_the_gravest() -> None:
    text = said(candidate("wrong", 0.5, ("one_class", "near_uniform", "constant")))

    assert text.en.count("wrong: ") == 1
    assert "random weights" in text.en


def test_a_mixture_with_noise_is_named_as_such() -> None:
    text = said(candidate("mixed", 1.0, ("audio_near_uniform",)))

    assert "mixed: a part of it is the audio scores, and those say almost nothing." in text.en
    assert "오디오 점수" in text.ko


def test_of_many_names_the_first_four_are_given_and_the_rest_counted() -> None:
    text = said(*(candidate(f"w{row}", 0.5, ("one_class",)) for row in range(6)))

    assert text.en.startswith("w0, w1, w2, w3, … (+2): one label")


def test_one_segment_says_nothing() -> None:
    one = segments(["sad"])
    right = replace(from_recorded({"audio": one_hot(["sad"])}, "audio", 0.5, Decision()), name="lucky")

    text = said(right, of=one)

    assert text.en == "One segment tells nothing about lucky."


def test_few_sources_absent_labels_and_rejected_lines_are_noted() -> None:
    of = segments(TRUTH, media=lambda row: f"{row % 2}.wav")
    dataset = of.dataset.model_copy(update={"unheard": 3, "rejected": 1})

    noted = [each.en for each in notes(replace(of, dataset=dataset), [refused("absent/model")])]

    assert noted == [
        "The segments are from only 2 sources: the set cannot speak for other recordings.",
        "One emotion of the seven has no label in this set: nothing is known about it.",
        (
            "3 labelled segments are left out through no fault of a candidate: their media are missing or cannot be "
            "read, or end before them."
        ),
        "One line of the label files could not be used.",
        "One candidate has no figures: absent/model.",
    ]
    assert all(each.ko for each in notes(of, []))


def test_a_set_with_all_labels_and_enough_sources_needs_no_note() -> None:
    of = segments([TAXONOMY[row % 7] for row in range(42)])

    assert notes(of, []) == []
