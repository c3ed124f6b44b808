"""The part of an evaluation's record that is about one candidate: what it is, and its figures on the labelled set.

What candidates are beside each other, and the set itself, is result.py's part; what was read, result_text.py's.
"""

from typing import Literal

from pydantic import Field

from tasks.evaluation.result_text import Part, TextRead
from tasks.records.parts import Record

Pair = tuple[float, float]
Counts = dict[str, int]

BASELINES = ("majority", "label_prior")
"""Names of the two rows that no model is behind: always the commonest label; labels drawn from their own shares."""


class Interval(Record):
    """A 95 % interval.

    Attributes:
        coverage: How often the method holds the true value in simulations like this set (`conditions`), or None.
        note: What the reader must know, in plain words.
    """

    low: float
    high: float
    method: str
    level: float = 0.95
    coverage: float | None = None
    conditions: str | None = None
    note: str | None = None


class ClassFigures(Record):
    """One emotion: how many segments have it, and how a candidate does on them."""

    emotion: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class Bin(Record):
    """A bar of the reliability diagram: mean confidence and accuracy of n segments."""

    n: int
    confidence: float
    accuracy: float


class Group(Record):
    """The figures of the segments that share a language, source, speaker, length or label file (`by`)."""

    by: Literal["language", "source", "speaker", "length", "set"]
    key: str
    n: int
    accuracy: float
    uar: float | None
    macro_f1_present: float | None
    neutral_rate: float | None
    cross_entropy: float | None


class ModelResult(Record):
    """One candidate: measured, or the reason why not.

    Attributes:
        model: How it is called in tables, rankings and pairs; unique.
        kind: `model`; `system` (a configuration: language detection and its routes); `recorded` (scores in the label
            file); `baseline`.
        status: `ok`; `refused` (the guard); `failed` (while loading or scoring).
        n: Segments measured on. `undecided`: without an answer (counted as wrong); `unscored`: of those, the ones the
            model failed on.
        accuracy_ci: Wilson's interval. accuracy_ci_grouped: at the effective n of segments that share a source; this
            one drives ranking and verdict. `intervals` has all, with method and simulated coverage.
        coverage: Share of the labelled segments whose label the model can say at all.
        confusion: Rows: truth, in the order of the taxonomy; columns: prediction, and last undecided.
        flags: `near_uniform`, `one_class`, `mapped_from_dimensions`, `demo_model`, `non_commercial`, `incomplete` …
        averaged: Means over several label files, each of which counts alike, however large; empty with one file. The
            figures above are of all segments together.
        ece_null: What a perfectly calibrated model with these confidences would show at this n, 95 %.
        parts: The models behind it, those that hear before those that read. text: What was read, where it was asked to.
    """

    model: str
    kind: Literal["model", "system", "recorded", "baseline"]
    status: Literal["ok", "refused", "failed"]
    reason: str | None = None
    source: str | None = None
    revision: str | None = None
    weights_sha256: str | None = None
    family: str | None = None
    output_kind: Literal["categorical", "multilabel", "dimensional"] | None = None
    labels: tuple[str, ...] = ()
    label_map: dict[str, str | None] = Field(default_factory=dict)
    languages: tuple[str, ...] = ()
    licence: str | None = None
    precision: str | None = None
    n: int = 0
    undecided: int = 0
    unscored: int = 0
    unscored_reasons: Counts = Field(default_factory=dict)
    accuracy: float | None = None
    accuracy_ci: Pair | None = None
    accuracy_ci_grouped: Pair | None = None
    uar: float | None = None
    uar_ci: Pair | None = None
    macro_f1: float | None = None
    macro_f1_ci: Pair | None = None
    macro_f1_present: float | None = None
    macro_f1_present_ci: Pair | None = None
    brier: float | None = None
    cross_entropy: float | None = None
    soft_cross_entropy: float | None = None
    ece: float | None = None
    ece_null: Pair | None = None
    neutral_rate: float | None = None
    non_neutral_accuracy: float | None = None
    coverage: float | None = None
    says: tuple[str, ...] = ()
    """Emotions that the model can say."""
    mean_posterior: dict[str, float] = Field(default_factory=dict)
    dropped_mass: float | None = None
    intervals: dict[str, Interval] = Field(default_factory=dict)
    classes: tuple[ClassFigures, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[Bin, ...] = ()
    groups: tuple[Group, ...] = ()
    averaged: dict[str, float] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    text: TextRead | None = None
    undefined: dict[str, str] = Field(default_factory=dict)
