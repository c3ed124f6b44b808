"""What a tuning found: the record that is stored as `tuning.json`, printed by `--json`, drawn by the report.

The keys are relied upon from outside: they are added to, never renamed. Undefined is null, with the reason beside it.
"""

from typing import Any, Literal

from pydantic import Field

from tasks.evaluation.result import Dataset
from tasks.evaluation.result_model import Bin, Interval
from tasks.records.parts import Record

Verdict = Literal["adopt", "keep-default", "undecided"]


class Scores(Record):
    """Every objective of one way of deciding; the cross-entropy in nats, lower is better."""

    macro_f1_present: float | None
    macro_f1: float | None
    accuracy: float | None
    uar: float | None
    cross_entropy: float | None


class Scored(Scores):
    """The same with the parameters, all of them: what was decided with."""

    params: dict[str, float]


class Gain(Record):
    """A gain over the default on held-out segments; of the cross-entropy what it falls by. `ci` is by source."""

    value: float
    ci: Interval | None
    probability: float | None
    """That the true gain is above 0."""


class Luck(Record):
    """What the best of so many points gains where no point truly gains anything.

    Attributes:
        distinct: Points that answer differently from each other.
        mean, high: Mean and 95 % quantile of that gain.
        observed: The best gain on the segments as they are. share_as_good: share of the imitated that are as good.
        gains: The imitated ones, in order of size.
    """

    points: int
    distinct: int
    mean: float | None
    high: float | None
    observed: float | None
    share_as_good: float | None
    gains: tuple[float, ...] = ()
    reason: str | None = None


class Response(Record):
    """The best that can be reached with each value of a parameter, and how many folds chose it."""

    parameter: str
    values: tuple[float, ...]
    best: tuple[float, ...]
    influence: float
    chosen: tuple[int, ...]


class PairResponse(Record):
    """The same for the two parameters that matter most: `best[i][j]`."""

    first: str
    second: str
    first_values: tuple[float, ...]
    second_values: tuple[float, ...]
    best: tuple[tuple[float, ...], ...]


class LanguageResult(Record):
    """What one language should use: the common parameters, its own, or between the two."""

    language: str
    n: int
    sources: int
    kind: Literal["common", "between", "own"]
    params: dict[str, float]
    nested: Scores
    gains: dict[str, Gain]
    verdict: Verdict
    reason: str


class FusionCandidate(Record):
    """One way to use text, by its held-out answers; gains are over the audio alone, which itself has none."""

    name: str
    scores: Scores
    gains: dict[str, Gain]


class Fusion(Record):
    """Does text help here? The best way, chosen without the segments that it answers for.

    Attributes:
        verdict, sentence, sentence_ko: The answer, with its interval.
    """

    candidates: tuple[FusionCandidate, ...]
    chosen: str
    nested: Scores
    gains: dict[str, Gain]
    verdict: Verdict
    sentence: str
    sentence_ko: str


class Calibration(Record):
    """The temperature of maximum likelihood, and reliability before and after on held-out folds.

    Attributes:
        before, after: Cross-entropy in nats, at temperature 1 and held out at the temperature of the other folds.
        ece_before, ece_after: Expected calibration error of the same.
    """

    temperature: float | None
    before: float | None
    after: float | None
    ece_before: float | None = None
    ece_after: float | None = None
    reliability_before: tuple[Bin, ...] = ()
    reliability_after: tuple[Bin, ...] = ()
    reason: str | None = None


class Outputs(Record):
    """Where everything lies: URIs, or paths where no store was used. `config` is what `seraph promote` takes."""

    report: str
    config: str
    tuning: str
    report_file: str | None = None


class Tuning(Record):
    """One tuning.

    Attributes:
        subject: What was tuned: a candidate of an evaluation, or the recorded scores.
        evaluation_id: The stored evaluation that the answers are from; None for recorded scores.
        points: Combinations that were tried; exhaustive: all of the grid. Where not, the search went along one
            parameter after another, `luck` and `responses` are of what was tried, and `pair` keeps all else as chosen.
        default, apparent, nested: Scores of the default; of the best on the segments it was chosen on; of held-out
            answers.
        optimism: Apparent less nested score of the objective, positive where the search flatters itself.
        gains: Nested gain over the default, by objective.
        stability: Share of the folds that chose the same point as all segments do.
        cannot_matter: Parameters that can change nothing here, and why.
        verdict: `adopt`, `keep-default` or `undecided`; reason: in plain words; labels_to_decide: about how many more.
        flags: `single_source`, `audio_near_uniform`, …
    """

    tuning_id: str
    created: str
    code_version: str
    lock_sha256: str | None
    seed: int
    subject: str
    evaluation_id: str | None = None
    dataset: Dataset
    objective: str
    grid: dict[str, tuple[float, ...]]
    points: int
    exhaustive: bool = True
    folds: int
    sources: int
    default: Scored
    apparent: Scored
    nested: Scores
    optimism: float | None
    gains: dict[str, Gain]
    stability: float
    verdict: Verdict
    reason: str
    reason_ko: str
    labels_to_decide: int | None = None
    luck: Luck
    responses: tuple[Response, ...] = ()
    pair: PairResponse | None = None
    languages: tuple[LanguageResult, ...] = ()
    fusion: Fusion | None = None
    calibration: Calibration | None = None
    cannot_matter: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    notes_ko: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    outputs: Outputs | None = None
    undefined: dict[str, str] = Field(default_factory=dict)
