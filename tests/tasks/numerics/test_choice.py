"""tasks/numerics/choice.py: rules are compared by answers to sources that taught them nothing."""

import numpy as np
import pytest
from scipy.special import softmax

from tasks.numerics.choice import Choice, nested_choice
from tasks.numerics.decision import log_linear
from tasks.numerics.fusing import answers_to, pooled_by, stacked
from tasks.numerics.gains import gains
from tasks.numerics.grid import Evidence
from tasks.numerics.sources import group
from tasks.numerics.tuning_simulation import Listener, draw_evidence

pytestmark = pytest.mark.slow


def _drawn(n: int, sources: int, *, text: float) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Evidence, the audio's posterior, and a text's that knows the truth as clearly as `text` says (0: not at all)."""
    rng = np.random.default_rng(3)
    evidence = draw_evidence(rng, Listener(0.5), n, sources)
    figures = rng.standard_normal((n, 7)) + text * np.eye(7)[evidence.truth]
    return evidence, softmax(evidence.logits, axis=1), softmax((text or 0.7) * figures, axis=1)


def _compared(n: int, sources: int, *, text: float) -> Choice:
    evidence, audio, text_posterior = _drawn(n, sources, text=text)
    truth = evidence.truth
    return nested_choice(
        {
            "text": text_posterior,
            "audio": audio,
            "log-linear": pooled_by(truth, lambda weight: log_linear(audio, text_posterior, weight), "accuracy"),
            "stacker": stacked(truth, audio, text_posterior),
        },
        truth,
        evidence.source,
        evidence.start_s,
        "accuracy",
        baseline="audio",
        seed=0,
    )


def test_text_that_knows_something_helps() -> None:
    made = _compared(300, 8, text=1.3)
    assert (made.judgement.verdict, made.single_source, made.folds) == ("adopt", False, 8)
    assert made.chosen in ("log-linear", "stacker")
    assert set(made.chosen_in_folds) <= {"log-linear", "stacker"}
    assert made.gains["accuracy"].surely_above > 0.02


def test_text_that_knows_nothing_does_not() -> None:
    made = _compared(120, 8, text=0.0)
    assert made.judgement.verdict != "adopt"
    by_name = {each.name: each for each in made.candidates}
    assert by_name["text"].gains["accuracy"].surely_below < 0
    assert by_name["audio"].gains == {}, "nothing is gained over itself, and no interval belongs to it"


def test_no_rule_wins_the_cross_entropy_by_not_answering() -> None:
    evidence, audio, text = _drawn(120, 8, text=1.3)
    truth = evidence.truth
    easy = audio.argmax(axis=1) == truth
    some = np.where(easy[:, None], audio, np.nan)
    made = nested_choice(
        {"audio": audio, "where it is easy": some, "text": text},
        truth, evidence.source, evidence.start_s, "cross_entropy", baseline="audio", seed=0,
    )  # fmt: skip
    assert (made.candidates[1].scores["cross_entropy"] or 9.0) < (made.candidates[0].scores["cross_entropy"] or 0.0)
    assert "where it is easy" not in {made.chosen, *made.chosen_in_folds}
    assert (made.held_out.prediction >= 0).all()


def test_one_source_never_adopts() -> None:
    made = _compared(100, 1, text=2.0)
    assert made.gains["accuracy"].value > 0.1
    assert (made.single_source, made.judgement.verdict, made.judgement.reason) == (True, "undecided", "single_source")


def test_a_rule_never_sees_the_source_that_it_answers_for() -> None:
    evidence, audio, _ = _drawn(60, 6, text=0.0)
    asked: list[set[int]] = []

    def rule(rows: np.ndarray) -> np.ndarray:
        asked.append(set(evidence.source[rows].tolist()))
        return audio

    made = nested_choice(
        {"audio": audio, "rule": rule}, evidence.truth, evidence.source, evidence.start_s, baseline="audio", seed=0
    )
    # Once without each source; then, without it, five times more without another one.
    assert sorted(len(each) for each in asked) == [4] * 30 + [5] * 6
    # Equals go to the baseline.
    assert set(made.chosen_in_folds) == {"audio"}
    assert made.judgement.text == "Nothing that was tried does better than audio."


def test_held_out_answers_of_what_is_fixed_are_its_own() -> None:
    evidence, audio, text = _drawn(60, 6, text=1.0)
    made = nested_choice(
        {"audio": audio, "text": text}, evidence.truth, evidence.source, evidence.start_s, baseline="audio", seed=0
    )
    truth = evidence.truth
    expected = gains(truth, answers_to(truth, audio), answers_to(truth, text), group(evidence.source))
    assert made.candidates[1].gains["uar"].value == pytest.approx(expected["uar"].value)
    assert made.candidates[1].scores["accuracy"] == pytest.approx(float((text.argmax(axis=1) == truth).mean()))


def test_order_and_names_of_sources_do_not_matter() -> None:
    evidence, audio, text = _drawn(80, 25, text=1.0)
    order = np.random.default_rng(1).permutation(80)
    made = [
        nested_choice(
            {"audio": audio[rows], "text": text[rows]},
            evidence.truth[rows],
            names[rows],
            evidence.start_s[rows],
            "accuracy",
            baseline="audio",
            seed=0,
        )
        for rows, names in ((np.arange(80), evidence.source), (order, -evidence.source))
    ]
    assert made[0].chosen_in_folds == made[1].chosen_in_folds
    assert made[0].gains["accuracy"] == made[1].gains["accuracy"]


def test_one_segment_chooses_the_baseline() -> None:
    evidence, audio, text = _drawn(1, 1, text=1.0)
    made = nested_choice(
        {"text": text, "audio": audio}, evidence.truth, evidence.source, evidence.start_s, baseline="audio", seed=0
    )
    assert made.chosen_in_folds == ("audio",)


def test_a_baseline_and_segments_are_needed() -> None:
    evidence, audio, _ = _drawn(6, 6, text=0.0)
    with pytest.raises(ValueError, match="no candidate 'text' to be the baseline; there are audio"):
        nested_choice({"audio": audio}, evidence.truth, evidence.source, evidence.start_s, baseline="text", seed=0)
    none = np.zeros(0)
    with pytest.raises(ValueError, match="no labelled segments"):
        nested_choice({"audio": audio[:0]}, none.astype(int), none, none, baseline="audio", seed=0)
