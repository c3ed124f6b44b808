"""Evaluations of the scores that stand in label files, up to the stored record: no media, no model, no service."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.errors import InputError
from infra.shelf import FolderShelf
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import BASELINES
from tasks.evaluation.run import evaluate_recorded, read_label_file
from tests.support.evaluation import line, one_hot, scores

TRUTH = ["neutral"] * 20 + ["angry"] * 3 + ["happy"] * 2 + ["sad"] * 2 + ["surprise"] * 2 + ["fear"] * 2
MEDIA = tuple(f"m{row}.wav" for row in range(6))


def recorded_lines(*, seed: int = 0, text: bool = True) -> list[bytes]:
    """The 31 labels with audio scores of a random head, and text scores that are right two times in three."""
    rng = np.random.default_rng(seed)
    lines = []
    for row, label in enumerate(TRUTH):
        noise = np.array([0.253, *[0.1245] * 6]) + rng.uniform(-0.004, 0.004, 7)
        own: dict[str, Any] = {"audio_scores": scores(*noise.tolist())}
        if text:
            said = label if row % 3 else "happy"
            own["text_scores"] = scores(*one_hot([said], 0.6)[0].tolist())
        lines.append(line(MEDIA[row % 6], row * 4, row * 4 + 3, label, **own))
    return lines


def recorded(folder: Path, lines: Sequence[bytes], **asked: Any) -> Evaluation:
    (folder / "labels.jsonl").write_bytes(b"\n".join(lines))
    request = EvaluateRequest(labels=(str(folder / "labels.jsonl"),), recorded=True, **asked)
    return evaluate_recorded(request, read_label_file, FolderShelf(folder / "results"))


def rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(each.model, each.status) for each in evaluation.models if each.model not in BASELINES]


def test_recorded_noise_has_the_known_figures_is_flagged_and_called_out(tmp_path: Path) -> None:
    evaluation = recorded(tmp_path, recorded_lines(), modality="audio")

    audio = evaluation.model("recorded audio")
    assert (audio.n, round(audio.accuracy or 0, 3), round(audio.macro_f1 or 0, 3)) == (31, 0.645, 0.112)
    assert audio.neutral_rate == 1.0
    assert {"near_uniform", "one_class"} <= set(audio.flags)
    assert "random weights" in evaluation.verdict
    assert "무작위" in evaluation.verdict_ko


def test_each_kind_of_recorded_scores_is_a_candidate_by_default(tmp_path: Path) -> None:
    evaluation = recorded(tmp_path, recorded_lines())

    assert rows(evaluation) == [("recorded audio", "ok"), ("recorded text", "ok")]
    assert [(each.a, each.b) for each in evaluation.comparisons] == [("recorded audio", "recorded text")]


def test_the_order_of_the_lines_changes_no_figure(tmp_path: Path) -> None:
    lines = recorded_lines()
    shuffled = [lines[at] for at in np.random.default_rng(2).permutation(len(lines))]
    (tmp_path / "b").mkdir()

    first, second = recorded(tmp_path, lines), recorded(tmp_path / "b", shuffled)

    assert first.models == second.models
    assert (first.comparisons, first.worst, first.verdict) == (second.comparisons, second.worst, second.verdict)


def test_fused_scores_warn_of_the_noise_that_they_hold(tmp_path: Path) -> None:
    evaluation = recorded(tmp_path, recorded_lines(), modality="fused", audio_weight=0.65)

    ((name, _),) = rows(evaluation)
    assert name == "recorded 0.65 audio + 0.35 text"
    assert "audio_near_uniform" in evaluation.model(name).flags
    assert "those say almost nothing" in evaluation.verdict


def test_a_line_without_scores_counts_as_wrong_and_is_told(tmp_path: Path) -> None:
    lines = recorded_lines()
    lines[0] = line(MEDIA[0], 0, 3, "neutral", text_scores=scores(*one_hot(["neutral"])[0].tolist()))

    audio = recorded(tmp_path, lines, modality="audio").model("recorded audio")

    assert audio.accuracy == pytest.approx(19 / 31)
    assert (audio.unscored_reasons, "incomplete" in audio.flags) == ({"no_scores": 1}, True)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"modality": "combined"}, "no recorded combined .there: audio"),
        ({"modality": "fused"}, "no recorded text"),
    ],
)
def test_scores_that_are_not_there_are_refused_and_those_that_are_named(
    tmp_path: Path, asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        recorded(tmp_path, recorded_lines(text=False), **asked)


def test_labels_without_any_scores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no recorded scores \(there: none\)"):
        recorded(tmp_path, [line()])


def test_one_recorded_segment_is_enough_and_says_nothing(tmp_path: Path) -> None:
    evaluation = recorded(tmp_path, recorded_lines()[:1], modality="text")

    assert evaluation.dataset.n == 1
    assert evaluation.verdict == "One segment tells nothing about recorded text."


def test_labels_that_are_all_the_same_leave_figures_undefined_with_reasons(tmp_path: Path) -> None:
    evaluation = recorded(tmp_path, recorded_lines()[:20], modality="audio")

    audio = evaluation.model("recorded audio")
    assert (audio.accuracy, audio.non_neutral_accuracy) == (1.0, None)
    assert "non_neutral_accuracy" in audio.undefined
    assert "cannot be told" in evaluation.verdict
    json.dumps(evaluation.model_dump(mode="json"), allow_nan=False)


def test_several_files_are_one_set_with_figures_of_each(tmp_path: Path) -> None:
    lines = recorded_lines()
    for name, part in (("one", lines[:16]), ("two", lines[15:])):
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(part))
    files = tuple(str(tmp_path / f"{name}.jsonl") for name in ("one", "two"))

    evaluation = evaluate_recorded(
        EvaluateRequest(labels=(*files, files[0]), recorded=True), read_label_file, FolderShelf(tmp_path / "results")
    )

    assert (evaluation.dataset.n, evaluation.dataset.duplicates) == (31, 1)
    assert evaluation.dataset.files == files
    sets = [(each.key, each.n) for each in evaluation.models[0].groups if each.by == "set"]
    assert sets == [(files[0], 16), (files[1], 15)]


def test_label_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no label file .*absent\.jsonl: give a path"):
        read_label_file(str(tmp_path / "absent.jsonl"))
    with pytest.raises(InputError, match="no label file"):
        read_label_file(str(tmp_path))
