"""What parameters are tried on: the scores recorded in label files, or what a candidate of a stored evaluation said.

Owns the step to `tasks.numerics.grid.Evidence`. A candidate of several models, or a dimensional one, is taken by its
posterior: a temperature then applies to that posterior's logarithm. Of one that hears and reads, both are evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from actors.contract import SAMPLING_RATE, TAXONOMY, ModelSpec
from infra.errors import InputError
from tasks.config.scoring import DecisionOptions
from tasks.evaluation.archive import AUDIO_POSTERIOR, TEXT_POSTERIOR, Archive
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import Dataset, Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.numerics.alarms import Tally
from tasks.numerics.decision import Decision, decide
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
    posterior = _undecided(scored, evaluation, model)
    logits, into = _outputs(scored, model, posterior)
    text = _posterior_of(scored, TEXT_POSTERIOR)
    has_text = not np.isnan(text).all()
    evidence = Evidence(
        truth=np.array([TAXONOMY.index(label) for label in scored["truth"]], dtype=np.int64),
        logits=logits,
        into=into,
        source=pd.factorize(scored["media_uri"].fillna(scored["media"]))[0].astype(np.int64),
        start_s=scored["start_s"].to_numpy(dtype=np.float64),
        multilabel=_plain(model) and model.output_kind == "multilabel",
        text=text if has_text else None,
        text_says=_says(scored["text_weights_sha256"], model, "text") if has_text else None,
        audio_says=_says(scored["weights_sha256"], model, "audio") if has_text else None,
        recorded=None if _plain(model) else posterior,
        max_dropped_mass=_decided_by(evaluation).max_dropped_mass,  # no tuning searches it: a configuration keeps it
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


def _undecided(rows: pd.DataFrame, evaluation: Evaluation, model: ModelResult) -> Floats:
    """Posterior over the taxonomy, (n, 7), under the plain decision.

    What is stored carries the decision of that evaluation; parameters found on top of it would not replace it.
    """
    if model.kind == "recorded":
        if _decided_by(evaluation) != DecisionOptions():
            raise InputError(
                f"evaluation {evaluation.evaluation_id} was made under a decision of its own, which recorded scores "
                "cannot be freed of: tune the label file itself (seraph tune --labels … --recorded)."
            )
        stored = rows[list(POSTERIOR)].to_numpy(dtype=np.float64)
        return np.asarray(stored / stored.sum(axis=1, keepdims=True))
    apart = _posterior_of(rows, AUDIO_POSTERIOR)
    if rows[list(AUDIO_POSTERIOR)].notna().to_numpy().any():
        return apart
    # As evaluations of earlier versions have it.
    heard = {each.weights_sha256: each for each in evaluation.models if each.output_kind}
    found = np.full((len(rows), len(TAXONOMY)), np.nan)
    for sha, places in rows.groupby("weights_sha256").indices.items():
        if sha not in heard:
            raise InputError(
                f"evaluation {evaluation.evaluation_id} does not tell the labels of every model behind {model.model}: "
                "evaluate again with those models named as candidates beside it."
            )
        logits = np.array(rows["logits"].iloc[places].tolist(), dtype=np.float32)
        found[places] = decide(logits, *_spec(heard[sha])).posterior
    return found


def _decided_by(evaluation: Evaluation) -> DecisionOptions:
    """The decision that an evaluation gave to single models and to recorded scores."""
    return DecisionOptions.model_validate(evaluation.settings.get("config", {}).get("decision", {}))


def _posterior_of(rows: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """A posterior that is stored apart, (n, 7); NaN where there is none."""
    return rows[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)


def _says(by: pd.Series, model: ModelResult, modality: str) -> npt.NDArray[np.bool_]:
    """Which emotions can be said: bool (7,), or (n, 7) where models that say others took turns.

    Args:
        by: weights_sha256 of the model behind each segment, (n,), or null.
        model: Whose models they are.
        modality: `audio` or `text`.
    """
    said = {each.weights_sha256: np.isin(TAXONOMY, each.says) for each in model.parts if each.modality == modality}
    rows = np.stack([said.get(sha, np.zeros(len(TAXONOMY), dtype=bool)) for sha in by])
    known = rows[by.notna().to_numpy()]
    return np.asarray(known[0] if (known == known[0]).all() else rows)


def _spec(model: ModelResult) -> tuple[ModelSpec, Decision]:
    """A model as a decision needs to know it, and the plain decision under its label map."""
    assert model.output_kind is not None, "looked up by it"
    spec = ModelSpec(
        source=model.model,
        revision=model.revision,
        weights_sha256=model.weights_sha256 or "",
        family=model.family or "",
        kind=model.output_kind,
        labels=model.labels,
        sampling_rate=SAMPLING_RATE,
        preprocessing="",
        precision=model.precision or "",
    )
    return spec, Decision(label_map={label.lower(): emotion for label, emotion in model.label_map.items()})


def _candidate(evaluation: Evaluation, name: str | None) -> ModelResult:
    answered = [each for each in evaluation.models if each.status == "ok" and each.kind != "baseline"]
    measured = {each.model: each for each in answered if not _only_reads(each)}
    if name in {each.model for each in answered} - set(measured):
        raise InputError(
            f"{name} only reads, and a decision is about what is heard: tune a configuration whose `text` names it, "
            "which weighs both."
        )
    if not measured:
        raise InputError(
            f"evaluation {evaluation.evaluation_id} measured no candidate that hears: there is nothing to tune."
        )
    if name is None:
        return max(measured.values(), key=lambda each: each.accuracy or 0.0)
    if name not in measured:
        raise InputError(
            f"evaluation {evaluation.evaluation_id} measured no candidate {name!r}; there are {', '.join(measured)}."
        )
    return measured[name]


def _only_reads(model: ModelResult) -> bool:
    return bool(model.parts) and all(each.modality == "text" for each in model.parts)


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
