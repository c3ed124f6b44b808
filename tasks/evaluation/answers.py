"""What a candidate answered to n labelled segments, whatever it is: posteriors over the taxonomy, and what to know.

Owns the step from logits, or from recorded scores, to answers. Figures are `assess`'s.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actors.checkpoints import non_commercial
from actors.contract import TAXONOMY, Flag, ModelSpec
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.hear import Heard, reason_counts
from tasks.evaluation.text_answers import TextAnswers, plain_audio, posteriors, text_answers, texts_of
from tasks.numerics.alarms import NEAR_UNIFORM, Tally
from tasks.numerics.decision import Decision, Floats, decide_posterior, own_posterior, weighted_sum
from tasks.tables import Decisions, scores_table

Modality = Literal["audio", "text", "fused", "combined"]

INCOMPLETE = "incomplete"
"""Flag of a candidate without an answer to some of the segments: those count as wrong."""
TEXT_FAILED = "text_failed"
"""Flag of a configuration whose texts could not be found or read at all: its answers are by audio alone."""
NON_COMMERCIAL = "non_commercial"
IN_SAMPLE = "in_sample"
"""Flag of a candidate whose decision was fitted on some of the labels: its figures are flattered."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One candidate's.

    Attributes:
        name, kind: Of the candidate.
        posterior: Over the taxonomy, float64 (n, 7); NaN rows where undecided or not scored.
        can_say: Which emotions it can say, bool (7,).
        unscored: Where it gave no answer at all, bool (n,). reasons: how many, why.
        dropped: Probability on labels outside the taxonomy, (n,); NaN where not scored.
        flags: What a reader must know.
        specs: The models behind it, by weights_sha256. maps: label to emotion, likewise.
        heard_as: For each segment the language it was heard in and the model's weights_sha256; None without an answer.
        logits: For each segment its raw outputs; None without.
        precisions: In which its models ran.
        in_doubt: Where it gave none because the language was in doubt, bool (n,); None: nobody listened for it.
        audio: Posterior by the audio alone, before any decision, (n, 7); None where nothing was heard.
        text: What was read, where it was asked to; the answers themselves are fused where that has a say.
    """

    name: str
    kind: Literal["model", "system", "recorded"]
    posterior: Floats
    can_say: npt.NDArray[np.bool_]
    unscored: npt.NDArray[np.bool_]
    reasons: Mapping[str, int]
    dropped: Floats
    flags: tuple[str, ...]
    specs: Mapping[str, ModelSpec] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    heard_as: tuple[tuple[str, str] | None, ...] = ()
    logits: tuple[tuple[float, ...] | None, ...] = ()
    precisions: tuple[str, ...] = ()
    in_doubt: npt.NDArray[np.bool_] | None = None
    audio: Floats | None = None
    text: TextAnswers | None = None

    @property
    def prediction(self) -> npt.NDArray[np.int64]:
        """Index of the emotion, -1 where undecided, shape (n,)."""
        return chosen(self.posterior)

    @property
    def by_audio(self) -> npt.NDArray[np.int64]:
        """What it would have said without text, under the same decision, shape (n,)."""
        return self.prediction if self.text is None or self.text.heard is None else chosen(self.text.heard)


def chosen(posterior: Floats) -> npt.NDArray[np.int64]:
    """Index of the emotion that each row, (n, 7), puts first; -1 where the row is NaN."""
    undecided = np.asarray(np.isnan(posterior).any(axis=1))
    best = np.where(undecided[:, None], 0.0, posterior).argmax(axis=1)
    return np.where(undecided, -1, best)


def from_heard(candidate: Candidate, heard: Heard) -> Answers:
    """The answers of a candidate that heard the segments, or read them; fused where it did both."""
    n = len(heard.row)
    scored = np.flatnonzero(heard.row >= 0)
    rows = heard.rows.take(pa.array(heard.row[scored], pa.int64()))
    texts = texts_of(candidate, heard.read, scored) if heard.read and candidate.hears else None
    decided = scores_table(rows, candidate.decisions, "evaluation", texts)
    posterior, dropped, audio = np.full((n, len(TAXONOMY)), np.nan), np.full(n, np.nan), None
    posterior[scored] = posteriors(decided)
    dropped[scored] = _floats(decided["dropped_mass"])
    if candidate.hears:
        audio = np.full((n, len(TAXONOMY)), np.nan)
        audio[scored] = plain_audio(candidate, rows)
    text = text_answers(candidate, heard.read, rows, scored) if heard.read else None
    unscored = heard.row < 0
    heard_as: list[tuple[str, str] | None] = [None] * n
    logits: list[tuple[float, ...] | None] = [None] * n
    for at, language, sha, values in zip(scored.tolist(), *_columns(rows), strict=True):
        heard_as[at], logits[at] = (language, sha), tuple(values)
    specs = _used(rows, heard.specs)
    pairs = {pair for pair in heard_as if pair is not None}
    maps = {sha: _map_of(sha, spec, pairs, candidate.decisions) for sha, spec in specs.items()}
    in_doubt = np.zeros(n, dtype=bool)
    in_doubt[sorted(heard.in_doubt)] = True
    return Answers(
        candidate.name,
        candidate.kind,
        posterior,
        _can_say({**specs, **text.specs}, {**maps, **text.maps}) if text and text.has_say else _can_say(specs, maps),
        unscored,
        reason_counts(heard),
        dropped,
        tuple(dict.fromkeys((*_flags(rows, specs, unscored), *_text_flags(text if candidate.hears else None)))),
        specs,
        maps,
        tuple(sorted({language for language, _ in pairs if language})),
        tuple(heard_as),
        tuple(logits),
        tuple(sorted(set(rows["precision"].to_pylist()))),
        in_doubt,
        audio,
        text,
    )


def from_recorded(
    recorded: Mapping[str, Floats], modality: Modality, audio_weight: float, decision: Decision
) -> Answers:
    """The answers that stand in a label file: `audio`, `text`, `combined`, or audio and text fused by weight.

    A segment without the scores has no answer.

    Args:
        recorded: Posteriors over the taxonomy by modality, each (n, 7), NaN where the file has none.
        modality: Which to take.
        audio_weight: Of the audio scores, with `fused`.
        decision: What becomes of them.
    """
    if modality == "fused":
        taken = weighted_sum(recorded["audio"], recorded["text"], audio_weight)
        name = f"recorded {audio_weight:g} audio + {1 - audio_weight:g} text"
    else:
        taken, name = recorded[modality], f"recorded {modality}"
    unscored = np.asarray(np.isnan(taken).any(axis=1))
    decided = decide_posterior(taken, decision)
    alarms: tuple[str, ...] = Tally.of(taken[~unscored], TAXONOMY).alarms()
    if modality in ("fused", "combined"):
        # A mixture is flat wherever its parts disagree: that is no sign of a random head. A part of it may be one.
        alarms = tuple(alarm for alarm in alarms if alarm != NEAR_UNIFORM)
    if modality == "fused" and audio_weight > 0:
        audio = recorded["audio"][~np.isnan(recorded["audio"]).any(axis=1)]
        alarms += tuple(f"audio_{alarm}" for alarm in Tally.of(audio, TAXONOMY).alarms())
    return Answers(
        name,
        "recorded",
        decided.posterior,
        np.ones(len(TAXONOMY), dtype=bool),
        unscored,
        {"no_scores": int(unscored.sum())} if unscored.any() else {},
        np.where(unscored, np.nan, 0.0),
        (*alarms, *([INCOMPLETE] if unscored.any() else [])),
    )


def _columns(rows: pa.Table) -> tuple[list[str], list[str], list[list[float]]]:
    return rows["language"].to_pylist(), rows["weights_sha256"].to_pylist(), rows["logits"].to_pylist()


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _used(rows: pa.Table, specs: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
    used = set(rows["weights_sha256"].to_pylist())
    return {sha: spec for sha, spec in specs.items() if sha in used}


def _map_of(
    sha: str, spec: ModelSpec, heard_as: Collection[tuple[str, str]], decisions: Decisions
) -> dict[str, str | None]:
    """What became of a model's labels; a label that two languages map differently counts as the emotion of either."""
    if spec.kind == "dimensional":
        return {}
    tables = [decisions.of(language).label_map for language in sorted(own for own, by in heard_as if by == sha)]
    return {label: next(filter(None, (each.get(label.lower()) for each in tables)), None) for label in spec.labels}


def _can_say(specs: Mapping[str, ModelSpec], maps: Mapping[str, Mapping[str, str | None]]) -> npt.NDArray[np.bool_]:
    says = set(TAXONOMY) if any(spec.kind == "dimensional" for spec in specs.values()) else set()
    says |= {emotion for each in maps.values() for emotion in each.values() if emotion is not None}
    return np.array([emotion in says for emotion in TAXONOMY])


def _text_flags(text: TextAnswers | None) -> tuple[str, ...]:
    """Of a candidate that hears, too: what its text models add."""
    if text is None:
        return ()
    of_models = [flag for spec in text.specs.values() for flag in _of_model(spec)]
    return (*text.alarms, *of_models, *([TEXT_FAILED] if text.read.problem else []))


def _of_model(spec: ModelSpec) -> list[str]:
    """What a model's spec says that a reader must know."""
    found = [str(Flag.DEMO_MODEL)] if spec.demo else []
    found += [str(Flag.MAPPED_FROM_DIMENSIONS)] if spec.kind == "dimensional" else []
    return found + ([NON_COMMERCIAL] if non_commercial(spec.licence) else [])


def _flags(rows: pa.Table, specs: Mapping[str, ModelSpec], unscored: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Alarms on each model's own labels, and what its spec says."""
    found: dict[str, None] = {}
    for sha, spec in specs.items():
        logits = np.array(rows.filter(pc.equal(rows["weights_sha256"], sha))["logits"].to_pylist(), dtype=np.float32)
        # A dimensional model has no posterior of its own: distances to centroids are flat by nature.
        own = Tally.of(*own_posterior(logits, spec)).alarms() if spec.kind != "dimensional" else ()
        found |= dict.fromkeys(own)
        found |= dict.fromkeys(_of_model(spec))
    return (*map(str, found), *([INCOMPLETE] if unscored.any() else []))
