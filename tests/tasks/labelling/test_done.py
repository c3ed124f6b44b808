"""tasks/labelling/done.py: what is labelled already, and what cannot be told."""

from actors.contract import TAXONOMY
from tasks.labelling.done import done_of
from tasks.labels import read_labelled, read_spans

URIS = ["s3://media/shows/a.wav", "s3://media/shows/b.wav", "s3://media/else/b.wav"]


def test_labels_are_counted_by_emotion_and_by_medium() -> None:
    labels = b"media,start,end,label\na.wav,0,1,sad\na.wav,2,3,sad\nshows/b.wav,0,1,fear"
    done = done_of([read_labelled(labels, "l.csv")], [], URIS)
    counts = dict(zip(TAXONOMY, done.emotions, strict=True))
    assert {emotion: n for emotion, n in counts.items() if n} == {"sad": 2, "fear": 1}
    assert done.labels == {URIS[0]: 2, URIS[1]: 1}


def test_a_tie_is_labelled_but_counts_for_no_emotion() -> None:
    labels = b"media,start,end,label,rater\na.wav,0,1,sad,x\na.wav,0,1,fear,y"
    done = done_of([read_labelled(labels, "l.csv")], [], URIS)
    assert sum(done.emotions) == 0
    assert done.labels == {URIS[0]: 1}


def test_stretches_that_touch_are_one() -> None:
    labels = b"media,start,end,label\na.wav,5,9,sad\na.wav,0,6,sad\na.wav,20,21,sad"
    starts, ends = done_of([read_labelled(labels, "l.csv")], [], URIS).spans[URIS[0]]
    assert (starts.tolist(), ends.tolist()) == ([0.0, 20.0], [9.0, 21.0])


def test_segments_to_leave_out_need_no_label_and_count_for_nothing() -> None:
    queue = b'{"video": "a.wav", "start": 0, "end": 4, "label": null}'
    done = done_of([], [read_spans(queue, "queue.jsonl")], URIS)
    assert list(done.spans) == [URIS[0]]
    assert (done.labels, sum(done.emotions)) == ({}, 0)


def test_names_that_fit_no_medium_or_several_are_told() -> None:
    labels = b"media,start,end,label\nb.wav,0,1,sad\nzz.wav,2,3,sad\nb.wav,4,5,sad"
    done = done_of([read_labelled(labels, "l.csv")], [], URIS)
    assert done.spans == {}
    assert [problem.partition(" ")[0] for problem in done.problems] == ["no", "'b.wav'"]


def test_without_label_files_nothing_is_done() -> None:
    assert done_of([], [], URIS).emotions == (0,) * len(TAXONOMY)
