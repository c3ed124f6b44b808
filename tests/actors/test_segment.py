import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import Span
from actors.options import SegmentOptions
from actors.segment import MIN_SPEECH_S, Segmenter, clip, merge, speech_runs, speech_spans, split, widen, windows
from actors.speech import FRAME
from tests.support.media import speech_like

RATE = 16_000
FRAME_S = FRAME / RATE


def frames(*runs: tuple[float, float]) -> np.ndarray:
    """Probabilities from (seconds, probability)."""
    return np.concatenate([np.full(round(s / FRAME_S), p, dtype=np.float32) for s, p in runs])


def spans_of(probabilities: np.ndarray, **options: float) -> list[tuple[float, float]]:
    spans = speech_spans(probabilities, len(probabilities) * FRAME, SegmentOptions(**options))
    return [(round(span.start_s, 3), round(span.end_s, 3)) for span in spans]


# --- speech ------------------------------------------------------------------------------------------------------


def test_speech_becomes_a_span_with_30_ms_of_padding():
    assert spans_of(frames((1.6, 0.0), (3.2, 0.9), (1.6, 0.0))) == [(1.57, 4.83)]


def test_padding_does_not_leave_the_signal():
    assert spans_of(frames((3.2, 0.9))) == [(0.0, 3.2)]


def test_a_dip_above_the_lower_threshold_does_not_end_speech():
    assert spans_of(frames((0.64, 0.9), (0.64, 0.4), (0.64, 0.9)), merge_gap_s=0) == [(0.0, 1.92)]
    assert len(spans_of(frames((0.64, 0.9), (0.64, 0.3), (0.64, 0.9)), merge_gap_s=0)) == 2


def test_speech_begins_only_at_the_threshold():
    assert spans_of(frames((0.96, 0.45), (0.96, 0.9), (0.96, 0.0))) == [(0.93, 1.95)]


@pytest.mark.parametrize(("gap_s", "count"), [(0.288, 1), (0.32, 2)])
def test_speech_is_joined_over_gaps_shorter_than_the_limit(gap_s, count):
    assert len(spans_of(frames((0.96, 0.9), (gap_s, 0.0), (0.96, 0.9)), merge_gap_s=0.3)) == count


def test_a_click_is_dropped():
    assert spans_of(frames((1.6, 0.0), (0.224, 0.9), (1.6, 0.0))) == []


def test_a_word_shorter_than_the_minimum_is_widened_on_both_sides():
    assert spans_of(frames((1.6, 0.0), (0.32, 0.9), (1.6, 0.0)), min_s=0.5) == [(1.51, 2.01)]


def test_a_word_at_the_edge_is_widened_where_there_is_room():
    assert spans_of(frames((0.32, 0.9), (1.6, 0.0)), min_s=0.5) == [(0.0, 0.5)]
    assert spans_of(frames((1.6, 0.0), (0.32, 0.9)), min_s=0.5) == [(1.42, 1.92)]


def test_a_word_without_room_to_reach_the_minimum_is_dropped():
    assert spans_of(frames((0.32, 0.9)), min_s=0.5) == []


def test_long_speech_is_split_where_it_is_quietest():
    probabilities = frames((25.6, 0.9))
    # 9.6 s is within the reach of the first piece (7.5 to 15 s), 19.2 s within that of the second (17.1 to 24.6 s).
    probabilities[[300, 600]] = 0.55, 0.7
    assert spans_of(probabilities, max_s=15) == [(0.0, 9.616), (9.616, 19.216), (19.216, 25.6)]


def test_a_pause_near_the_beginning_does_not_make_a_short_piece():
    probabilities = frames((25.6, 0.9))
    probabilities[60] = 0.5
    assert spans_of(probabilities, max_s=15)[0][1] > 7.5


def test_long_speech_without_a_pause_is_split_into_long_pieces():
    lengths = [stop - start for start, stop in spans_of(frames((64, 0.9)), max_s=15)]
    assert len(lengths) == 5
    assert max(lengths) <= 15


def test_the_rest_of_a_split_is_never_shorter_than_the_minimum():
    for seconds in np.arange(15, 16.2, FRAME_S):
        lengths = [stop - start for start, stop in spans_of(frames((seconds, 0.9)), min_s=2, max_s=15)]
        assert min(lengths) >= 2 - 1e-3


def test_the_last_frame_does_not_reach_beyond_the_signal():
    spans = speech_spans(frames((3.2, 0.9)), 50_000, SegmentOptions())
    assert spans[-1].end_s == 50_000 / RATE


PROBABILITIES = st.lists(
    st.tuples(st.integers(1, 400), st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.9, 1.0])), max_size=40
).map(lambda runs: np.repeat(np.array([p for _, p in runs], np.float32), [n for n, _ in runs]))
OPTIONS = st.builds(
    lambda least, factor, gap: SegmentOptions(
        min_s=least, max_s=least * factor, window_s=least * factor, merge_gap_s=gap
    ),
    st.floats(0.05, 3),
    st.floats(2, 30),
    st.floats(0, 2),
)


@settings(max_examples=200, deadline=None)
@given(PROBABILITIES, st.integers(0, FRAME - 1), OPTIONS)
def test_spans_are_in_order_within_bounds_and_of_allowed_length(probabilities, short, options):
    samples = max(len(probabilities) * FRAME - short, 0)
    spans = speech_spans(probabilities, samples, options)
    edges = [edge for span in spans for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= samples / RATE)
    for span in spans:
        assert options.min_s - 1e-4 <= span.duration_s <= options.max_s + 1e-4


@settings(max_examples=200, deadline=None)
@given(PROBABILITIES, OPTIONS)
def test_every_speech_frame_is_covered_unless_its_run_is_too_short(probabilities, options):
    samples = len(probabilities) * FRAME
    spans = speech_spans(probabilities, samples, options)
    covered = np.zeros(samples, dtype=bool)
    for span in spans:
        covered[round(span.start_s * RATE) : round(span.end_s * RATE)] = True
    dropped = max(options.min_s, MIN_SPEECH_S)
    for start, stop in merge(speech_runs(probabilities, options.speech_threshold), round(options.merge_gap_s * RATE)):
        assert covered[start:stop].all() or (not covered[start:stop].any() and (stop - start) / RATE < dropped)


@given(st.lists(st.integers(1, 500), min_size=2, max_size=30).map(np.cumsum), st.integers(0, 300))
def test_merging_leaves_only_wide_gaps_and_loses_nothing(edges, gap):
    stretches = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    merged = merge(stretches, gap)
    assert all(later[0] - earlier[1] >= gap for earlier, later in itertools.pairwise(merged))
    assert all(any(start <= a and b <= stop for start, stop in merged) for a, b in stretches)
    assert {edge for stretch in merged for edge in stretch} <= {edge for stretch in stretches for edge in stretch}


def test_a_gap_as_wide_as_the_limit_is_kept():
    assert merge([(0, 10), (20, 30), (39, 50)], 10) == [(0, 10), (20, 50)]


def test_neighbours_share_the_gap_between_them():
    assert widen([(1_000, 9_000), (9_400, 20_000)], 30_000, 100) == [(520, 9_200), (9_200, 20_480)]


def test_a_split_covers_the_stretch_without_a_gap():
    pieces = split((1_000, 200_000), np.random.default_rng(0).random(400).astype(np.float32), 8_000, 40_000)
    assert pieces[0][0] == 1_000
    assert pieces[-1][1] == 200_000
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(pieces))


# --- windows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, []),
        (0.4, []),
        (3.0, [(0, 3)]),
        (10.0, [(0, 5), (5, 10)]),
        (12.0, [(0, 5), (5, 10), (10, 12)]),
        (10.4, [(0, 5), (5, 10.4)]),
    ],
)
def test_windows_cover_the_signal(seconds, expected):
    spans = windows(round(seconds * RATE), SegmentOptions(method="windows", window_s=5))
    assert spans == tuple(Span(start, stop) for start, stop in expected)


def test_a_rest_that_cannot_join_the_last_window_is_dropped():
    options = SegmentOptions(method="windows", window_s=5, max_s=5)
    assert windows(round(10.4 * RATE), options) == (Span(0, 5), Span(5, 10))


# --- given spans -------------------------------------------------------------------------------------------------


def test_given_spans_are_cut_at_the_end_and_those_beyond_it_are_named():
    clipped = clip([Span(4, 6), Span(0, 2), Span(5, 9), Span(7, 8)], 5.0)
    assert clipped.kept == (Span(4, 5), Span(0, 2))
    assert clipped.outside == (Span(5, 9), Span(7, 8))


# --- the whole ---------------------------------------------------------------------------------------------------


def test_a_segmenter_finds_speech_between_silences():
    speech = speech_like(10, np.random.default_rng(0))
    silence = np.zeros(3 * RATE, dtype=np.float32)
    spans = Segmenter(SegmentOptions()).segment(np.concatenate([silence, speech, silence]))
    assert spans
    assert spans[0].start_s > 2.9
    assert spans[-1].end_s < 13.2


def test_silence_and_nothing_have_no_segments():
    segmenter = Segmenter(SegmentOptions())
    assert segmenter.segment(np.zeros(5 * RATE, dtype=np.float32)) == ()
    assert segmenter.segment(np.zeros(0, dtype=np.float32)) == ()


def test_a_segmenter_cuts_windows_without_listening():
    assert len(Segmenter(SegmentOptions(method="windows")).segment(np.zeros(10 * RATE, dtype=np.float32))) == 2


def test_segments_of_a_label_file_are_no_task_for_a_segmenter():
    with pytest.raises(ValueError, match="clip"):
        Segmenter(SegmentOptions(method="labels", labels="labels.csv"))


def test_given_spans_that_become_the_same_at_the_end_of_the_medium_are_one() -> None:
    clipped = clip([Span(1.0, 5.0), Span(1.0, 9.0), Span(2.0, 3.0), Span(2.0, 3.0), Span(4.0, 6.0)], 4.0)
    assert clipped.kept == (Span(1.0, 4.0), Span(2.0, 3.0))
    assert clipped.outside == (Span(4.0, 6.0),)
