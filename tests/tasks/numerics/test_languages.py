"""tasks/numerics/languages.py: a language gets its own parameters where its labels bear them, else the common ones."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.languages import LanguageChoice, by_language
from tasks.numerics.nested import nested
from tasks.numerics.search import answers
from tasks.numerics.tuning_simulation import Listener, draw_evidence

pytestmark = pytest.mark.slow

GRID = Grid({"neutral_suppression": (0.1, 0.3, 1.0), "neutral_floor": (0.0, 0.2)})


def _joined(*parts: Evidence) -> Evidence:
    """Sources of different parts are different ones."""
    source = [each.source + 100 * place for place, each in enumerate(parts)]
    return Evidence(
        truth=np.concatenate([each.truth for each in parts]),
        logits=np.concatenate([each.logits for each in parts]),
        into=np.eye(7),
        source=np.concatenate(source),
        start_s=np.concatenate([each.start_s for each in parts]),
    )


def _drawn(n: int, sources: int, bias: float, seed: int = 1) -> Evidence:
    return draw_evidence(np.random.default_rng(seed), Listener(bias=bias), n, sources)


def _chosen(evidence: Evidence, languages: list[str], grid: Grid = GRID) -> dict[str, LanguageChoice]:
    made = by_language(answers(evidence, grid), grid, evidence, languages, "accuracy", seed=0)
    return {each.language: each for each in made}


def test_languages_that_differ_get_parameters_of_their_own() -> None:
    evidence = _joined(_drawn(500, 10, bias=2.3), _drawn(300, 6, bias=0.0, seed=5))
    made = _chosen(evidence, ["ko"] * 500 + ["en"] * 300)
    assert list(made) == ["en", "ko"]
    assert (made["ko"].params["neutral_suppression"], made["ko"].judgement.verdict) == (0.1, "adopt")
    assert (made["en"].n, made["en"].sources, made["en"].kind) == (300, 6, "own")
    assert made["en"].params["neutral_suppression"] == 1.0
    assert made["en"].judgement.verdict == "keep-default"
    assert made["en"].over_common["accuracy"].value > 0.03


def test_a_language_of_few_sources_takes_the_common_parameters() -> None:
    evidence = _joined(_drawn(300, 8, bias=2.3), _drawn(80, 4, bias=0.0, seed=2))
    made = _chosen(evidence, ["ko"] * 300 + ["en"] * 80)
    assert made["en"].kind == "common"
    assert made["en"].params == made["ko"].params
    assert made["en"].over_common["accuracy"].value == 0
    assert made["en"].nested == made["en"].scores["common"]
    assert made["en"].judgement.verdict != "adopt"


def test_a_language_alone_has_common_parameters_and_the_nested_scores_of_a_search() -> None:
    evidence = _drawn(200, 8, bias=1.5)
    made = _chosen(evidence, ["en"] * 200)["en"]
    expected = nested(answers(evidence, GRID), GRID, evidence, "accuracy", seed=0, draws=5)
    assert (made.kind, made.chosen) == ("common", expected.chosen)
    assert made.nested == pytest.approx(expected.nested)
    assert made.judgement == expected.judgement


def test_between_is_halfway_at_a_value_that_was_tried() -> None:
    # By itself the one wants 0.25, the other 1; halfway between two factors is their geometric mean.
    grid = Grid({"neutral_suppression": (0.25, 0.5, 0.75, 1.0)})
    evidence = _joined(_drawn(500, 10, bias=np.log(4)), _drawn(60, 6, bias=-0.3, seed=2))
    made = _chosen(evidence, ["ko"] * 500 + ["en"] * 60, grid)
    near = by_language(
        answers(evidence, grid),
        grid,
        evidence,
        ["ko"] * 500 + ["en"] * 60,
        "accuracy",
        seed=0,
        near={**DEFAULTS, "neutral_suppression": 0.5},
    )
    assert made["en"].scores["between"] != made["en"].scores["common"]
    # What it scores is what 0.5 scores, save for folds where the ends are other ones.
    default = {each.language: each for each in near}["en"]
    gain = (made["en"].scores["between"]["accuracy"] or 0) - (
        (default.nested["accuracy"] or 0) - default.gains["accuracy"].value
    )
    assert gain == pytest.approx(0.0, abs=0.05)


def test_names_of_sources_and_order_do_not_matter() -> None:
    evidence = _joined(_drawn(90, 6, bias=1.0), _drawn(60, 6, bias=0.0, seed=2))
    languages = np.array(["ko"] * 90 + ["en"] * 60)
    order = np.random.default_rng(1).permutation(150)
    other = Evidence(
        evidence.truth[order],
        evidence.logits[order],
        evidence.into,
        -evidence.source[order],
        evidence.start_s[order],
    )
    first, second = _chosen(evidence, languages.tolist()), _chosen(other, languages[order].tolist())
    for name in ("en", "ko"):
        assert (first[name].kind, first[name].chosen) == (second[name].kind, second[name].chosen)
        assert first[name].nested == pytest.approx(second[name].nested)
        assert first[name].gains["accuracy"].surely_above == pytest.approx(second[name].gains["accuracy"].surely_above)


def test_the_labels_of_a_source_never_decide_its_own_answers() -> None:
    for seed in range(4):
        evidence = _joined(_drawn(90, 6, bias=1.5, seed=seed), _drawn(48, 6, bias=0.0, seed=seed + 50))
        languages = ["ko"] * 90 + ["en"] * 48
        before = _chosen(evidence, languages)["en"].held_out.prediction
        for source in range(100, 106):
            own = evidence.source == source
            lying = replace(evidence, truth=np.where(own, 0, evidence.truth))
            after = _chosen(lying, languages)["en"].held_out.prediction
            assert after[own[90:]].tolist() == before[own[90:]].tolist()


def test_languages_are_chosen_for_by_walks_where_there_is_no_table_of_answers() -> None:
    evidence = _joined(_drawn(90, 6, 2.2), _drawn(90, 6, 0.0, seed=2))
    languages = ["en"] * 90 + ["ko"] * 90
    walked = {each.language: each for each in by_language(None, GRID, evidence, languages, "accuracy", seed=0)}
    for name, each in _chosen(evidence, languages).items():
        # A grid this small is seen whole.
        assert (walked[name].kind, walked[name].chosen) == (each.kind, each.chosen)
        assert walked[name].held_out.prediction.tolist() == each.held_out.prediction.tolist()


def test_every_segment_needs_a_language() -> None:
    evidence = _drawn(12, 6, bias=0.0)
    with pytest.raises(ValueError, match="12 segments, but 2 languages"):
        by_language(answers(evidence, GRID), GRID, evidence, ["en", "ko"], seed=0)
