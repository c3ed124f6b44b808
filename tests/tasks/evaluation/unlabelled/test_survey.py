"""tasks/evaluation/unlabelled/survey.py: the whole record."""

import json
import tracemalloc
from collections.abc import Iterator

import pyarrow as pa
import pytest

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.evaluation.unlabelled import Reference, Scored, Survey, reference_of, survey
from tests.support.records import run_record
from tests.support.tables import corpus, score_row, scores

MEDIA = [f"s3://media/{n}.wav" for n in range(12)]
LABELS = {"models/english": TAXONOMY}
ONE = Scored("one", lambda: corpus(MEDIA), LABELS)
TWO = Scored("two", lambda: corpus(MEDIA, seed=0), LABELS)
EMPTY = Scored("empty", list, {})
UNDECIDED = Scored("undecided", lambda: [scores(score_row(emotion=None))], {})


def test_a_survey_says_that_none_of_it_is_accuracy() -> None:
    found = survey([ONE], seed=0)
    assert found.standing == "None of this is accuracy: only labels can tell."
    assert "정확도가 아닙니다" in found.standing_ko


def test_one_configuration_has_nothing_to_agree_with_and_says_so() -> None:
    found = survey([ONE], seed=0)
    assert (found.pairs, found.consensus, found.disagreements) == ((), None, ())
    assert set(found.undefined) == {"drift", "pairs", "consensus"}


def test_a_reference_known_in_total_leaves_drift_by_language_open() -> None:
    found = survey([ONE], reference_of(run_record()), seed=0)
    assert found.reference is not None
    assert (found.reference.kind, found.reference.by_media) == ("run", False)
    assert "over all languages together" in found.undefined["drift_by_language"]


def test_the_same_answers_agree_throughout() -> None:
    found = survey([ONE, TWO], seed=0)
    assert found.pairs[0].agreement == 1.0
    assert found.consensus is not None
    assert found.consensus.at_least == (1.0, 1.0)
    assert found.disagreements == ()


def test_equal_seeds_give_equal_surveys() -> None:
    reference = Reference.of(TWO)
    assert survey([ONE], reference, seed=3) == survey([ONE], reference, seed=3)


@pytest.mark.parametrize("corpora", [[ONE, TWO], [EMPTY], [UNDECIDED], [EMPTY, UNDECIDED], [ONE, EMPTY, UNDECIDED]])
@pytest.mark.parametrize("reference", [None, reference_of(run_record()), Reference.of(ONE), Reference.of(EMPTY)])
def test_the_json_holds_no_nan_and_reads_back(corpora: list[Scored], reference: Reference | None) -> None:
    found = survey(corpora, reference, seed=0)
    text = json.dumps(found.model_dump(mode="json"), allow_nan=False)
    assert Survey.model_validate_json(text) == found


@pytest.mark.parametrize("corpora", [[EMPTY], [UNDECIDED], [EMPTY, UNDECIDED]])
def test_what_is_null_has_a_reason(corpora: list[Scored]) -> None:
    found = survey(corpora, Reference.of(ONE), seed=0)
    for each in found.configurations:
        values = each.figures.model_dump()
        assert {key for key in ("short_rate", "uncertain_rate") if values[key] is None} == set(each.figures.undefined)
        assert set(each.figures.said.undefined) == {"shares", "neutral_rate", "diversity", "diversity_ci"}
    for pair in found.pairs:
        assert set(pair.undefined) == {"agreement", "agreement_ci", "kappa", "kappa_ci"}


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two configurations are called 'one'"):
        survey([ONE, ONE], seed=0)


def test_no_configuration_is_refused() -> None:
    with pytest.raises(InputError, match="name at least one configuration"):
        survey([], seed=0)


def test_one_table_is_held_at_a_time() -> None:
    def tables(number: int) -> Iterator[pa.Table]:
        for t in range(number):
            yield scores(*(score_row("s3://media/a.wav", 500 * t + n, 500 * t + n + 1, "sad") for n in range(200)))

    def peak(number: int) -> int:
        pool = pa.default_memory_pool()
        tracemalloc.start()
        most = 0

        def watched() -> Iterator[pa.Table]:
            nonlocal most
            for table in tables(number):
                most = max(most, pool.bytes_allocated())
                yield table

        survey([Scored("one", watched, LABELS)], seed=0)
        _, traced = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most + traced

    peak(1)
    assert peak(12) < 1.5 * peak(2)
