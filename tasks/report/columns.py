"""A `scores` table as arrays: the columns that a report's figures are counted from. Counts nothing itself."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actors.contract import TAXONOMY

UNDECIDED = len(TAXONOMY)
"""The category of undecided segments, after the seven emotions."""
CATEGORIES = len(TAXONOMY) + 1

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Columns:
    """A table's columns as arrays, all of shape (rows,) but the lists of texts, which the codes point into."""

    names: list[str]
    name: Integers
    languages: list[str]
    language: Integers
    models: list[str]
    model: Integers
    labels: list[str]
    label: Integers
    information: Floats
    start_s: Floats
    end_s: Floats
    category: Integers
    confidence: Floats
    language_confidence: Floats
    dropped_mass: Floats
    flags: list[str]
    flag: Integers
    flag_row: Integers
    """Row that each entry of `flag` stands on, shape (flags,) as `flag`."""

    @classmethod
    def of(cls, table: pa.Table) -> "Columns":
        """The columns of one table."""
        names, name = _codes(table["media_uri"])
        languages, language = _codes(table["language"])
        models, model = _codes(table["model"])
        labels, label = _codes(table["label"])
        flags, flag = _codes(pc.list_flatten(table["flags"]))
        emotion = pc.fill_null(pc.index_in(table["emotion"], value_set=pa.array(TAXONOMY)), UNDECIDED)
        return cls(
            names=names,
            name=name,
            languages=languages,
            language=language,
            models=models,
            model=model,
            labels=labels,
            label=label,
            category=emotion.to_numpy().astype(np.int64),
            flags=flags,
            flag=flag,
            flag_row=pc.list_parent_indices(table["flags"]).to_numpy().astype(np.int64),
            **{key: _floats(table[key]) for key in ("start_s", "end_s", "confidence")},
            **{key: _floats(table[key]) for key in ("language_confidence", "dropped_mass", "information")},
        )

    @property
    def length_s(self) -> Floats:
        """Seconds from start to end, shape (rows,)."""
        return self.end_s - self.start_s

    def flags_of(self, rows: npt.NDArray[np.bool_]) -> Counter[str]:
        """Flags of the chosen rows, counted."""
        counts = np.bincount(self.flag[rows[self.flag_row]], minlength=len(self.flags))
        return Counter({flag: int(count) for flag, count in zip(self.flags, counts, strict=True) if count})


def _codes(column: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """A text column as its distinct values and each row's index into them."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), math.nan).to_numpy(), dtype=np.float64)
