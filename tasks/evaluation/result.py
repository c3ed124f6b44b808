"""What an evaluation found: the record that is stored as `evaluation.json`, printed by `--json`, drawn by the report.

The keys are relied upon from outside: they are added to, never renamed. A figure that is undefined is null, and
`undefined` beside it says why; there is no NaN.
"""

from typing import Any, Literal

from pydantic import Field

from tasks.evaluation.result_model import Counts, Interval, ModelResult
from tasks.records.parts import Record


class SetProblem(Record):
    """One thing that is wrong with a label file. `line` is None where it is about the whole."""

    file: str
    line: int | None
    kind: str
    text: str


class Dataset(Record):
    """The labelled segments that were evaluated on.

    Attributes:
        n: Segments evaluated.
        labelled, unlabelled, rejected, duplicates: Rows of the files: with a label of the taxonomy, with none, with
            one outside it, given twice. `tied`: segments whose raters are evenly split; they are not evaluated on.
        unheard: Labelled segments left out for a fault of the medium (missing, unreadable, ending before the segment).
        sha256: Of the label file's bytes; over those of several.
        counts: Segments by label. Likewise `languages`, `sources` (how many media), `speakers`.
        problems: The first of them; `problem_count` counts all.
    """

    files: tuple[str, ...]
    n: int
    labelled: int
    unlabelled: int = 0
    rejected: int = 0
    duplicates: int = 0
    tied: int = 0
    unheard: int = 0
    sha256: str
    counts: Counts
    languages: Counts = Field(default_factory=dict)
    sources: int = 0
    speakers: int | None = None
    seconds: float = 0.0
    problems: tuple[SetProblem, ...] = ()
    problem_count: int = 0


class Comparison(Record):
    """Two candidates on the same segments; `difference` is the accuracy of `b` less that of `a`.

    Attributes:
        only_a, only_b: Segments that only one of them has right.
        p_sign_flip: By source; drives the verdict. `p_adjusted`: Holm's correction over all pairs.
        p_mcnemar: Exact; ignores that segments of a source are alike.
        p_b_better: Probability that b is truly better.
        labels_to_decide: How many more labels would decide, with 80 % power; None with a reason in `undefined`.
    """

    a: str
    b: str
    n: int
    difference: float
    ci: Interval | None
    only_a: int
    only_b: int
    p_sign_flip: float | None
    p_mcnemar: float
    p_adjusted: float | None
    p_b_better: float | None
    verdict: Literal["better", "worse", "tied", "undecided"]
    labels_to_decide: int | None = None
    undefined: dict[str, str] = Field(default_factory=dict)


class Rank(Record):
    """A place in the ranking, and who shares it: candidates that the set cannot tell apart."""

    rank: int
    models: tuple[str, ...]


class Segment(Record):
    """One of the segments that candidates are furthest off on.

    Attributes:
        p_truth: Mean probability, over the candidates, of the label it has.
        predictions: Candidate to emotion; None where undecided.
    """

    media: str
    uri: str | None
    start_s: float
    end_s: float
    truth: str
    p_truth: float
    predictions: dict[str, str | None]
    speaker: str | None = None
    language: str | None = None
    text: str | None = None


class Raters(Record):
    """What several raters of the same segments say of each other.

    Attributes:
        alpha: Krippendorff's, nominal. ceiling: Expected accuracy of one rater against the majority of the others.
    """

    raters: int
    segments: int
    alpha: float | None
    ceiling: float | None
    undefined: dict[str, str] = Field(default_factory=dict)


class Agreement(Record):
    """How far two candidates say the same, whatever the labels: share of segments, and Cohen's kappa."""

    a: str
    b: str
    share: float
    kappa: float | None


class RouteCell(Record):
    """What the segments of one language score under one model; `own`: it is the one routed to that language."""

    language: str
    model: str
    own: bool
    n: int
    accuracy: float | None
    uar: float | None


class Router(Record):
    """What routing by language is worth, and what misrouting cost.

    Attributes:
        cells: Each language's segments under each model of the configuration.
        n, misrouted: Segments with a known language, and those that went to another language's model.
        quarantined: Those that were not scored because their language was in doubt.
        accuracy: As routed. accuracy_oracle: had every segment gone to its own language's model.
    """

    system: str
    cells: tuple[RouteCell, ...]
    n: int
    misrouted: int
    quarantined: int
    accuracy: float | None
    accuracy_oracle: float | None
    cost: float | None
    """accuracy_oracle − accuracy."""
    undefined: dict[str, str] = Field(default_factory=dict)


class Outputs(Record):
    """Where everything lies: URIs, or paths where no store was used."""

    report: str
    evaluation: str
    predictions: str
    report_file: str | None = None


class Evaluation(Record):
    """One evaluation.

    Attributes:
        models: Candidates in the order they were named, then the baselines. A refused or failed one has its reason.
        ranking: By the grouped comparison; candidates that cannot be told apart share a place.
        verdict, verdict_ko: One sentence or two.
        worst: The segments that the candidates are furthest off on.
        inferred, cached: Segment × model pairs that were scored now, and those known from before.
        settings: Everything else that the figures depend on (decision, precision, seed …).
    """

    evaluation_id: str
    created: str
    code_version: str
    lock_sha256: str | None
    seed: int
    dataset: Dataset
    models: tuple[ModelResult, ...]
    comparisons: tuple[Comparison, ...] = ()
    ranking: tuple[Rank, ...] = ()
    verdict: str
    verdict_ko: str
    notes: tuple[str, ...] = ()
    notes_ko: tuple[str, ...] = ()
    worst: tuple[Segment, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    raters: Raters | None = None
    router: tuple[Router, ...] = ()
    inferred: int = 0
    cached: int = 0
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    outputs: Outputs | None = None
    undefined: dict[str, str] = Field(default_factory=dict)

    def model(self, name: str) -> ModelResult:
        """The candidate of that name. Raises KeyError where there is none."""
        for each in self.models:
            if each.model == name:
                return each
        raise KeyError(name)
