"""What a re-evaluation found: stored as `reevaluation.json`, printed by `--json`, drawn by the report.

The keys are relied upon from outside: they are added to, never renamed. Undefined is null, with the reason beside it.
"""

from typing import Any, Literal

from pydantic import Field

from tasks.evaluation.result_model import Interval, Pair
from tasks.records.parts import Record
from tasks.records.run import ConfigUsed

AdviceKind = Literal["repair", "promote", "promoted", "look", "label-more", "keep"]
Verdict = Literal["better", "worse", "tied", "undecided"]


class Label(Record):
    """A label that came, was changed (`before`: what it was), or was withdrawn (`emotion` is None)."""

    media: str
    start_s: float
    end_s: float
    rater: str | None
    emotion: str | None
    before: str | None = None


class Labels(Record):
    """What the label files say, and what of it is new.

    Attributes:
        uri: Their prefix. snapshot: Hash of what they say; snapshot_uri: where that lies.
        files: That were used, in the order in which they count. problems: what is wrong with any.
        said: Labels, each segment and rater once; counts: by emotion.
        since: The re-evaluation that `added`, `changed` and `withdrawn` are counted from; None: there was none.
        shown: The first of those.
    """

    uri: str
    snapshot: str
    snapshot_uri: str
    files: tuple[str, ...]
    problems: tuple[str, ...] = ()
    said: int
    counts: dict[str, int] = Field(default_factory=dict)
    since: str | None = None
    added: int = 0
    changed: int = 0
    withdrawn: int = 0
    added_counts: dict[str, int] = Field(default_factory=dict)
    shown: tuple[Label, ...] = ()


class Against(Record):
    """Accuracy of one less that of another on the same segments, and what follows; see an evaluation's `Comparison`."""

    n: int
    difference: float
    ci: Interval | None
    p_adjusted: float | None
    verdict: Verdict
    labels_to_decide: int | None = None
    undefined: dict[str, str] = Field(default_factory=dict)


class Since(Record):
    """A candidate now against the same candidate in the last re-evaluation.

    Attributes:
        accuracy_before, n_before: Its figures then, on the labels of then.
        same_answers: On the segments of both, nothing was answered otherwise: figures differ by the labels alone.
        against: Now less then on the segments of both, by the labels of now; None: there is none.
    """

    accuracy_before: float | None
    n_before: int
    same_answers: bool | None = None
    against: Against | None = None
    undefined: dict[str, str] = Field(default_factory=dict)


class Row(Record):
    """One candidate: its figures (all of them are in the evaluation), or the reason why it has none.

    Attributes:
        named: Whether it was asked for; the models of a configuration's routes come along.
        against: It less the current configuration; None for that itself.
        since: None where it was no candidate the last time.
    """

    model: str
    kind: str
    named: bool
    status: Literal["ok", "refused", "failed"]
    reason: str | None = None
    n: int = 0
    accuracy: float | None = None
    accuracy_ci: Pair | None = None
    macro_f1_present: float | None = None
    uar: float | None = None
    flags: tuple[str, ...] = ()
    against: Against | None = None
    since: Since | None = None


class Tuned(Record):
    """What the tuning of the current configuration's decision came to.

    Attributes:
        tuning_id: None where none was made; `reason` says why.
        reason, reason_ko: In plain words.
        gain, gain_ci: Held-out gain of `objective` over the current parameters.
        usable: Whether what was found may be promoted as it is; `unusable_why`: a key of the report's words.
    """

    tuning_id: str | None = None
    verdict: Literal["adopt", "keep-default", "undecided"] | None = None
    reason: str
    reason_ko: str
    objective: str | None = None
    gain: float | None = None
    gain_ci: Pair | None = None
    labels_to_decide: int | None = None
    usable: bool = True
    unusable_why: str | None = None
    report: str | None = None


class Advice(Record):
    """One thing to do; the first of a re-evaluation's is its recommendation.

    Attributes:
        kind: `repair`: the current configuration could not be measured. `promote`: TUNING has it. `promoted`: it was
            made current. `look`: at `model`, which is better. `label-more`: about `labels` more. `keep`.
        text, text_ko: The same as a sentence.
    """

    kind: AdviceKind
    text: str
    text_ko: str
    tuning_id: str | None = None
    model: str | None = None
    labels: int | None = None


class Outputs(Record):
    """Where everything lies."""

    report: str
    reevaluation: str
    report_file: str | None = None


class Reevaluation(Record):
    """One re-evaluation.

    Attributes:
        asked: Hash over all that its answer depends on, but for the configuration's decision: see `configurations`.
        config: What was held against the candidates; `current`: its name among the candidates.
        configurations: Hashes of the configuration before and after: while one of them stands, nothing is to be done
            again for the same `asked`.
        evaluation_id: The evaluation that the figures are from, with all of them; `inferred`: what it cost.
        verdict, verdict_ko: Of that evaluation.
        promoted: Hash of the configuration that was made current; `not_promoted`, `not_promoted_ko`: why none was,
            where one was asked for.
        recommendation: What to do, the most important first; never empty.
        fitted_on: Labels of this set that the current decision was tuned on; they flatter it.
    """

    reevaluation_id: str
    created: str
    code_version: str
    lock_sha256: str | None
    seed: int
    asked: str
    labels: Labels
    media: str
    config: ConfigUsed
    configurations: tuple[str, ...]
    current: str
    candidates: tuple[Row, ...]
    n: int
    sources: int
    evaluation_id: str
    verdict: str
    verdict_ko: str
    evaluation_report: str | None = None
    inferred: int = 0
    cached: int = 0
    tuning: Tuned
    promoted: str | None = None
    not_promoted: str | None = None
    not_promoted_ko: str | None = None
    fitted_on: int = 0
    recommendation: tuple[Advice, ...]
    last: str | None = None
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    outputs: Outputs

    def row(self, name: str) -> Row | None:
        """The candidate of that name."""
        return next((each for each in self.candidates if each.model == name), None)

    def document(self, *, unchanged: bool = False) -> dict[str, Any]:
        """What `seraph reevaluate --json` prints. `unchanged`: it is the last one, and nothing was done."""
        return {"status": "unchanged" if unchanged else "done", **self.model_dump(mode="json")}
