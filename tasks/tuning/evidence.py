"""What parameters are tried on: the scores recorded in label files, or what a candidate of a stored evaluation said.

Owns the step to `tasks.numerics.grid.Evidence`. A candidate of several models, or a dimensional one, is taken by its
posterior: a temperature then applies to that posterior's logarithm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from actors.contract import TAXONOMY
from infra.errors import InputError
from tasks.evaluation.archive import Archive
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import Dataset, Evaluation, ModelResult
from tasks.numerics.alarms import Tally
from tasks.numerics.grid import Evidence
from tasks.tables import POSTERIOR

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Subject:
    """What is tuned.

    Attributes:
        name: How reports call it.
        evidence: The segments; `posterior`: of the audio at the default, (n, 7).
        languages: Of each segment; empty where none is known.
        alarms: What makes the audio scores suspicious.
        unscored: Labelled segments that had no answer, and are left out.
    """

    name: str
    dataset: Dataset
    evidence: Evidence
    posterior: Floats
    languages: tuple[str, ...]
    alarms: tuple[str, ...]
    unscored: int
    evaluation_id: str | None = None


def recorded(segments: Segments) -> Subject:
    """The audio scores that label files have recorded, with the text scores where they have them.

    Raises:
        InputError: There are no audio scores.
    """
    if "audio" not in segments.recorded:
        raise InputError(f"{', '.join(segments.dataset.files)}: no audio_scores to tune; found {_there(segments)}.")
    here = ~np.isnan(segments.recorded["audio"]).any(axis=1)
    kept = segments.take(np.asarray(here))
    audio, text = kept.recorded["audio"], kept.recorded.get("text")
    every = np.ones(len(TAXONOMY), dtype=bool)
    evidence = Evidence(
        truth=kept.truth,
        logits=_logarithm(audio),
        into=np.eye(len(TAXONOMY)),
        source=kept.source,
        start_s=kept.start_s,
        text=text,
        text_says=None if text is None else every,
        audio_says=None if text is None else every,
        recorded=audio,
    )
    alarms = Tally.of(audio, TAXONOMY).alarms() if len(audio) else ()
    languages = tuple(each or "" for each in kept.language.tolist())
    return Subject(
        "recorded scores", kept.dataset, evidence, audio, _known(languages), alarms, int((~here).sum())
    )  # fmt: skip


def stored(archive: Archive, evaluation_id: str, candidate: str | None) -> Subject:
    """What a candidate of a stored evaluation said.

    Raises:
        InputError: There is no such evaluation, or no such candidate in it.
    """
    evaluation = archive.get(evaluation_id)
    model = _candidate(evaluation, candidate)
    rows = archive.predictions(evaluation_id)
    rows = rows[rows["candidate"] == model.model]
    # What was undecided then stays in: other parameters may decide it.
    scored = rows[rows["logits"].notna() | rows[list(POSTERIOR)].notna().all(axis=1)]
    if scored.empty:
        raise InputError(f"evaluation {evaluation_id}: {model.model} answered no segment: there is nothing to tune.")
    posterior = scored[list(POSTERIOR)].to_numpy(dtype=np.float64)
    posterior = posterior / posterior.sum(axis=1, keepdims=True)
    logits, into = _outputs(scored, model, posterior)
    evidence = Evidence(
        truth=np.array([TAXONOMY.index(label) for label in scored["truth"]], dtype=np.int64),
        logits=logits,
        into=into,
        source=pd.factorize(scored["media_uri"].fillna(scored["media"]))[0].astype(np.int64),
        start_s=scored["start_s"].to_numpy(dtype=np.float64),
        multilabel=_plain(model) and model.output_kind == "multilabel",
        recorded=None if _plain(model) else posterior,
    )
    languages = tuple(
        labelled if isinstance(labelled, str) else heard if isinstance(heard, str) else ""
        for labelled, heard in zip(scored["language"], scored["heard_in"], strict=True)
    )
    return Subject(
        model.model,
        evaluation.dataset,
        evidence,
        posterior,
        _known(languages),
        tuple(flag for flag in model.flags if flag in ("near_uniform", "one_class", "constant")),
        len(rows) - len(scored),
        evaluation_id,
    )


def _candidate(evaluation: Evaluation, name: str | None) -> ModelResult:
    measured = {each.model: each for each in evaluation.models if each.status == "ok" and each.kind != "baseline"}
    if not measured:
        raise InputError(f"evaluation {evaluation.evaluation_id} measured no candidate: there is nothing to tune.")
    if name is None:
        return max(measured.values(), key=lambda each: each.accuracy or 0.0)
    if name not in measured:
        raise InputError(
            f"evaluation {evaluation.evaluation_id} measured no candidate {name!r}; there are {', '.join(measured)}."
        )
    return measured[name]


def _plain(model: ModelResult) -> bool:
    """Whether it is one model whose own logits, under its label map, are all there is to it."""
    return model.kind == "model" and model.output_kind in ("categorical", "multilabel")


def _outputs(rows: pd.DataFrame, model: ModelResult, posterior: Floats) -> tuple[Floats, Floats]:
    if not _plain(model):
        return _logarithm(posterior), np.eye(len(TAXONOMY))
    logits = np.array(rows["logits"].tolist(), dtype=np.float64)
    return logits, _into(model.labels, model.label_map)


def _into(labels: Sequence[str], label_map: Mapping[str, str | None]) -> Floats:
    into = np.zeros((len(labels), len(TAXONOMY)))
    for row, label in enumerate(labels):
        emotion = label_map.get(label)
        if emotion is not None:
            into[row, TAXONOMY.index(emotion)] = 1.0
    return into


def _logarithm(posterior: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(posterior))


def _known(languages: tuple[str, ...]) -> tuple[str, ...]:
    """The languages, or none of them where any segment's is unknown."""
    return languages if all(languages) else ()


def _there(segments: Segments) -> str:
    return ", ".join(f"{kind}_scores" for kind in segments.recorded) or "no recorded scores"
