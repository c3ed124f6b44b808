"""A synthetic recorded set: what two models that lean towards neutral said of segments that nobody spoke.

Owns the generator and the true gain of its remedy. The scores are drawn, not measured: a segment's logits are its
emotion's evidence, noise, and a constant for neutral. Taking that constant off again, which is what neutral
suppression does, truly helps; how much is told by a draw too large for luck.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from emotions import EMOTIONS, LANGUAGES

SUPPRESSION = 0.3  # what the measured figures try: about the best
_PRIOR = np.array([0.28, 0.15, 0.14, 0.14, 0.09, 0.11, 0.09])
_SOURCES, _FEWEST, _MOST = 14, 28, 40  # sources, seven a language; segments of one
_BIAS, _BIAS_OF_SOURCE = 2.8, 0.25  # mean and standard deviation over sources, added to neutral's logit
_SHIFT_OF_SOURCE = 0.3  # standard deviation of what a source's sound adds to every logit
_AUDIO_EVIDENCE, _TEXT_EVIDENCE = 2.6, 1.6  # added to the true emotion's logit; the noise has standard deviation 1
_TEMPERATURE = 2.0  # divides the logits: both models are less sure than they might be
_DECIMALS = 4
_NEUTRAL = np.array(EMOTIONS) == "neutral"


@dataclass(frozen=True)
class Drawn:
    """Segments of one source: truth (n,) as indices into `EMOTIONS`, posteriors (n, 7) of both models."""

    truth: np.ndarray
    audio: np.ndarray
    text: np.ndarray


def build(path: Path, seed: int) -> None:
    """Write the set as JSON lines in the form that the earlier tools gave their recorded scores."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(_SOURCES):
        language = LANGUAGES[number % len(LANGUAGES)]
        name = f"synthetic-{language}-{number // len(LANGUAGES) + 1:02d}"
        rows += _rows(name, language, draw(int(rng.integers(_FEWEST, _MOST + 1)), rng), rng)
    lines = [json.dumps({"index": index, **row}, separators=(",", ":")) for index, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def draw(count: int, rng: np.random.Generator) -> Drawn:
    """`count` segments of a new source, and both models' posteriors; their constant for neutral is the source's."""
    truth = rng.choice(len(EMOTIONS), count, p=_PRIOR)
    bias = rng.normal(_BIAS, _BIAS_OF_SOURCE)
    audio, text = (_posterior(truth, evidence, bias, rng) for evidence in (_AUDIO_EVIDENCE, _TEXT_EVIDENCE))
    return Drawn(truth, audio, text)


def figures(truth: np.ndarray, posterior: np.ndarray) -> dict[str, object]:
    """Accuracy and macro F1 (over seven) as it stands and with neutral suppressed; posterior of shape (n, 7)."""
    suppressed = posterior * np.where(_NEUTRAL, SUPPRESSION, 1.0)
    return {"n": int(truth.size), "default": _score(truth, posterior), "suppressed": _score(truth, suppressed)}


def _posterior(truth: np.ndarray, evidence: float, bias: float, rng: np.random.Generator) -> np.ndarray:
    logits = rng.normal(0, 1, (truth.size, len(EMOTIONS))) + rng.normal(0, _SHIFT_OF_SOURCE, len(EMOTIONS))
    logits[np.arange(truth.size), truth] += evidence
    logits[:, _NEUTRAL] += bias
    weights = np.exp(logits / _TEMPERATURE)
    return weights / weights.sum(axis=1, keepdims=True)


def _score(truth: np.ndarray, posterior: np.ndarray) -> dict[str, float]:
    prediction = posterior.argmax(axis=1)
    of_truth, of_prediction = (np.bincount(each, minlength=len(EMOTIONS)) for each in (truth, prediction))
    right = np.bincount(truth[truth == prediction], minlength=len(EMOTIONS))
    f1 = 2 * right / np.maximum(of_truth + of_prediction, 1)
    return {"accuracy": round(float(right.sum() / truth.size), 3), "macro_f1": round(float(f1.mean()), 3),
            "neutral_rate": round(float(of_prediction[EMOTIONS.index("neutral")] / truth.size), 3)}  # fmt: skip


def _rows(name: str, language: str, drawn: Drawn, rng: np.random.Generator) -> list[dict[str, object]]:
    ends = np.cumsum(rng.uniform(1.5, 6.0, drawn.truth.size)).round(2)  # seconds
    lengths = rng.uniform(0.8, 1.5, drawn.truth.size)
    return [
        {"synthetic": True, "video": name, "start": round(float(end - length), 2), "end": float(end),
         "speaker": f"{name}-{'ab'[int(rng.integers(2))]}", "language": language, "label": EMOTIONS[truth],
         "audio_scores": _scores(audio), "text_scores": _scores(text)}
        for end, length, truth, audio, text in zip(ends, lengths, drawn.truth, drawn.audio, drawn.text, strict=True)
    ]  # fmt: skip


def _scores(posterior: np.ndarray) -> dict[str, float]:
    return {emotion: round(float(p), _DECIMALS) for emotion, p in zip(EMOTIONS, posterior, strict=True)}
