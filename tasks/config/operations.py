"""What runs by itself, and when: the file that `seraph deploy --config` reads.

Owns the settings of schedules, watches, alarms and upkeep. How a single run scores is scoring.py's part; where the
services are, infra/settings.py's.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from actors.options import Options
from infra.errors import ConfigError
from tasks.config.scoring import CURRENT

_CRON = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""Lowest and highest number in each field of a cron line: minute, hour, day, month, weekday (0 and 7: Sunday)."""


class Schedule(Options):
    """A cron line (five fields) and the IANA time zone it is meant in."""

    cron: str
    timezone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _readable(cls, line: str) -> str:
        # By hand: Prefect's own check comes with Prefect, which must not be imported before it knows its server.
        fields = line.split()
        if len(fields) != len(_CRON) or not all(map(_is_cron, fields, _CRON)):
            raise ValueError(f"{line!r} is no cron line: minute hour day month weekday, such as '0 2 * * *'")
        return line

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone, such as Asia/Seoul") from error
        return name


class Labels(Options):
    """Label files that are watched.

    Attributes:
        uri: `s3://bucket/prefix` of the label files.
        every_s: How often to look, in seconds.
        settle_s: How long nothing may have changed before a burst counts as over.
        minimum: Labels added, changed or withdrawn since the last re-evaluation, before another is worth it.
        aliases: Further label words: emotion of the taxonomy, or null to leave such segments out.
    """

    uri: str
    every_s: float = Field(300, gt=0)
    settle_s: float = Field(120, ge=0)
    minimum: int = Field(10, ge=1)
    aliases: dict[str, str | None] = Field(default_factory=dict)


class Reevaluate(Options):
    """What is done with new labels.

    Attributes:
        models: Candidates besides the current configuration: models, presets or files of configurations.
        tune: Whether to tune the current configuration's decision.
        promote: Whether a tuning whose verdict is `adopt` becomes current without anybody being asked.
    """

    models: tuple[str, ...] = ()
    tune: bool = True
    promote: bool = False


class Alarms(Options):
    """When to cry, and to whom.

    Attributes:
        notify: Prefect notification block, `type/name` as in `slack-webhook/archive`; None: alarms are events only.
        silent_hours: Without a finished run for so long, something is wrong.
        max_quarantined: Share of a run's media in quarantine above which there is an alarm.
        slow_ratio: Throughput below this share of the reference runs' is an alarm.
        level: Chance of a false alarm a night, for all shares against the reference together.
        reference: Run that a run is compared with; None: the newest earlier ones over the same media, until there are
            enough segments in them.
    """

    notify: str | None = None
    silent_hours: float = Field(26, gt=0)
    max_quarantined: float = Field(0.1, ge=0, le=1)
    slow_ratio: float = Field(0.5, gt=0, lt=1)
    level: float = Field(0.001, gt=0, lt=0.5)
    reference: str | None = None


class Housekeeping(Options):
    """What is tidied.

    Attributes:
        schedule: When; by default Sundays at noon UTC.
        keep_days: Runs older than this may go, but for those that something still refers to.
        grace_hours: Files that no commit names may belong to a run at work: younger ones are left alone.
        apply: Whether it tidies, or only says what it would do.
    """

    schedule: Schedule = Field(default_factory=lambda: Schedule(cron="0 12 * * 0"))
    keep_days: float = Field(90, ge=1)
    grace_hours: float = Field(48, ge=1)
    apply: bool = False


class Recovery(Options):
    """What becomes of a run that dies.

    Attributes:
        dead_after_s: Without a sign of life for so long, a run counts as dead. A sign comes every 30 s, or where a
            worker's environment does not say so, every 180 s.
        attempts: How often a run that dies is started, the first time included.
    """

    dead_after_s: float = Field(300, ge=45)
    attempts: int = Field(3, ge=1, le=20)


class Price(Options):
    """What computing costs an hour. `gpu_hour` and `cpu_hour` are in `currency`."""

    gpu_hour: float = Field(0, ge=0)
    cpu_hour: float = Field(0, ge=0)
    currency: str = "USD"


class Operations(Options):
    """An archive that is kept scored.

    Attributes:
        media: `s3://bucket/prefix` of the media.
        results: `s3://bucket/prefix` of the results store.
        config: What the nightly run scores with: `current`, a preset or a YAML file.
        nightly: When.
        labels: The label files that are watched; None: nothing is watched.
        recovery: What becomes of a run that dies.
        work_pool: The Prefect work pool that runs are handed to; None: whoever runs `seraph serve`.
        job_variables: What the work pool is told of each run, such as `image` and `env`.
        price: What computing costs, for the costs in the records.
    """

    media: str
    results: str = "s3://results"
    config: str = CURRENT
    nightly: Schedule = Field(default_factory=lambda: Schedule(cron="0 2 * * *"))
    labels: Labels | None = None
    reevaluate: Reevaluate = Reevaluate()
    alarms: Alarms = Alarms()
    housekeeping: Housekeeping = Field(default_factory=Housekeeping)
    recovery: Recovery = Recovery()
    work_pool: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    price: Price | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        inside = self.labels is not None and self.labels.uri.rstrip("/") == self.results.rstrip("/")
        if inside:
            raise ValueError(f"labels.uri is the results store itself ({self.results}): give the label files a prefix")
        if self.job_variables and self.work_pool is None:
            raise ValueError("job_variables are for a work pool: name it as work_pool, or leave them out")
        return self


def _is_cron(field: str, bounds: tuple[int, int]) -> bool:
    """Whether it is a list of `*`, `n` or `n-m`, each with `/step` where wanted. Names of months and days it is not."""
    parts = [re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", part) for part in field.split(",")]
    numbers = [int(number) for part in parts if part for number in part.group(1, 2) if number is not None]
    return all(parts) and all(bounds[0] <= number <= bounds[1] for number in numbers)


def load_operations(path: Path, **given: str) -> Operations:
    """Read the file; `given` goes over it. Raises ConfigError naming what is wrong and where."""
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; expected a YAML file for `seraph deploy`") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(said, dict):
        raise ConfigError(f"{path} holds no options: expected `media: s3://…` and what else is wanted, as YAML")
    return make_operations(str(path), {**said, **given})


def make_operations(source: str, said: Mapping[str, Any]) -> Operations:
    """Check what was said. Raises ConfigError naming `source`, what is wrong and where."""
    try:
        return Operations.model_validate(dict(said))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"{source}: {faults}") from error
