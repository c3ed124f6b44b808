"""What an evaluation is asked: which labels, which candidates, on what. Frozen; a misspelt name is an error."""

from typing import Literal

from pydantic import Field, model_validator

from actors.options import Options
from tasks.config.scoring import ScoreConfig
from tasks.evaluation.result_model import BASELINES

Modality = Literal["audio", "text", "combined", "fused"]

RECORDED: tuple[Modality, ...] = ("audio", "text", "combined")
"""What a label file may have recorded; `fused` is made of the first two."""


class EvaluateRequest(Options):
    """What to evaluate.

    Attributes:
        labels: Label files: paths or s3:// URIs.
        models: Candidates: models (a folder or a hub id, perhaps with `@revision`) and configurations (a preset's name
            or a YAML file).
        media: Where the labelled media lie: `s3://bucket/prefix`. Not needed for recorded scores.
        recorded: Evaluate the scores that stand in the label files instead of models.
        modality: Which of them; None: each that is there, on its own.
        audio_weight: Of the audio scores, with `fused`; the rest is the text's.
        config: Decision, precision, reading and resources of the candidates that are models: a preset, a YAML file, or
            the configuration itself. None: the defaults.
        aliases: Further label words: emotion of the taxonomy, or null to leave such segments out.
        seed: Of everything that is simulated.
    """

    labels: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = ()
    media: str | None = None
    recorded: bool = False
    modality: Modality | None = None
    audio_weight: float = Field(0.5, ge=0, le=1)
    config: str | ScoreConfig | None = None
    aliases: dict[str, str | None] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "EvaluateRequest":
        if self.recorded and (self.models or self.media):
            raise ValueError("recorded scores need neither models nor media: leave --models and --media out")
        if not self.recorded and not (self.models and self.media):
            raise ValueError("give --models and --media, or --recorded for the scores that stand in the label files")
        if self.modality is not None and not self.recorded:
            raise ValueError("--modality chooses among recorded scores: it goes with --recorded")
        taken = [name for name in self.models if name in BASELINES]
        if taken:
            raise ValueError(f"{taken[0]} is the name of a baseline: write ./{taken[0]} for the folder")
        return self
