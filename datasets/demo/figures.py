"""The figures of a set of answers: accuracy, recall and confusion over the seven emotions."""

from collections import Counter

import numpy as np
from emotions import EMOTIONS


def figures(pairs: list[tuple[str, str]]) -> dict[str, object]:
    """n, accuracy, UAR and confusion (truth down, in the order of the taxonomy) of pairs of truth and prediction."""
    counts = Counter(pairs)
    confusion = np.array([[counts[truth, prediction] for prediction in EMOTIONS] for truth in EMOTIONS])
    recalls = confusion.diagonal() / confusion.sum(1)
    accuracy = confusion.trace() / confusion.sum()
    return {"n": len(pairs), "accuracy": round(float(accuracy), 3), "uar": round(float(recalls.mean()), 3),
            "confusion": confusion.tolist()}  # fmt: skip
