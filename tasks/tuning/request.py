"""What a tuning is asked. Frozen; a misspelt name is an error."""

from pydantic import Field, model_validator

from actors.options import Options
from tasks.numerics.decision import Decision, Pooling
from tasks.numerics.grid import DEFAULTS, options_of
from tasks.numerics.tallies import Objective


class TuneRequest(Options):
    """What to tune.

    Attributes:
        labels: Label files with recorded scores: paths or s3:// URIs. None: tune a stored evaluation.
        evaluation: Id of a stored evaluation, whose answers are tuned.
        candidate: Which of its candidates; None: its best by accuracy.
        grid: YAML file with the values of each parameter. settings: `parameter=v1,v2`, on top. Neither: the default.
        pooling: How text is put beside the audio while an audio weight is searched (see `Decision`).
        objective: What the best is the best of.
        near: The default that gains are measured from, where it is not the plain argmax: parameter to value.
        aliases: Further label words, as for an evaluation.
        seed: Of the folds and of everything that is simulated.
    """

    labels: tuple[str, ...] = ()
    evaluation: str | None = None
    candidate: str | None = None
    grid: str | None = None
    settings: tuple[str, ...] = ()
    pooling: Pooling = "linear"
    objective: Objective = "macro_f1_present"
    near: dict[str, float] = Field(default_factory=dict)
    aliases: dict[str, str | None] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "TuneRequest":
        if bool(self.labels) == bool(self.evaluation):
            raise ValueError("give --labels with --recorded, or --evaluation: what the answers are taken from")
        if self.candidate and not self.evaluation:
            raise ValueError("--model chooses a candidate of a stored evaluation: it goes with --evaluation")
        unknown = sorted(set(self.near) - set(DEFAULTS))
        if unknown:
            raise ValueError(f"no decision parameter {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
        Decision(**options_of(self.near))  # names what is out of bounds
        return self
