"""tasks/tables.py: the documented columns, and the road from results to rows."""

import numpy as np
import pyarrow as pa
import pytest

from actors.contract import Flag, Reason
from tasks.numerics.decision import Decision
from tasks.tables import (
    LOGITS,
    QUARANTINE,
    SCORES,
    Decisions,
    from_parquet,
    logits_table,
    model_specs,
    quarantine_table,
    scores_table,
    to_parquet,
)
from tests.support.records import model_spec
from tests.support.results import ENGLISH, KOREAN, LABEL_MAP, SPECS, fault, medium, scored, segment

PLAIN = Decisions("d0", Decision(label_map=LABEL_MAP), {})

KEYS = [
    ("media_uri", "string"),
    ("media_etag", "string"),
    ("segment_id", "string"),
    ("start_s", "double"),
    ("end_s", "double"),
    ("language", "string"),
    ("language_confidence", "float"),
    ("language_margin", "float"),
    ("language_top", "string"),
    ("model", "string"),
    ("weights_sha256", "string"),
    ("precision", "string"),
]
FLAGS = ("flags", "list<element: string>")


def _columns(table: pa.Table) -> list[tuple[str, str]]:
    return [(field.name, str(field.type).replace("item:", "element:")) for field in table.schema]


def _mixed() -> pa.Table:
    """Two media, two models, two languages, in turns; the last segment is undecided."""
    one, two = medium("s3://media/a.wav"), medium("s3://media/b.wav")
    rows = (
        segment(one, 0, (0, 0, 0, 9)),
        segment(one, 1, (9, 0), spec=KOREAN, language="ko", flags=(Flag.SHORT,)),
        segment(one, 2, (9, 0, 0, 0), language="ko", flags=(Flag.SHORT, Flag.FALLBACK_MODEL)),
    )
    more = (segment(two, 0, (0, 9), spec=KOREAN, language="ko"), segment(two, 1, (0, 9, 0, 0)))
    return logits_table([scored(one, *rows), scored(two, *more)], SPECS)


def test_the_logits_table_has_the_documented_columns_and_survives_parquet() -> None:
    read = from_parquet(to_parquet(_mixed()))
    assert _columns(read) == [*KEYS, ("logits", "list<element: float>"), FLAGS]
    assert read.equals(_mixed())
    assert read.schema.equals(LOGITS)


def test_the_quarantine_table_has_the_documented_columns_and_survives_parquet() -> None:
    of = medium()
    table = from_parquet(to_parquet(quarantine_table([fault(of), fault(of, Reason.NON_FINITE, number=3)], "run-1")))
    names = ("run_id", "media_uri", "media_etag", "segment_id", "stage", "reason", "detail")
    assert _columns(table) == [(name, "string") for name in names]
    assert table.schema.equals(QUARANTINE)
    whole, part = table.to_pylist()
    assert whole == {
        "run_id": "run-1",
        "media_uri": "s3://media/a.wav",
        "media_etag": "e1",
        "segment_id": None,
        "stage": "read",
        "reason": "undecodable",
        "detail": "undecodable in s3://media/a.wav",
    }
    assert (part["segment_id"], part["stage"], part["reason"]) == (segment(of, 3).segment_id, "score", "non_finite")


def test_the_scores_table_has_the_documented_columns_and_survives_parquet() -> None:
    read = from_parquet(to_parquet(scores_table(_mixed(), PLAIN, "run-1")))
    emotions = ("neutral", "happy", "sad", "angry", "fear", "surprise", "disgust")
    assert _columns(read) == [
        *KEYS,
        ("run_id", "string"),
        ("decision", "string"),
        ("dropped_mass", "float"),
        *((f"p_{emotion}", "float") for emotion in emotions),
        ("emotion", "string"),
        ("confidence", "float"),
        ("entropy", "float"),
        FLAGS,
        ("label", "string"),
        ("information", "float"),
        ("text", "string"),
        ("emotion_audio", "string"),
        ("emotion_text", "string"),
    ]
    assert read.schema.equals(SCORES)


def test_equal_tables_have_equal_bytes() -> None:
    assert to_parquet(_mixed()) == to_parquet(_mixed())


def test_a_row_of_logits_says_all_that_is_known_of_the_segment() -> None:
    of = medium("s3://media/한국어.mp4", "e9")
    row = segment(of, 2, (0.5, -1.5), spec=KOREAN, language="ko", flags=(Flag.SHORT, Flag.TRUNCATED))
    assert logits_table([scored(of, row)], SPECS).to_pylist() == [
        {
            "media_uri": "s3://media/한국어.mp4",
            "media_etag": "e9",
            "segment_id": row.segment_id,
            "start_s": 10.0,
            "end_s": 14.0,
            "language": "ko",
            "language_confidence": 0.75,
            "language_margin": 0.5,
            "language_top": "ko",
            "model": "models/korean",
            "weights_sha256": "cd" * 32,
            "precision": "fp32",
            "logits": [0.5, -1.5],
            "flags": ["short", "truncated"],
        }
    ]


def test_the_specs_of_the_models_that_were_used_travel_in_the_metadata() -> None:
    assert model_specs(from_parquet(to_parquet(_mixed()))) == {"ab" * 32: ENGLISH, "cd" * 32: KOREAN}
    english_only = logits_table([scored(medium())], SPECS)
    assert model_specs(english_only) == {"ab" * 32: ENGLISH}


def test_scores_keep_the_order_of_the_logits_where_models_and_languages_take_turns() -> None:
    logits = _mixed()
    table = scores_table(logits, PLAIN, "run-1")
    for name, _ in KEYS:
        assert table[name].to_pylist() == logits[name].to_pylist()
    assert table["emotion"].to_pylist() == ["sad", "sad", "neutral", "happy", "happy"]
    assert set(table["run_id"].to_pylist()) == {"run-1"}
    assert set(table["decision"].to_pylist()) == {"d0"}


def test_flags_are_kept_and_toys_and_undecided_rows_are_marked() -> None:
    decisions = Decisions("d1", Decision(label_map=LABEL_MAP | {"sad": None}), {})
    table = scores_table(_mixed(), decisions, "run-1")
    assert table["flags"].to_pylist() == [
        ["undecided"],
        ["short", "demo_model"],
        ["short", "fallback_model"],
        ["demo_model"],
        [],
    ]


def test_an_undecided_row_is_null_in_every_decided_column_and_keeps_its_dropped_mass() -> None:
    decisions = Decisions("d1", Decision(label_map=LABEL_MAP | {"sad": None}), {})
    lost, *others = scores_table(_mixed(), decisions, "run-1").to_pylist()
    decided = [name for name in lost if name.startswith("p_")] + ["emotion", "confidence", "entropy"]
    assert {name: lost[name] for name in decided} == dict.fromkeys(decided)
    assert lost["dropped_mass"] > 0.99
    assert all(other[name] is not None for other in others for name in decided)


def test_posteriors_are_those_of_the_decision_and_sum_to_one() -> None:
    of = medium()
    logits = logits_table([scored(of, segment(of, 0, np.log([1, 2, 3, 4])))], SPECS)
    (row,) = scores_table(logits, PLAIN, "run-1").to_pylist()
    # The model's own labels are neu, hap, ang, sad.
    named = {name: row[name] for name in ("p_neutral", "p_happy", "p_angry", "p_sad", "p_fear", "confidence")}
    expected = {"p_neutral": 0.1, "p_happy": 0.2, "p_angry": 0.3, "p_sad": 0.4, "p_fear": 0, "confidence": 0.4}
    assert named == pytest.approx(expected)
    assert sum(row[name] for name in row if name.startswith("p_")) == pytest.approx(1, abs=1e-6)


def test_each_language_has_its_own_decision_whichever_model_heard_it() -> None:
    suppressed = Decision(label_map=LABEL_MAP, neutral_suppression=0.0)
    table = scores_table(_mixed(), Decisions("d2", Decision(label_map=LABEL_MAP), {"ko": suppressed}), "run-1")
    # The third segment is Korean, heard by the English model: neutral goes, and of three ties happy comes first.
    assert table["emotion"].to_pylist() == ["sad", "sad", "happy", "happy", "happy"]


def test_models_of_different_numbers_of_labels_decide_their_own_rows() -> None:
    lengths = [len(row) for row in _mixed()["logits"].to_pylist()]
    assert lengths == [4, 2, 4, 2, 4]
    assert scores_table(_mixed(), PLAIN, "r")["p_sad"].to_pylist()[1] == pytest.approx(1 / (1 + np.exp(-9)))


def test_no_results_are_an_empty_table_of_the_same_columns() -> None:
    logits = logits_table([], SPECS)
    assert logits.num_rows == 0
    assert model_specs(logits) == {}
    assert scores_table(from_parquet(to_parquet(logits)), PLAIN, "run-1").schema.equals(SCORES)
    assert quarantine_table([], "run-1").schema.equals(QUARANTINE)


# -- what the model itself says ----------------------------------------------------------------------------------------


def test_a_row_says_what_the_model_itself_put_first_and_how_much_that_tells() -> None:
    of = medium()
    rows = (segment(of, 0, (0.0, 0.0, 0.0, 0.0)), segment(of, 1, (0.0, 9.0, 0.0, 0.0)))
    flat, sure = scores_table(logits_table([scored(of, *rows)], SPECS), PLAIN, "run-1").to_pylist()
    assert (flat["label"], flat["flags"]) == (ENGLISH.labels[0], ["near_uniform"])
    assert flat["information"] == pytest.approx(0.0, abs=1e-6)
    assert (sure["label"], sure["flags"]) == (ENGLISH.labels[1], [])
    assert sure["information"] == pytest.approx(np.log(4), abs=0.01)


def test_rows_of_a_dimensional_model_say_so_and_have_the_nearest_emotion_for_a_label() -> None:
    spec = model_spec(labels=("arousal", "dominance", "valence"), kind="dimensional")
    of = medium()
    table = scores_table(
        logits_table([scored(of, segment(of, 0, (0.9, 0.7, 0.1), spec=spec))], {spec.weights_sha256: spec}),
        PLAIN,
        "run-1",
    )
    assert table["label"].to_pylist() == table["emotion"].to_pylist() == ["angry"]
    assert table["flags"].to_pylist() == [["mapped_from_dimensions"]]
