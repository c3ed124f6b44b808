"""Fitted maps from dimensions to emotions, as files: the map, what it was fitted on, and how it does out of fold.

Owns the format (JSON). The arithmetic is tasks/numerics/dimensions.py's; fitting one is tasks/evaluation/fitting.py's.
"""

from pathlib import Path

from pydantic import Field, ValidationError

from infra.errors import ConfigError
from tasks.numerics.dimensions import DimensionMap
from tasks.records.parts import Record


class Provenance(Record):
    """Where a map comes from.

    Attributes:
        model, weights_sha256: Whose outputs it maps.
        evaluation_id, labels_sha256: The stored evaluation, and the labels, that it was fitted on.
        segments: Keys of the labelled segments: on these the map says nothing about itself.
        counts: Segments by emotion.
        out_of_fold, centroids: Accuracy, UAR, macro F1 over present labels and cross-entropy of maps that had not seen
            a segment's source, and of distances to centroids, on the same segments; null where undefined.
    """

    model: str
    weights_sha256: str
    evaluation_id: str
    labels_sha256: str
    created: str
    code_version: str
    segments: tuple[str, ...]
    counts: dict[str, int]
    out_of_fold: dict[str, float | None] = Field(default_factory=dict)
    centroids: dict[str, float | None] = Field(default_factory=dict)


class FittedMap(Record):
    """A map with its provenance: the content of a file."""

    map: DimensionMap
    provenance: Provenance

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def load_map(path: Path) -> FittedMap:
    """Read a file.

    Raises:
        ConfigError: There is none, or it holds no such map.
    """
    try:
        return FittedMap.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"dimension_map {path} cannot be read: {error.strerror}; `seraph models fit` makes one"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"dimension_map {path} holds no fitted map: {where}: {first['msg']}") from error
