"""A map from dimensions to emotions, fitted on the labels of a stored evaluation, and measured out of fold."""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.config.dimension_map import FittedMap, Provenance
from tasks.evaluation.archive import Archive
from tasks.evaluation.result_model import ModelResult
from tasks.numerics.dimensions import fit, out_of_fold
from tasks.numerics.metrics import measure
from tasks.records.run import code_version

_DIMENSIONS = frozenset({"arousal", "dominance", "valence"})
_MEASURED = ("accuracy", "uar", "macro_f1_present", "cross_entropy")


def fit_map(archive: Archive, evaluation_id: str, candidate: str) -> FittedMap:
    """Fit a map on what a dimensional model answered in a stored evaluation.

    Raises:
        InputError: There is no such evaluation or candidate, it is not dimensional, or its labels are too few.
    """
    evaluation = archive.get(evaluation_id)
    model = _dimensional(list(evaluation.models), candidate, evaluation_id)
    rows = archive.predictions(evaluation_id)
    rows = rows[(rows["candidate"] == candidate) & rows["logits"].notna()]
    outputs = np.array(rows["logits"].tolist(), dtype=np.float64)
    truth = np.array([TAXONOMY.index(label) for label in rows["truth"]], dtype=np.int64)
    source = pd.factorize(rows["media_uri"].fillna(rows["media"]))[0].astype(np.int64)
    dimensions = tuple(label.casefold() for label in model.labels)
    try:
        fitted = fit(outputs, truth, dimensions)
    except ValueError as error:
        raise InputError(f"evaluation {evaluation_id}: {error}") from error
    counts = np.bincount(truth, minlength=len(TAXONOMY)).tolist()
    return FittedMap(
        map=fitted,
        provenance=Provenance(
            model=candidate,
            weights_sha256=model.weights_sha256 or "",
            evaluation_id=evaluation_id,
            labels_sha256=evaluation.dataset.sha256,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            code_version=code_version(),
            segments=tuple(rows["segment_key"]),
            counts={emotion: count for emotion, count in zip(TAXONOMY, counts, strict=True) if count},
            out_of_fold=_measured(truth, out_of_fold(outputs, truth, source, dimensions)),
            centroids={name: getattr(model, name) for name in _MEASURED},
        ),
    )


def _dimensional(models: list[ModelResult], candidate: str, evaluation_id: str) -> ModelResult:
    found = {each.model: each for each in models if each.status == "ok"}
    dimensional = [name for name, each in found.items() if _is_dimensional(each)]
    if candidate not in dimensional:
        there = ", ".join(dimensional) or "none"
        raise InputError(
            f"{candidate!r} is no dimensional model that evaluation {evaluation_id} measured (there: {there}). "
            "Evaluate one on labels first: seraph evaluate --labels … --models …"
        )
    return found[candidate]


def _is_dimensional(model: ModelResult) -> bool:
    return bool(model.labels) and {label.casefold() for label in model.labels} <= _DIMENSIONS


def _measured(truth: npt.NDArray[np.int64], posterior: npt.NDArray[np.float64] | None) -> dict[str, float | None]:
    if posterior is None:
        return dict.fromkeys(_MEASURED)
    undecided = np.asarray(np.isnan(posterior).any(axis=1))
    prediction = np.where(undecided, -1, np.nan_to_num(posterior).argmax(axis=1))
    metrics = measure(truth, prediction, posterior)
    return {name: getattr(metrics, name) for name in _MEASURED}
