"""What runs by itself, and when: the file that `seraph deploy --config` reads.

Owns the settings of schedules, watches, alarms and upkeep. How a single run scores is tasks/config.py; where the
services are is infra/settings.py.
"""

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from actors.options import Options
from infra.errors import ConfigError
from tasks.promotions import CURRENT


class Schedule(Options):
    """A cron line (five fields) and the IANA time zone it is meant in."""

    cron: str
    timezone: str = "UTC"

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
        level: Chance of a false alarm per check and night, for shares against the reference.
        reference: Run that shares are compared with; None: the newest earlier run over the same media with enough.
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

    schedule: Schedule = Schedule(cron="0 12 * * 0")
    keep_days: float = Field(90, ge=1)
    grace_hours: float = Field(48, ge=1)
    apply: bool = False


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
        work_pool: The Prefect work pool that runs are handed to; None: whoever runs `seraph serve`.
        price: What computing costs, for the costs in the records.
    """

    media: str
    results: str = "s3://results"
    config: str = CURRENT
    nightly: Schedule = Schedule(cron="0 2 * * *")
    labels: Labels | None = None
    reevaluate: Reevaluate = Reevaluate()
    alarms: Alarms = Alarms()
    housekeeping: Housekeeping = Housekeeping()
    work_pool: str | None = None
    price: Price | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        inside = self.labels is not None and self.labels.uri.rstrip("/") == self.results.rstrip("/")
        if inside:
            raise ValueError(f"labels.uri is the results store itself ({self.results}): give the label files a prefix")
        return self


def load_operations(path: Path) -> Operations:
    """Read the file. Raises ConfigError naming what is wrong and where."""
    try:
        return Operations.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; expected a YAML file for `seraph deploy`") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"{path}: {faults}") from error
