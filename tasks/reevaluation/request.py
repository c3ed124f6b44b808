"""What a re-evaluation is asked. Frozen; a misspelt name is an error."""

from pydantic import Field, model_validator

from actors.options import Options
from tasks.config.scoring import CURRENT
from tasks.evaluation.result_model import BASELINES
from tasks.watch.request import refuse_results_as_labels


class ReevaluateRequest(Options):
    """What to evaluate again.

    Attributes:
        labels: `s3://bucket/prefix` of the label files; all of them are used.
        media: Where the labelled media lie: `s3://bucket/prefix`.
        results: The results store.
        config: What is held against the candidates: `current`, a preset or a YAML file.
        models: The candidates: models (a folder or a hub id, perhaps with `@revision`), presets, YAML files.
        tune: Whether to tune the decision of `config`.
        promote: Whether a tuning whose verdict is `adopt` becomes current without anybody being asked.
        aliases: Further label words: emotion of the taxonomy, or null to leave such segments out.
        seed: Of everything that is simulated.
        force: Do it again, though nothing changed since the last time.
    """

    labels: str
    media: str
    results: str
    config: str = CURRENT
    models: tuple[str, ...] = ()
    tune: bool = True
    promote: bool = False
    aliases: dict[str, str | None] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)
    force: bool = False

    @model_validator(mode="after")
    def _check(self) -> "ReevaluateRequest":
        refuse_results_as_labels(self.labels, self.results)
        if self.promote and (self.config != CURRENT or not self.tune):
            raise ValueError(
                f"promote makes a tuning of the current configuration current: it goes with config {CURRENT!r} and tune"
            )
        taken = [name for name in self.models if name in BASELINES]
        if taken:
            raise ValueError(f"{taken[0]} is the name of a baseline: write ./{taken[0]} for the folder")
        return self

    @property
    def candidates(self) -> tuple[str, ...]:
        """The models besides the configuration, each once."""
        return tuple(name for name in dict.fromkeys(self.models) if name != self.config)
