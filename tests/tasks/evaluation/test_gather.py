"""Label files put together, and their media found: what goes into the set, what does not, and why."""

import numpy as np
import pytest

from actors.contract import TAXONOMY, Span
from infra.errors import ConfigError, InputError
from tasks.evaluation.gather import Segments, coded, find_media, gather, without_unheard
from tests.support.evaluation import labelled, line, scores
from tests.support.stores import info

UNIFORM = scores(*[1 / 7] * 7)


def content(segments: Segments) -> list[tuple[object, ...]]:
    """The rows as values, without where they stood."""
    columns = (segments.media, segments.start_s, segments.end_s, segments.truth, segments.speaker, segments.key)
    return list(zip(*(each.tolist() for each in columns), strict=True))


def kinds(segments: Segments) -> list[str]:
    return [each.kind for each in segments.dataset.problems]


def test_segments_of_several_files_stand_together_in_order_of_medium_and_time() -> None:
    one = labelled(line("b.wav", 3, 4), line("a.wav", 3, 4, "happy"), name="one.jsonl")
    two = labelled(line("a.wav", 0, 1, "fear"), name="two.jsonl")

    segments = gather([one, two])

    assert list(zip(segments.media, segments.start_s, segments.origin, strict=True)) == [
        ("a.wav", 0.0, "two.jsonl"),
        ("a.wav", 3.0, "one.jsonl"),
        ("b.wav", 3.0, "one.jsonl"),
    ]
    assert [TAXONOMY[code] for code in segments.truth] == ["fear", "happy", "sad"]
    assert segments.dataset.files == ("one.jsonl", "two.jsonl")


def test_the_order_of_lines_and_of_files_changes_nothing() -> None:
    lines = [line(f"{row % 3}.wav", row, row + 1, TAXONOMY[row % 7], speaker=f"s{row % 2}") for row in range(20)]
    shuffled = [lines[at] for at in np.random.default_rng(1).permutation(20)]

    first = gather([labelled(*lines[:12], name="a"), labelled(*lines[12:], name="b")])
    second = gather([labelled(*shuffled[:5], name="c"), labelled(*shuffled[5:], name="d")])

    assert content(first) == content(second)


def test_a_segment_in_two_files_counts_once_and_is_counted_as_a_duplicate() -> None:
    one = labelled(line(), line("b.wav"), name="one.jsonl")
    two = labelled(line(), line("c.wav"), name="two.jsonl")

    segments = gather([one, two])

    assert segments.media.tolist() == ["a.wav", "b.wav", "c.wav"]
    assert segments.dataset.n == 3
    assert (segments.dataset.labelled, segments.dataset.duplicates) == (4, 1)
    assert segments.dataset.problem_count == 0


def test_two_files_that_disagree_about_a_segment_are_told_and_the_first_holds() -> None:
    one = labelled(line(), name="one.jsonl")
    two = labelled(line("c.wav"), line(label="happy"), name="two.jsonl")

    segments = gather([one, two])

    assert TAXONOMY[segments.truth[0]] == "sad"
    (problem,) = segments.dataset.problems
    assert (problem.file, problem.line, problem.kind) == ("two.jsonl", 2, "conflicting_labels")
    assert "one.jsonl, line 1, says sad" in problem.text
    assert segments.dataset.problem_count == 1


def test_files_of_the_same_name_in_two_folders_stay_apart() -> None:
    one = labelled(line(), name="2025/labels.jsonl")
    two = labelled(line("b.wav", label="happy"), name="2026/labels.jsonl")

    segments, wanted = find_media(gather([one, two]), [info("s3://media/a.wav"), info("s3://media/b.wav")])

    assert segments.origin.tolist() == ["2025/labels.jsonl", "2026/labels.jsonl"]
    assert [each.medium.uri for each in wanted] == ["s3://media/a.wav", "s3://media/b.wav"]


def test_the_dataset_counts_what_was_used_and_what_was_not() -> None:
    lines = [
        line(speaker="s1", language="en"),
        line("b.wav", 0, 2, "happy", speaker="s2", language="ko"),
        line("b.wav", 2, 4, "happy", speaker="s2", language="ko"),
        line("b.wav", 4, 6, None),
        line("b.wav", 6, 8, "bored"),
        line(speaker="s1", language="en"),
    ]

    dataset = gather([labelled(*lines)]).dataset

    assert (dataset.n, dataset.labelled, dataset.unlabelled, dataset.rejected, dataset.duplicates) == (3, 3, 1, 1, 1)
    assert dataset.counts == {"happy": 2, "sad": 1}
    assert dataset.languages == {"en": 1, "ko": 2}
    assert (dataset.sources, dataset.speakers, dataset.seconds) == (2, 2, 5.5)


def test_a_segment_whose_raters_are_split_is_counted_and_not_evaluated_on() -> None:
    lines = [line(rater="x"), line(label="happy", rater="y"), line("b.wav", rater="x")]

    segments = gather([labelled(*lines)])

    assert segments.media.tolist() == ["b.wav"]
    assert segments.dataset.tied == 1


def test_only_split_raters_leave_nothing_to_evaluate_on() -> None:
    with pytest.raises(InputError, match=r"labels\.jsonl: no segment has a truth"):
        gather([labelled(line(rater="x"), line(label="happy", rater="y"))])


def test_an_alias_reaches_the_truth_and_a_word_outside_the_taxonomy_none() -> None:
    lines = [line(label="Bored"), line("b.wav", label="분노"), line("c.wav", label="calm")]

    segments = gather([labelled(*lines, aliases={"bored": "sad", "calm": None})])

    assert [TAXONOMY[code] for code in segments.truth] == ["sad", "angry"]
    assert segments.dataset.rejected == 1


def test_an_alias_for_something_outside_the_taxonomy_is_refused() -> None:
    with pytest.raises(ConfigError, match="boredom"):
        labelled(line(), aliases={"bored": "boredom"})


def test_recorded_scores_follow_their_segment_and_are_absent_where_a_file_has_none() -> None:
    sure = scores(0, 0, 1, 0, 0, 0, 0)
    one = labelled(line("b.wav", audio_scores=sure), name="one")
    two = labelled(line("a.wav", text_scores=UNIFORM), name="two")

    segments = gather([one, two])

    assert sorted(segments.recorded) == ["audio", "text"]
    assert np.isnan(segments.recorded["audio"][0]).all()
    assert segments.recorded["audio"][1].tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert np.isnan(segments.recorded["text"][1]).all()


def test_sources_are_media_whatever_their_order() -> None:
    segments = gather([labelled(line("b.wav"), line("a.wav"), line("b.wav", 5, 6))])

    assert segments.source.tolist() == [0, 1, 1]
    assert segments.take(np.array([2, 0])).source.tolist() == [1, 0]


def test_media_are_found_by_name_and_the_rest_is_left_out_and_told() -> None:
    segments = gather([labelled(line("a.wav", 1, 2), line("gone.wav"))])

    found, wanted = find_media(segments, [info("s3://media/deep/a.wav", etag="e7"), info("s3://media/b.wav")])

    assert found.uri.tolist() == ["s3://media/deep/a.wav"]
    assert [(each.address, each.span) for each in wanted] == [(("s3://media/deep/a.wav", "e7"), Span(1, 2))]
    assert (found.dataset.n, found.dataset.unheard) == (1, 1)
    assert kinds(found) == ["unknown_media"]


def test_a_name_without_suffix_means_the_medium_and_not_the_text_beside_it() -> None:
    segments = gather([labelled(line("a"))])

    found, _ = find_media(segments, [info("s3://media/a.wav"), info("s3://media/a.txt"), info("s3://media/._a.wav")])

    assert found.uri.tolist() == ["s3://media/a.wav"]


def test_a_name_that_fits_two_media_is_used_for_none() -> None:
    segments = gather([labelled(line("a.wav"), line("b.wav"))])

    found, _ = find_media(segments, [info("s3://media/1/a.wav"), info("s3://media/2/a.wav"), info("s3://media/b.wav")])

    assert found.uri.tolist() == ["s3://media/b.wav"]
    assert kinds(found) == ["ambiguous_media"]


def test_a_segment_under_two_names_of_one_medium_counts_once() -> None:
    one = labelled(line("a.wav", 1, 2), line("a.wav", 5, 6), name="one")
    two = labelled(line("shows/a.wav", 1, 2, "happy"), name="two")

    found, wanted = find_media(gather([one, two]), [info("s3://media/shows/a.wav")])

    assert [each.span for each in wanted] == [Span(1, 2), Span(5, 6)]
    assert (found.dataset.n, found.dataset.duplicates) == (2, 1)
    assert kinds(found) == ["conflicting_labels"]


def test_an_evaluation_without_one_medium_is_refused_with_the_nearest_name() -> None:
    segments = gather([labelled(line("epsiode.wav"))])

    with pytest.raises(InputError, match=r"no labelled segment has its medium.*nearest is s3://media/episode\.wav"):
        find_media(segments, [info("s3://media/episode.wav")])


def test_an_empty_listing_is_refused_like_one_without_the_media() -> None:
    with pytest.raises(InputError, match="no labelled segment has its medium"):
        find_media(gather([labelled(line())]), [])


def test_what_nobody_heard_is_left_out_and_counted() -> None:
    segments, _ = find_media(gather([labelled(line(), line("b.wav"), line("c.wav"))]), [info("s3://media/a.wav")] * 2)
    several = gather([labelled(line(), line("b.wav"), line("c.wav"))])

    kept = without_unheard(several, np.array([True, False, True]))

    assert segments.dataset.unheard == 2
    assert kept.media.tolist() == ["a.wav", "c.wav"]
    assert (kept.dataset.n, kept.dataset.unheard) == (2, 1)


def test_codes_count_from_the_least_value() -> None:
    distinct, codes = coded(["b", "a", "b", ""])

    assert distinct == ["", "a", "b"]
    assert codes.tolist() == [2, 1, 2, 0]
