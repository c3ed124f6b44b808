"""What a survey without labels found: the record that is stored, printed by `--json`, and drawn by the page.

The keys are relied upon from outside: they are added to, never renamed. A figure that is undefined is null, and
`undefined` beside it says why; there is no NaN. None of the figures is an accuracy.
"""

from typing import Literal

from pydantic import Field

from tasks.records.parts import Record

Pair = tuple[float, float]
Counts = dict[str, int]
Level = Literal["red", "amber", "grey", "green"]
"""red: find out why before using the scores · amber: look closer · grey: too little to say · green: nothing to see."""


class Light(Record):
    """One warning light: a sentence with its figure and its band.

    Attributes:
        code: What it is about: `near_uniform`, `one_class`, `neutral`, `diversity`, `undecided`, `short`, `language`,
            `drift`, `drift_language`, `drift_languages`, `agreement`, `nothing_scored`.
        about: The configuration, or the two, that it is about.
    """

    level: Level
    code: str
    text: str
    text_ko: str
    about: tuple[str, ...] = ()


class Distribution(Record):
    """How n values lie between 0 and `high`.

    Attributes:
        mean: None without a value.
        quantiles: By share (`0.05` … `0.95`), good to a thousandth of `high`; none without a value.
        histogram: Values by bin, equal bins from 0 to `high`.
    """

    n: int
    high: float
    mean: float | None
    quantiles: dict[str, float] = Field(default_factory=dict)
    histogram: tuple[int, ...]


class Shares(Record):
    """What was decided for a group of segments.

    Attributes:
        emotions: Decided segments by emotion, all seven. shares: The same as shares of the decided; none without one.
        diversity: Effective number of emotions, 1 … 7: exp of the entropy of the shares. diversity_ci: 95 %, as if
            segments were drawn one by one.
    """

    segments: int
    undecided: int
    emotions: Counts
    shares: dict[str, float] = Field(default_factory=dict)
    neutral_rate: float | None
    diversity: float | None
    diversity_ci: Pair | None
    undefined: dict[str, str] = Field(default_factory=dict)


class Figures(Record):
    """A group of segments: all of a configuration, or those that one model heard.

    Attributes:
        languages: The same by language.
        short_rate: Share under 3 s. uncertain_rate: share whose language is uncertain, or served by no model.
        confidence: Of the chosen emotion. entropy: of the posterior, in nats. Both of the decided segments.
    """

    segments: int
    media: int
    said: Shares
    languages: dict[str, Shares]
    short_rate: float | None
    uncertain_rate: float | None
    confidence: Distribution
    entropy: Distribution
    undefined: dict[str, str] = Field(default_factory=dict)


class ModelFigures(Figures):
    """One model, with what its own labels say before any map.

    Attributes:
        information: Mean over the segments of log N less the entropy of its own posterior, in nats: 0 says nothing.
        information_bound: What a head that says next to nothing stays below.
        enough: Segments from which on an alarm can be raised.
        label: The label that it puts first most often. label_share: how often.
        alarms: `near_uniform`, `one_class`.
    """

    model: str
    information: float | None
    information_bound: float | None
    enough: int | None
    label: str | None
    label_share: float | None
    alarms: tuple[str, ...] = ()


class Shift(Record):
    """How far shares lie from the reference's, and how far chance alone would put them.

    Attributes:
        of: Shares of `emotions` (decided segments), or of `languages`.
        language: Of this language's segments only; None for all.
        reference, current: How many segments were compared.
        jensen_shannon, population_stability_index: 0 for equal shares.
        jensen_shannon_band, population_stability_band: 95 % and 99.9 % of what chance alone shows lie at or below.
        method: Where the band comes from: `media` (whole media drawn from both), `scaled` (the reference has counts
            only: segments drawn, widened by how much this corpus's media differ).
        design_effect: How many times the media widen the band.
        verdict: `drifted` beyond the 99.9 % end; None with a reason in `undefined`.
    """

    of: Literal["emotions", "languages"]
    language: str | None
    reference: int
    current: int
    jensen_shannon: float | None
    population_stability_index: float | None
    jensen_shannon_band: Pair | None
    population_stability_band: Pair | None
    method: Literal["media", "scaled"]
    design_effect: float | None
    verdict: Literal["same", "drifted"] | None
    undefined: dict[str, str] = Field(default_factory=dict)


class Configuration(Record):
    """One configuration's current table over the media."""

    name: str
    figures: Figures
    models: tuple[ModelFigures, ...]
    drift: tuple[Shift, ...] = ()


class Difference(Record):
    """How many segments one configuration calls `a` and the other `b`."""

    a: str
    b: str
    n: int


class PairFigures(Record):
    """Two configurations on the segments that both scored.

    Attributes:
        shared: Segments that both scored. n: that both decided.
        agreement: Share of the n on which they say the same; on the rest at least one of the two is wrong.
        kappa: Cohen's: beyond what their own shares would give by chance.
        agreement_ci, kappa_ci: 95 %, as if segments were drawn one by one.
        differences: The commonest ways to differ.
    """

    a: str
    b: str
    shared: int
    n: int
    agreement: float | None
    agreement_ci: Pair | None
    kappa: float | None
    kappa_ci: Pair | None
    differences: tuple[Difference, ...] = ()
    undefined: dict[str, str] = Field(default_factory=dict)


class ConsensusFigures(Record):
    """All configurations together, on the segments that all of them scored.

    Attributes:
        at_least: Entry k - 1: share of the segments on which at least k say the same emotion.
        tied: Share without one commonest emotion.
    """

    configurations: int
    segments: int
    at_least: tuple[float, ...] | None
    tied: float | None
    undefined: dict[str, str] = Field(default_factory=dict)


class Disagreement(Record):
    """A segment on which configurations are sure, and say different things.

    Attributes:
        width: Mean over their pairs of the product of the two confidences where they differ, 0 … 1.
        said: Configuration to emotion, None where undecided; those that did not score it are left out. `confidence`
            likewise.
    """

    segment_id: str
    media_uri: str
    start_s: float
    end_s: float
    language: str | None
    width: float
    said: dict[str, str | None]
    confidence: dict[str, float | None]


class ReferenceFigures(Record):
    """What the shares were compared with."""

    name: str
    kind: Literal["run", "corpus"]
    said: Shares
    languages: Counts
    by_media: bool
    """Whether it is known medium by medium and language by language, or in total only."""


class Survey(Record):
    """A scored corpus without labels.

    Attributes:
        standing, standing_ko: What the reader must not conclude.
        lights: The gravest first.
        pairs: Every two configurations. consensus: of all, where there are at least two.
        disagreements: The widest, at most 50.
    """

    standing: str
    standing_ko: str
    lights: tuple[Light, ...]
    configurations: tuple[Configuration, ...]
    reference: ReferenceFigures | None = None
    pairs: tuple[PairFigures, ...] = ()
    consensus: ConsensusFigures | None = None
    disagreements: tuple[Disagreement, ...] = ()
    seed: int
    undefined: dict[str, str] = Field(default_factory=dict)
