"""Which configuration is current in a results store: promoted, kept with who, when and why, and rolled back.

    configs/<hash>.yaml                   a whole configuration; the hash is over its bytes, so it never changes
    configs/history/<time>-<hash8>.json   one promotion (hash8 over the record's bytes); never rewritten
    configs/current.yaml                  the promotion that stands; written last

Two promotions at once: the last writer of current.yaml wins, the history keeps both. Owns these files.
What may become current is proposals.py's part; presets and files are read by tasks/config/scoring.py.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml
from pydantic import ValidationError

from infra.errors import ConfigError, InputError, ObjectMissing
from infra.shelf import Shelf
from tasks.config.scoring import CURRENT, ScoreConfig, load_config, parse_config
from tasks.records.run import ConfigUsed, Grounds, Promotion

_CURRENT_FILE = "configs/current.yaml"
_HISTORY = "configs/history"

_log = logging.getLogger(__name__)
Say = Callable[[str], object]


def quietly(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Chosen:
    """A configuration that was named, and the promotion that it is of: None for a preset or a file."""

    config: ScoreConfig
    promotion: Promotion | None = None

    @property
    def used(self) -> ConfigUsed:
        """How records name it."""
        name = self.promotion.hash if self.promotion else config_hash(self.config)
        return ConfigUsed(name=self.config.name, hash=name, promotion=self.promotion)


def choose(name: str, shelf: Callable[[], Shelf], say: Say = quietly) -> Chosen:
    """Read a configuration: a preset, a YAML file, or what is `current` on a shelf.

    Args:
        name: `current` is the promoted configuration, and where there is none the preset `default`.
        shelf: Opens the results; not called for a preset or a file.
        say: Told that nothing is promoted.

    Raises:
        ConfigError: There is no such configuration, or a value in it is wrong.
    """
    if name != CURRENT:
        return Chosen(load_config(name))
    results = shelf()
    promotions = Promotions(results)
    standing = promotions.current()
    if standing is None:
        say(f"no configuration is promoted in {results.address('configs')}: `current` is the preset `default`")
        return Chosen(load_config("default"))
    return Chosen(promotions.config(standing.hash), standing)


def canonical(config: ScoreConfig) -> str:
    """The whole configuration as YAML: equal configurations give equal bytes."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=True, allow_unicode=True)


def config_hash(config: ScoreConfig) -> str:
    """16 hex digits over the canonical YAML: the name under which a configuration is promoted."""
    return _digest(canonical(config).encode())[:16]


class Promotions:
    """The promotions on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def current(self) -> Promotion | None:
        """The promotion that stands, or None where there never was one.

        Raises:
            ConfigError: Its file is damaged.
        """
        try:
            return Promotion.model_validate(yaml.safe_load(self._shelf.get(_CURRENT_FILE)))
        except ObjectMissing:
            return None
        except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
            raise ConfigError(
                f"{self._shelf.address(_CURRENT_FILE)} cannot be read: expected what `seraph promote` writes; promote "
                "again, or name another configuration with --config"
            ) from error

    def config(self, name: str) -> ScoreConfig:
        """A promoted configuration by its hash.

        Raises:
            ConfigError: It is gone, its bytes are not those that were promoted, or this version cannot read it.
        """
        address = self.address(name)
        try:
            data = self._shelf.get(_config_file(name))
        except ObjectMissing as error:
            raise ConfigError(f"{address} is gone, though it was promoted: promote another configuration") from error
        if _digest(data)[:16] != name:
            raise ConfigError(f"{address} was changed since it was promoted: put it back, or promote the changed file")
        return parse_config(yaml.safe_load(data), address)

    def address(self, name: str) -> str:
        """Where a configuration lies, by its hash."""
        return self._shelf.address(_config_file(name))

    def history(self) -> list[Promotion]:
        """Every promotion, the newest first."""
        found = (self._read(name) for name in sorted(self._shelf.names(_HISTORY), reverse=True))
        return [each for each in found if each is not None]

    def promote(self, config: ScoreConfig, grounds: Grounds, now: datetime) -> Promotion:
        """Make a configuration current: store it, the history's entry, and last what is current.

        Args:
            config: The whole of it.
            grounds: Who, why and what it rests on (see `tasks.promotion.proposals.Proposal.grounds`).
            now: The moment, with its time zone.
        """
        data = canonical(config).encode()
        name = _digest(data)[:16]
        self._shelf.put(_config_file(name), data, "application/yaml")
        return self._stand(grounds, name, config.name, now)

    def roll_back(self, wanted: str | None, *, who: str, now: datetime, why: str | None = None) -> Promotion:
        """Make an earlier configuration current again.

        Args:
            wanted: Its hash or the first digits of it; None is the one before the current.
            who, why: Who does it, and why.
            now: The moment, with its time zone.

        Raises:
            InputError: There is none, several begin so, or it is current already.
            ConfigError: It cannot be read any more.
        """
        earlier = self._earlier(wanted)
        self.config(earlier.hash)
        kept = earlier.model_dump(include=set(Grounds.model_fields))
        return self._stand(Grounds(**{**kept, "who": who, "why": why}), earlier.hash, earlier.name, now, back=True)

    def _stand(self, grounds: Grounds, name: str, called: str, now: datetime, *, back: bool = False) -> Promotion:
        moment = now.astimezone(UTC)
        promotion = Promotion(
            **grounds.model_dump(),
            hash=name,
            name=called,
            promoted_at=moment.isoformat(timespec="microseconds"),
            before=self._replaced_by(name),
            rolled_back=back,
        )
        record = promotion.model_dump_json(indent=1).encode()
        self._shelf.put(f"{_HISTORY}/{moment:%Y%m%dT%H%M%S%f}-{_digest(record)[:8]}.json", record, "application/json")
        text = yaml.safe_dump(promotion.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        self._shelf.put(_CURRENT_FILE, text.encode(), "application/yaml")
        return promotion

    def _replaced_by(self, name: str) -> str | None:
        standing = self._standing()
        if standing is None:
            return None
        return standing.before if standing.hash == name else standing.hash

    def _standing(self) -> Promotion | None:
        """What is current, or None where its file is damaged: to promote or to roll back is how that is mended."""
        try:
            return self.current()
        except ConfigError as error:
            _log.warning("%s", error)
            return None

    def _earlier(self, wanted: str | None) -> Promotion:
        standing = self._standing()
        wanted = wanted or (standing.before if standing else None)
        if wanted is None:
            raise InputError("nothing to roll back to: no other configuration was current before")
        found = [each for each in self.history() if each.hash.startswith(wanted)]
        if len({each.hash for each in found}) != 1:
            what = "several promoted configurations begin so" if found else "it was never current"
            raise InputError(f"no rollback to {wanted!r}, {what}: `seraph promote --history` lists their hashes")
        if standing is not None and found[0].hash == standing.hash:
            raise InputError(f"{standing.hash} is current already: name another (`seraph promote --history`)")
        return found[0]

    def _read(self, name: str) -> Promotion | None:
        try:
            return Promotion.model_validate_json(self._shelf.get(name))
        except (ValidationError, ObjectMissing) as error:
            # One damaged record must not hide the others.
            _log.warning("%s is left out of the history: %s", self._shelf.address(name), error)
            return None


def _config_file(name: str) -> str:
    return f"configs/{name}.yaml"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
