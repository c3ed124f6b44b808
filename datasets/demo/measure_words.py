"""What the text models and the synthetic recorded set are worth. Nothing is heard here, and nothing read by Seraph."""

import json
from pathlib import Path

import numpy as np
import recorded
import text_models
from emotions import EMOTIONS
from figures import figures
from text_corpus import held_out

HELD_OUT_EACH = 100  # sentences of each emotion that the text models are measured on
HELD_OUT_SEED = 1
_AUDIO_WEIGHTS = (1.0, 0.9, 0.8, 0.65, 0.5, 0.3, 0.0)
_POPULATION = 3000  # sources of 40 segments
_NOTE = "The labelled media's words tell no emotion by design: their text cannot help there."

Row = dict[str, object]


def text_figures(folder: Path, language: str, rows: list[Row], heard: np.ndarray) -> dict[str, object]:
    """Recall on sentences from held-out templates, and on what the labelled media say, where only voices tell.

    Args:
        folder: Where the checkpoints' folder is.
        language: `en` or `ko`.
        rows: The labelled segments of that language.
        heard: What the audio model made of them, shape (n, 7): for the accuracy of both together, by its weight.
    """
    checkpoint = folder / "checkpoints" / f"{language}-text"
    templates = held_out(language, HELD_OUT_EACH, np.random.default_rng(HELD_OUT_SEED))
    made_up = _read(checkpoint, language, [text for text, _ in templates])
    read, truth = _read(checkpoint, language, [str(row["text"]) for row in rows]), [str(row["label"]) for row in rows]
    fused = {str(weight): weight * heard + (1 - weight) * read for weight in _AUDIO_WEIGHTS}
    return {
        "held_out_templates": _figures([emotion for _, emotion in templates], made_up),
        "transcripts": _figures(truth, read) | {"neutral_rate": _share(read, ["neutral"] * len(read)), "note": _NOTE},
        "accuracy_by_audio_weight": {weight: _share(posterior, truth) for weight, posterior in fused.items()},
    }


def recorded_figures(path: Path) -> dict[str, object]:
    """The audio scores of the synthetic set as they stand and with neutral suppressed; then for the population."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    truth = np.array([EMOTIONS.index(row["label"]) for row in rows])
    audio = np.array([[row["audio_scores"][emotion] for emotion in EMOTIONS] for row in rows])
    rng = np.random.default_rng(0)
    drawn = [recorded.draw(40, rng) for _ in range(_POPULATION)]
    everything = (np.concatenate([getattr(each, name) for each in drawn]) for name in ("truth", "audio"))
    return {"sources": len({row["video"] for row in rows}), "neutral_suppression": recorded.SUPPRESSION,
            "file": recorded.figures(truth, audio), "population": recorded.figures(*everything)}  # fmt: skip


def _read(checkpoint: Path, language: str, texts: list[str]) -> np.ndarray:
    """The text model's posterior of each text, in the order of `EMOTIONS`, shape (n, 7)."""
    order = list(text_models.LABELS[language].values())
    return text_models.posteriors(checkpoint, language, texts)[:, [order.index(emotion) for emotion in EMOTIONS]]


def _figures(truth: list[str], posterior: np.ndarray) -> dict[str, object]:
    return figures([(each, EMOTIONS[index]) for each, index in zip(truth, posterior.argmax(axis=1), strict=True)])


def _share(posterior: np.ndarray, emotions: list[str]) -> float:
    """How many rows have these emotions as their most probable one."""
    found = [EMOTIONS[index] for index in posterior.argmax(axis=1)]
    return round(float(np.mean([one == other for one, other in zip(found, emotions, strict=True)])), 3)
