"""What two runs differ in, from their records alone: code, models, configuration, data, counts, shares and speed.

And what a difference in the results can be due to. Reading records is history.py's part; whether the scores of the same
segments agree, agreement.py's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tasks.alarms.shares import check_shares
from tasks.records.parts import Record
from tasks.records.run import RunRecord

LEVEL = 0.05
"""Chance that any share is called beyond chance where nothing has changed."""


class Change(Record):
    """A value that differs, by its path, such as `config.decision.neutral_floor`."""

    key: str
    first: Any
    second: Any


class ShareChange(Record):
    """A share of the segments in both runs, and where chance may put the second's, given the first's."""

    name: str
    first: float
    second: float
    low: float
    high: float
    verdict: Literal["chance", "beyond chance"]


class SpeedChange(Record):
    """Seconds of scored speech for each second that a stage took, summed over parallel work; None: it took none."""

    stage: str
    first: float | None
    second: float | None
    ratio: float | None


class Agreement(Record):
    """How often the two runs' scores give the same emotion to the same segment.

    Attributes:
        segments: Segments that both have scores of. `same`: share of them with the same emotion (or both undecided).
        kappa: Cohen's, chance agreement taken off; None where it is not defined.
    """

    segments: int
    same: float | None
    kappa: float | None


class RunComparison(Record):
    """Two runs side by side; each group names only what differs.

    Attributes:
        same_data: Whether both found the same media; None where a record does not say.
        shares: Of what each run scored itself; empty where one scored nothing.
        causes: What a difference in the results can be due to, in sentences.
        agreement: None where the scores of one of them are not there any more, or both are the same table.
    """

    first: str
    second: str
    code: tuple[Change, ...]
    models: tuple[Change, ...]
    config: tuple[Change, ...]
    data: tuple[Change, ...]
    same_data: bool | None
    counts: tuple[Change, ...]
    workers: tuple[Change, ...]
    shares: tuple[ShareChange, ...]
    speed: tuple[SpeedChange, ...]
    causes: tuple[str, ...]
    agreement: Agreement | None = None

    def summary(self) -> dict[str, Any]:
        """What `seraph runs compare --json` prints."""
        undefined = dict(self._undefined())
        document = self.model_dump(mode="json")
        return {**document, "undefined": undefined} if undefined else document

    def _undefined(self) -> Iterator[tuple[str, str]]:
        """Why a figure is None, by its path."""
        if self.agreement is None:
            yield "agreement", "not asked for, one run's scores are gone, or both runs made the same table"
        elif self.agreement.same is None:
            yield from ((f"agreement.{name}", "no segment was scored by both") for name in ("same", "kappa"))
        elif self.agreement.kappa is None:
            yield "agreement.kappa", "both give every segment the same one emotion"
        for each in self.speed:
            for side in ("first", "second"):
                if getattr(each, side) is None:
                    yield f"speed.{each.stage}.{side}", "this run scored nothing, or had no such stage"
            if each.ratio is None:
                yield f"speed.{each.stage}.ratio", "one of the two is undefined"


def compare(first: RunRecord, second: RunRecord) -> RunComparison:
    """Compare two runs; their shares are compared as of different media, unless both found the same."""
    code = _changes(first, second, "code_version", "code_revision", "lock_sha256")
    models = _changes(first, second, "models", "whisper")
    config = _changes(first, second, "config")
    data = _changes(first, second, "media_uri", "results_uri", "snapshot")
    same = first.snapshot.sha256 == second.snapshot.sha256 if first.snapshot and second.snapshot else None
    shares = tuple(_shares(first, second))
    return RunComparison(
        first=first.run_id,
        second=second.run_id,
        code=code,
        models=models,
        config=config,
        data=data,
        same_data=same,
        counts=_changes(first, second, "media", "segments", "redecided", "audio_seconds", "undecided", "corpus"),
        workers=_changes(first, second, "workers"),
        shares=shares,
        speed=tuple(_speed(first, second)),
        causes=tuple(_causes(code, models, config, same, shares)),
    )


def _changes(first: RunRecord, second: RunRecord, *names: str) -> tuple[Change, ...]:
    one, other = (dict(_leaves(run.model_dump(mode="json", include=set(names)))) for run in (first, second))
    keys = dict.fromkeys((*one, *other))
    return tuple(
        Change(key=key, first=one.get(key), second=other.get(key)) for key in keys if one.get(key) != other.get(key)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below mappings, by its path; a list is one value."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _shares(first: RunRecord, second: RunRecord) -> Iterator[ShareChange]:
    for each in check_shares(second, [first], LEVEL):
        if each.value or each.expected:
            yield ShareChange(
                name=each.name,
                first=each.expected,
                second=each.value,
                low=each.low,
                high=each.high,
                verdict="beyond chance" if each.outside else "chance",
            )


def _speed(first: RunRecord, second: RunRecord) -> Iterator[SpeedChange]:
    walls = {"whole run": (first.seconds, second.seconds)}
    stages = {
        name: (first.stages.get(name, 0.0), second.stages.get(name, 0.0))
        for name in dict.fromkeys((*first.stages, *second.stages))
    }
    for stage, (one, other) in (walls | stages).items():
        a, b = _rate(first, one), _rate(second, other)
        yield SpeedChange(stage=stage, first=a, second=b, ratio=b / a if a and b else None)


def _rate(run: RunRecord, seconds: float) -> float | None:
    return run.audio_seconds / seconds if seconds > 0 and run.audio_seconds > 0 else None


def _causes(
    code: tuple[Change, ...],
    models: tuple[Change, ...],
    config: tuple[Change, ...],
    same_data: bool | None,
    shares: tuple[ShareChange, ...],
) -> Iterator[str]:
    beyond = [each.name for each in shares if each.verdict == "beyond chance"]
    if not shares:
        yield "A run scored nothing itself, so there are no shares to compare."
    elif not beyond:
        yield "The shares differ no more than chance allows for so many segments of so many media."
    else:
        yield f"Chance alone would hardly move these shares so far: {', '.join(beyond)}."
    if _weights(models):
        yield "Other models heard the media: their scores cannot be expected to agree."
    if config:
        yield f"The configuration differs in {len(config)} values: {_first_keys(config)}."
    if code:
        yield f"The code differs ({_first_keys(code)}): what else it changes, the changelog says."
    if same_data is None:
        yield "A record does not say which media there were, so that they may differ."
    elif not same_data:
        yield "The media differ: what there was to hear may itself have changed."
    elif not (models or config or code):
        yield "Nothing that is recorded differs: what remains is the machine, its arithmetic and its load."


def _weights(models: tuple[Change, ...]) -> bool:
    return any(each.key.endswith(("weights_sha256", "preprocessing")) for each in models)


def _first_keys(changes: tuple[Change, ...], most: int = 5) -> str:
    more = f" and {len(changes) - most} more" if len(changes) > most else ""
    return ", ".join(each.key for each in changes[:most]) + more
