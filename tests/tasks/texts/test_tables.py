"""tasks/texts/tables.py: the documented columns, and what scores take from texts."""

import numpy as np
import pyarrow as pa
import pytest

from actors.contract import TAXONOMY, SegmentLogits
from actors.texts import AskedText, SegmentText, TextFlag, TextWork, Word
from tasks.numerics.decision import Decision
from tasks.tables import Decisions, from_parquet, logits_table, model_specs, scores_table, to_parquet
from tasks.texts.tables import TEXTS, TextDecisions, Texts, texts_table
from tests.support.results import LABEL_MAP, SPECS, medium, scored, segment
from tests.support.texts import READER, TEXT_MAPS, answer, said

OF = medium()
ROWS = (
    segment(OF, 0, np.log([1, 2, 3, 4])),  # neutral, happy, angry, sad
    segment(OF, 1, (9.0, 0.0, 0.0, 0.0)),
    segment(OF, 2, (0.0, 0.0, 0.0, 9.0)),
)


def logits() -> pa.Table:
    return logits_table([scored(OF, *ROWS)], SPECS)


def work() -> TextWork:
    return TextWork(OF, tuple(AskedText(row.segment_id, row.span, "en") for row in ROWS))


def texts(*rows: SegmentText) -> pa.Table:
    return texts_table([answer(work(), *rows)])


def name(row: SegmentLogits) -> str:
    return row.segment_id


def decisions(**values: float) -> Decisions:
    return Decisions("heard", Decision(label_map=LABEL_MAP, **values), {}, TextDecisions("fused", TEXT_MAPS))


def fused(*rows: SegmentText, **values: float) -> pa.Table:
    return scores_table(logits(), decisions(**values), "run-1", Texts.join(logits(), texts(*rows), TEXT_MAPS))


# -- texts -------------------------------------------------------------------------------------------------------------


def test_the_texts_table_has_the_documented_columns_and_survives_parquet() -> None:
    read = from_parquet(to_parquet(texts()))
    assert read.schema.equals(TEXTS)
    assert read.equals(texts())
    assert [field.name for field in read.schema] == [
        "media_uri", "media_etag", "segment_id", "language", "text", "text_source", "words", "text_model",
        "text_sha256", "text_logits", "flags", "reason",
    ]  # fmt: skip
    assert model_specs(read) == {READER.weights_sha256: READER}


def test_a_row_says_all_that_is_known_of_a_text() -> None:
    words = (Word("안녕", 0.25, 0.5), Word("hi", 0.5, 0.75))
    lost = said("s1", None, flags=(TextFlag.TEXT_FAILED,), reason="x.srt is damaged")
    first, second = texts(said("s0", "안녕 hi", (1.0, 2.0, 3.0), words=words, source="whisper"), lost).to_pylist()
    assert first == {
        "media_uri": OF.uri,
        "media_etag": OF.etag,
        "segment_id": "s0",
        "language": "en",
        "text": "안녕 hi",
        "text_source": "whisper",
        "words": [{"word": "안녕", "start_s": 0.25, "end_s": 0.5}, {"word": "hi", "start_s": 0.5, "end_s": 0.75}],
        "text_model": "models/text",
        "text_sha256": "ee" * 32,
        "text_logits": [1.0, 2.0, 3.0],
        "flags": [],
        "reason": None,
    }
    nothing = ("text", "text_source", "words", "text_model", "text_sha256", "text_logits")
    assert {key: second[key] for key in nothing} == dict.fromkeys(nothing)
    assert (second["flags"], second["reason"]) == (["text_failed"], "x.srt is damaged")


def test_no_answers_are_an_empty_table_of_the_same_columns() -> None:
    assert from_parquet(to_parquet(texts_table([]))).schema.equals(TEXTS)


# -- what scores take from them ----------------------------------------------------------------------------------------


def test_text_is_pooled_by_the_weight_over_what_both_models_can_say() -> None:
    # Text: joy and anger e^0 : e^log 3 = 1 : 3, gloop as much as joy but dropped: happy 1/4, angry 3/4.
    row = fused(said(name(ROWS[0]), "hm", np.log([1, 3, 1])), audio_weight=0.5).to_pylist()[0]
    # Audio alone can say neutral 1/10 and sad 4/10: they keep it. Happy and angry share the other 1/2 as the pool of
    # 2/10 and 3/10 with 1/4 and 3/4 does: 0.225 to 0.525, that is 3/10 and 7/10 of the half.
    expected = {"p_neutral": 0.1, "p_sad": 0.4, "p_happy": 0.15, "p_angry": 0.35, "p_fear": 0.0}
    assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-6)
    assert (row["emotion"], row["emotion_audio"], row["emotion_text"]) == ("sad", "sad", "angry")


def test_text_can_turn_a_decision_and_the_row_says_what_each_said() -> None:
    audio = segment(OF, 0, (0.0, 2.0, 1.0, 0.0))
    heard = logits_table([scored(OF, audio)], SPECS)
    read = texts_table([answer(TextWork(OF, (AskedText(audio.segment_id, audio.span, "en"),)))])
    (row,) = scores_table(heard, decisions(audio_weight=0.2), "r", Texts.join(heard, read, TEXT_MAPS)).to_pylist()
    assert (row["text"], row["emotion"], row["emotion_audio"], row["emotion_text"]) == (
        "hello",
        "angry",
        "happy",
        "angry",
    )
    assert sum(row[f"p_{emotion}"] for emotion in TAXONOMY) == pytest.approx(1, abs=1e-6)
    assert row["decision"] == "fused"


def test_at_a_weight_of_one_the_audio_decides_alone_and_the_text_stands_beside_it() -> None:
    alone = scores_table(logits(), decisions(), "run-1")
    beside = fused(*(said(name(row)) for row in ROWS))
    same = [
        column for column in alone.column_names if column not in ("decision", "text", "emotion_audio", "emotion_text")
    ]
    assert beside.select(same).equals(alone.select(same))
    assert beside["emotion_text"].to_pylist() == ["angry"] * 3
    assert beside["emotion_audio"].to_pylist() == beside["emotion"].to_pylist()
    assert set(alone["decision"].to_pylist()) == {"heard"}


def test_without_texts_the_columns_are_null() -> None:
    alone = scores_table(logits(), decisions(audio_weight=0.5), "run-1")
    for column in ("text", "emotion_audio", "emotion_text"):
        assert alone[column].null_count == 3


def test_a_segment_without_text_is_decided_by_audio_and_flagged() -> None:
    failed = said(name(ROWS[1]), None, flags=(TextFlag.TEXT_FAILED,), reason="?")
    table = fused(said(name(ROWS[0])), failed, audio_weight=0.1)
    assert table["flags"].to_pylist() == [["near_uniform"], ["no_text", "text_failed"], ["no_text"]]
    assert table["emotion"].to_pylist()[1:] == ["neutral", "sad"]
    assert table["emotion_text"].to_pylist() == ["angry", None, None]
    alone = scores_table(logits(), decisions(audio_weight=0.1), "run-1")
    assert table["p_sad"].to_pylist()[1:] == pytest.approx(alone["p_sad"].to_pylist()[1:])


def test_a_text_that_no_model_read_stands_there_without_a_say() -> None:
    row = fused(said(name(ROWS[0]), "hola", None, model=None, weights_sha256=None), audio_weight=0.1).to_pylist()[0]
    assert (row["text"], row["emotion"], row["emotion_text"]) == ("hola", "sad", None)
    assert "no_text" not in row["flags"]


def test_a_text_whose_model_means_nothing_of_the_seven_has_no_say() -> None:
    row = fused(said(name(ROWS[0]), "gloop", (0.0, 0.0, 9.0)), audio_weight=0.1).to_pylist()[0]
    assert (row["emotion"], row["emotion_text"]) == ("sad", None)


def test_texts_find_their_segments_whatever_their_order() -> None:
    rows = [said(name(row), str(number), (0.0, float(number), 5.0 - number)) for number, row in enumerate(ROWS)]
    assert fused(*reversed(rows), audio_weight=0.5)["text"].to_pylist() == ["0", "1", "2"]
