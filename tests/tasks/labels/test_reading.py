"""tasks/labels/reading.py: labelled sets of every format, and what is counted as what."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from infra.errors import ConfigError, InputError
from tasks.labels import LabelledSet, read_labelled, segment_key
from tests.support.labelled import WRITERS, Said, Writer, content, json_lines

SAD = TAXONOMY.index("sad")
ANGRY = TAXONOMY.index("angry")
HAPPY = TAXONOMY.index("happy")


def _read(said: Sequence[Said], **options: Any) -> LabelledSet:
    return read_labelled(json_lines(said), "labels.jsonl", **{"max_problems_share": 1.0} | options)


def _records(*records: dict[str, Any], **options: Any) -> LabelledSet:
    base = {"video": "a", "end": 100.0}
    lines = [json.dumps(base | {"start": float(row)} | record) for row, record in enumerate(records)]
    return read_labelled("\n".join(lines).encode(), "labels.jsonl", **{"max_problems_share": 1.0} | options)


def _told(labelled: LabelledSet) -> list[tuple[int, str]]:
    return [(problem.line, problem.kind.value) for problem in labelled.problems]


# -- formats -----------------------------------------------------------------------------------------------------------

names = st.text("ab한é#%?& .", min_size=1, max_size=6).map(lambda text: f"x/{text}y")
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
labels = st.none() | st.sampled_from([*TAXONOMY, "기쁨", "SADNESS", "calm", "bogus"])
times = st.integers(0, 4000).map(lambda milliseconds: milliseconds / 1000)
lines = st.builds(
    Said,
    names,
    times,
    times,
    labels,
    st.none() | st.sampled_from(["s1", "철수"]),
    st.none() | st.just("ko"),
    text=texts,
)


@settings(max_examples=15, deadline=None)
@given(st.lists(lines, min_size=1, max_size=6), st.sampled_from([[None], ["ann", "bob", "7"]]))
def test_every_format_with_the_same_content_gives_the_same_set(said: list[Said], raters: list[str | None]) -> None:
    # Twice, so that duplicates and several raters of one segment occur; a different label, so that conflicts do.
    twice = [replace(each, rater=raters[n % len(raters)]) for n, each in enumerate([*said, *said])]
    twice.append(replace(twice[0], label="fear"))
    expected = _outcome(WRITERS["json lines"](twice))
    for name, write in WRITERS.items():
        assert _outcome(write(twice)) == expected, name


def _outcome(data: bytes) -> Any:
    try:
        return content(read_labelled(data, "labels", max_problems_share=1.0))
    except InputError:
        return "refused"


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_set_is_read_into_columns_in_the_order_of_the_file(write: Writer) -> None:
    data = write(
        [Said("b.wav", 1.25, 2.5, "분노", "s2", "ko", text='"하나"\n둘'), Said("a.wav", 0, 1, "fear", "s1", "en")]
    )
    labelled = read_labelled(data, "set")
    assert labelled.name == "set"
    assert labelled.sha256 == hashlib.sha256(data).hexdigest()
    assert labelled.media.tolist() == ["b.wav", "a.wav"]
    assert labelled.start_s.tolist() == [1.25, 0.0]
    assert labelled.end_s.tolist() == [2.5, 1.0]
    assert labelled.truth.tolist() == [ANGRY, TAXONOMY.index("fear")]
    assert labelled.truth.dtype == np.int8
    assert labelled.speaker.tolist() == ["s2", "s1"]
    assert labelled.language.tolist() == ["ko", "en"]
    assert labelled.text.tolist() == ['"하나"\n둘', None]
    assert labelled.soft.tolist() == np.eye(7)[labelled.truth].tolist()
    assert (labelled.raters, labelled.ratings.shape) == ((), (2, 0))
    assert labelled.problems == ()
    assert labelled.recorded == {}


def test_posteriors_that_the_file_recorded_are_read_renormalised_in_the_order_of_the_taxonomy() -> None:
    scores = {emotion: float(place) for place, emotion in enumerate(reversed(TAXONOMY))}
    row = {"video": "a", "start": 0, "end": 1, "label": "sad", "audio_scores": scores, "combined_scores": {"joy": 2}}
    labelled = read_labelled(json.dumps(row).encode(), "labels.jsonl")
    assert list(labelled.recorded) == ["audio", "combined"]
    np.testing.assert_allclose(labelled.recorded["audio"], [np.arange(6, -1, -1) / 21])
    np.testing.assert_array_equal(labelled.recorded["combined"], np.eye(7)[[HAPPY]])


def test_recorded_posteriors_of_tables_are_those_of_json_lines() -> None:
    rows = [
        {"media": "a", "start": n, "end": n + 1, "label": "sad", "text_scores": {"sad": 3, "fear": n}} for n in (0, 1)
    ]
    cells = "".join(f'a,{n},{n + 1},sad,"{{""sad"": 3, ""fear"": {n}}}"\n' for n in (0, 1))
    by_csv = read_labelled(f"media,start,end,label,text_scores\n{cells}".encode(), "labels.csv")
    by_json = read_labelled("\n".join(map(json.dumps, rows)).encode(), "labels.jsonl")
    assert content(by_csv) == content(by_json)
    assert by_csv.recorded["text"][1].tolist() == [0, 0, 0.75, 0, 0.25, 0, 0]


# -- problems ----------------------------------------------------------------------------------------------------------


def test_what_became_of_every_line_is_counted_and_told() -> None:
    labelled = _records(
        {"label": "sad", "end": 0.9},
        {"label": None, "end": 1.9},
        {"label": "sad", "skipped": True},
        {"label": "calm", "end": 3.9},
        {"label": "sad", "start": 0.0, "end": 0.9},
        {"label": "sad", "start": 50, "end": 40},
        {"label": "angry", "start": 60, "end": 61},
        {"label": "happy", "start": 60, "end": 61},
        {"label": "angry", "start": 70, "end": 71},
    )
    assert labelled.line.tolist() == [1, 9]
    counts = labelled.counts
    assert (counts.lines, counts.ratings, counts.unlabelled, counts.rejected) == (9, 2, 2, 1)
    assert (counts.duplicates, counts.conflicting, counts.broken, counts.tied) == (1, 2, 1, 0)
    assert _told(labelled) == [
        (4, "label_outside"),
        (5, "duplicate"),
        (6, "end_before_start"),
        (8, "conflicting_labels"),
    ]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"video": ""}, "bad_line"),
        ({"video": "a\x00"}, "bad_line"),
        ({"video": "\ud800"}, "bad_line"),
        ({"text": "\ud800"}, "bad_line"),
        ({"speaker": {"name": "x"}}, "bad_line"),
        ({"start": None}, "not_a_number"),
        ({"start": float("nan")}, "not_a_number"),
        ({"end": float("inf")}, "not_a_number"),
        ({"end": 1_700_000_000}, "not_a_number"),
        ({"start": "soon"}, "not_a_number"),
        ({"start": -0.5}, "negative_time"),
        ({"start": 3, "end": 2}, "end_before_start"),
        ({"start": 1.0001, "end": 1.0004}, "end_before_start"),
        ({"label": "bored"}, "label_outside"),
        ({"label": "calm"}, "label_outside"),
        ({"label": 3}, "label_outside"),
        ({"label": ["sad", "angry"]}, "conflicting_labels"),
    ],
    ids=str,
)
def test_a_line_that_cannot_be_used_is_named_and_the_rest_is_used(record: dict[str, Any], kind: str) -> None:
    labelled = _records({"label": "sad", "end": 0.5}, {"label": "sad", "end": 1.5} | record)
    assert labelled.line.tolist() == [1]
    assert _told(labelled) == [(2, kind)]
    counts = labelled.counts
    assert counts.lines == counts.ratings + counts.rejected + counts.conflicting + counts.broken == 2


def test_overlapping_segments_are_told_and_used() -> None:
    labelled = _read([Said("a", 5, 9), Said("b", 0, 9), Said("a", 0, 5.002), Said("a", 6, 7)])
    assert len(labelled) == 4
    assert [(each.line, each.text.split(":")[0]) for each in labelled.problems] == [
        (1, "overlaps the segment on line 3"),
        (4, "overlaps the segment on line 1"),
    ]


def test_a_posterior_that_is_missing_or_none_is_a_row_of_nan_and_told() -> None:
    labelled = _records(
        {"label": "sad", "end": 0.5, "audio_scores": {"sad": 1}},
        {"label": "sad", "end": 1.5},
        {"label": "sad", "end": 2.5, "audio_scores": {"sad": -1, "fear": 2}},
    )
    assert np.isnan(labelled.recorded["audio"]).all(axis=1).tolist() == [False, True, True]
    assert _told(labelled) == [(2, "bad_scores"), (3, "bad_scores")]
    assert labelled.counts.ratings == 3


def test_an_alias_goes_before_the_packaged_words_and_may_reject_one() -> None:
    said = [Said(start=0, end=1, label="ruhig"), Said(start=1, end=2, label="Joy"), Said(start=2, end=3, label="CALM")]
    labelled = _read(said, aliases={"Ruhig": "neutral", "joy": None, "calm": "neutral"})
    assert labelled.truth.tolist() == [0, 0]
    assert _told(labelled) == [(2, "label_outside")]


def test_an_alias_for_no_emotion_of_the_taxonomy_is_refused() -> None:
    with pytest.raises(ConfigError, match="'bored' stands for 'boredom', expected one of neutral, happy"):
        _read([Said()], aliases={"bored": "boredom"})


@pytest.mark.parametrize(("broken", "refused"), [(2, False), (3, True)])
def test_a_file_is_refused_past_a_share_of_lines_that_cannot_be_used(broken: int, refused: bool) -> None:
    said = [Said(start=n, end=n + 1) for n in range(10 - broken)] + [Said(start=1, end=0)] * broken
    if not refused:
        assert len(_read(said, max_problems_share=0.2)) == 8
        return
    with pytest.raises(InputError, match=r"3 of 10 lines cannot be used, 20% may be \(labels\.jsonl:8: 0 <= start"):
        _read(said, max_problems_share=0.2)


def test_labels_outside_the_taxonomy_and_duplicates_do_not_count_against_the_limit() -> None:
    said = [Said(), *[Said(label="frustrated")] * 5, Said()]
    assert len(_read(said, max_problems_share=0.0)) == 1


def test_a_file_without_a_label_that_can_be_used_is_refused_with_the_reasons() -> None:
    with pytest.raises(InputError, match=r"of 3 lines 1 have no label, 2 one outside .*labels\.jsonl:2: label 'xyz'"):
        _read([Said(label=None), Said(label="xyz"), Said(label="calm")])


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"media,start,end,label\n", b"media,start,end\na,0,1\n"])
def test_a_file_without_any_labelled_line_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="no labelled segment"):
        read_labelled(data, "labels")


# -- raters ------------------------------------------------------------------------------------------------------------


def _rated(*words: tuple[str, str | None, str]) -> LabelledSet:
    """Ratings (segment, rater, label) of segments one second long."""
    return _read([Said(media, 0, 1, label, rater=rater) for media, rater, label in words])


def test_several_raters_of_a_segment_give_one_row_with_their_ratings_and_the_majority() -> None:
    labelled = _rated(("x", "bob", "sad"), ("y", "bob", "sad"), ("x", "ann", "angry"), ("x", "cho", "sad"))
    assert labelled.media.tolist() == ["x", "y"]
    assert labelled.raters == ("ann", "bob", "cho")
    assert labelled.ratings.tolist() == [[ANGRY, SAD, SAD], [-1, SAD, -1]]
    assert labelled.truth.tolist() == [SAD, SAD]
    np.testing.assert_allclose(labelled.soft[0, [SAD, ANGRY]], [2 / 3, 1 / 3])
    assert labelled.counts.ratings == 4


def test_raters_who_are_evenly_split_leave_no_truth_but_their_ratings() -> None:
    labelled = _rated(("x", "ann", "sad"), ("x", "bob", "angry"), ("y", "ann", "sad"))
    assert labelled.truth.tolist() == [-1, SAD]
    assert labelled.decided.tolist() == [False, True]
    assert labelled.soft[0, [SAD, ANGRY]].tolist() == [0.5, 0.5]
    assert _told(labelled) == [(1, "tied_raters")]
    assert labelled.counts.tied == 1
    assert labelled.take(labelled.decided).ratings.tolist() == [[SAD, -1]]


def test_a_rater_who_contradicts_himself_says_nothing_about_that_segment() -> None:
    labelled = _rated(("x", "ann", "sad"), ("x", "bob", "angry"), ("x", "ann", "happy"), ("x", "ann", "sad"))
    assert labelled.ratings.tolist() == [[-1, ANGRY]]
    assert labelled.truth.tolist() == [ANGRY]
    assert (labelled.counts.ratings, labelled.counts.conflicting) == (1, 3)


def test_a_line_without_a_rater_beside_lines_with_one_is_a_rater_of_its_own() -> None:
    labelled = _rated(("x", "ann", "sad"), ("x", None, "sad"))
    assert labelled.raters == ("(unnamed)", "ann")
    assert labelled.ratings.tolist() == [[SAD, SAD]]


def test_a_single_rater_is_no_column_of_ratings() -> None:
    assert _rated(("x", "ann", "sad"), ("y", "ann", "sad")).raters == ()


def test_a_file_whose_raters_number_its_lines_is_refused() -> None:
    with pytest.raises(InputError, match="names 1,001 raters, at most 1,000 are expected"):
        _rated(*[("x", str(number), "sad") for number in range(1001)])


# -- keys --------------------------------------------------------------------------------------------------------------


def test_keys_name_the_segment_to_the_millisecond_however_the_rows_are_ordered() -> None:
    said = [Said("드라마", 0.1, 1), Said("드라마", 0.101, 1), Said("b", 0.1, 1)]
    forward, backward = _read(said), _read(said[::-1])
    assert len(set(forward.key)) == 3
    assert forward.key.tolist() == backward.key.tolist()[::-1]
    assert forward.key[0] == segment_key("드라마", 0.1000001, 1.0)
    assert forward.key[0] != forward.key[1]
