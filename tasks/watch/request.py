"""What is watched. Frozen; a misspelt name is an error."""

from pydantic import Field, model_validator

from actors.options import Options
from tasks.hashes import short_hash


class WatchLabelsRequest(Options):
    """What to watch, and when it is worth telling.

    Attributes:
        labels: `s3://bucket/prefix` of the label files.
        results: `s3://bucket/prefix` of the results store, where it is kept what was seen and told.
        settle_s: Seconds without a change, before a burst counts as over.
        minimum: Labels added, changed or withdrawn since the last telling, before another is worth it.
        aliases: Further label words: emotion of the taxonomy, or null to leave such segments out.
    """

    labels: str
    results: str
    settle_s: float = Field(120, ge=0)
    minimum: int = Field(10, ge=1)
    aliases: dict[str, str | None] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "WatchLabelsRequest":
        refuse_results_as_labels(self.labels, self.results)
        return self

    @property
    def resource(self) -> str:
        """The id by which Prefect knows these labels: of the event, and of what is triggered by it."""
        return resource_of(self.labels, self.results)


def resource_of(labels: str, results: str) -> str:
    """The id by which Prefect knows labels that are watched for a results store."""
    return f"seraph.labels.{short_hash([results.rstrip('/'), labels.rstrip('/')])}"


def refuse_results_as_labels(labels: str, results: str) -> None:
    """Raises ValueError where the label files are said to be the whole results store."""
    if labels.rstrip("/") == results.rstrip("/"):
        raise ValueError(f"the labels are the results store itself ({results}): give the label files a prefix")
