"""Label files with recorded scores of a model whose faults are known, made by a seeded generator."""

import json
from pathlib import Path

import numpy as np

from actors.contract import TAXONOMY


def write_recorded(path: Path, *, sources: int, n: int = 240, neutral_bias: float = 0.0, seed: int = 0) -> Path:
    """Recorded audio scores of a model that is right more often than not, and leans to neutral by `neutral_bias`."""
    random = np.random.default_rng(seed)
    lines = []
    for row in range(n):
        truth = int(random.integers(len(TAXONOMY)))
        logits = random.standard_normal(len(TAXONOMY)) * 0.7
        logits[truth] += 2.0
        logits[0] += neutral_bias
        posterior = np.exp(logits) / np.exp(logits).sum()
        scores = dict(zip(TAXONOMY, posterior.round(6).tolist(), strict=True))
        language = "ko" if row % 2 else "en"
        lines.append({"media": f"{row % sources}.wav", "start": 10.0 * row, "end": 10.0 * row + 3, "language": language,
                      "label": TAXONOMY[truth], "audio_scores": scores})  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
