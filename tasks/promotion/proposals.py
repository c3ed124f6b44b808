"""What is to become the current configuration: a preset or a file as it is, or a tuning laid over a base.

Owns what of a tuning is taken and what of the base stays, the pinning of models to commits, and the words of a refusal.
Storing what was promoted is current.py's part.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from actors.checkpoints import locate
from actors.checkpoints.source import resolved_revision
from actors.options import Options, Route
from infra.errors import ConfigError, InputError, UsageError, WeightsAbsentError
from infra.shelf import Shelf
from tasks.config.scoring import CURRENT, PRESETS, ScoreConfig, load_config, parse_config
from tasks.evaluation.archive import Archive
from tasks.promotion.current import Say, choose, quietly
from tasks.records.run import Grounds
from tasks.tuning.archive import TuningArchive
from tasks.tuning.result import Tuning

_OF_A_TUNING = re.compile(r"(?:^|/)tunings/(?P<id>[^/]+)/config\.yaml$")
_NOT_TUNED = ("label_map", "dimension_map", "max_dropped_mass")
"""What no tuning searches: it stays as the base has it. All else was measured together, and is taken together."""


@dataclass(frozen=True)
class Proposal:
    """A whole configuration, the words that named it, and the tuning that it rests on, if any.

    Attributes:
        tuned: The models whose answers were tuned, as far as that is known.
    """

    config: ScoreConfig
    source: str
    tuning: Tuning | None = None
    tuned: frozenset[str] = frozenset()

    @property
    def strangers(self) -> tuple[str, ...]:
        """The routes' models that nothing was tuned on; none where that is not known."""
        routed = dict.fromkeys(_named(route.model) for route in self.config.routes.values())
        return tuple(each for each in routed if self.tuned and each not in self.tuned)

    def grounds(self, who: str, why: str | None = None, *, force: bool = False) -> Grounds:
        """On what grounds it becomes current; `force`: whatever a tuning's verdict is.

        Raises:
            InputError: The tuning's verdict is not `adopt`, or it is of other models than the configuration routes to.
            UsageError: It rests on no tuning, and no reason was given.
        """
        tuning = self.tuning
        if tuning is None:
            if why is None:
                raise UsageError(f"{self.source!r} rests on no tuning: say --why it should become current")
            return Grounds(who=who, why=why, source=self.source)
        elsewhere = len(self.strangers) == len({_named(route.model) for route in self.config.routes.values()})
        fit = tuning.verdict == "adopt" and not elsewhere
        if not (fit or force):
            raise InputError(_elsewhere(tuning, self) if elsewhere else _refusal(tuning))
        rests_on = {"tuning_id": tuning.tuning_id, "evaluation_id": tuning.evaluation_id, "verdict": tuning.verdict}
        return Grounds(who=who, why=why, source=self.source, forced=not fit, **rests_on)


def propose(name: str, shelf: Shelf, base: str | None = None, say: Say = quietly) -> Proposal:
    """Read what is to become current.

    Args:
        name: A preset, a YAML file, or a tuning: its id, or the address of its config.yaml.
        shelf: The results, where tunings and what is current lie.
        base: What a tuning's decision is laid over: a preset or a file; by default `current`.
        say: Told where nothing is current yet.

    Raises:
        UsageError: A base was named, and there is nothing to lay over it.
        InputError: There is no such configuration or tuning.
        ConfigError: A value is wrong.
        CheckpointError: A model is known to be of no use, or its folder is not there.
    """
    tuning_id = _tuning_id(name)
    if tuning_id is None:
        if base is not None:
            raise UsageError(f"--base goes with a tuning, and {name!r} is a whole configuration: leave --base out")
        return Proposal(pinned(load_config(name)), name)
    tuning, text = _read(tuning_id, shelf)
    below = choose(base or CURRENT, lambda: shelf, say).config
    config = pinned(_laid_over(below, _tuned(tuning_id, text), tuning_id))
    made = Proposal(config, name, tuning, _models_of(tuning, shelf))
    if made.strangers:
        say(f"tuning {tuning_id} is not of {', '.join(made.strangers)}, which {below.name!r} routes to")
    return made


def pinned(config: ScoreConfig) -> ScoreConfig:
    """Each model of the hub at the commit that is on this machine; as it was named where there is none.

    The hub is not asked: which commit it would give today says nothing of the one that was measured.
    """
    changes: dict[str, Any] = {"routes": {key: _at_commit(route) for key, route in config.routes.items()}}
    if config.text is not None:
        models = {key: _at_commit(route) for key, route in config.text.models.items()}
        changes["text"] = config.text.model_copy(update={"models": models})
    return config.model_copy(update=changes)


class _Tuned(Options):
    """A tuning's config.yaml."""

    decision: dict[str, Any]
    decisions: dict[str, dict[str, Any]] = Field(default_factory=dict)


def _tuning_id(name: str) -> str | None:
    if found := _OF_A_TUNING.search(name):
        return found["id"]
    is_file = "/" in name or name.endswith((".yaml", ".yml")) or Path(name).is_file()
    return None if is_file or name in PRESETS else name


def _read(tuning_id: str, shelf: Shelf) -> tuple[Tuning, str]:
    try:
        return TuningArchive(shelf).get(tuning_id)
    except ValidationError as error:
        raise InputError(
            f"the record of tuning {tuning_id!r} cannot be read: expected what this version writes; tune again"
        ) from error
    except InputError as error:
        raise InputError(
            f"no configuration {tuning_id!r}: it is no preset ({', '.join(PRESETS)}), no YAML file, and no tuning in "
            f"{shelf.address('tunings')}; `seraph tune` makes one, --results says where it lies"
        ) from error


def _tuned(tuning_id: str, text: str) -> _Tuned:
    try:
        return _Tuned.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(
            f"config.yaml of tuning {tuning_id} cannot be read: expected `decision:`, and `decisions:` where languages "
            "have their own; tune again"
        ) from error


def _laid_over(base: ScoreConfig, tuned: _Tuned, tuning_id: str) -> ScoreConfig:
    kept = {language: _only(own, _NOT_TUNED) for language, own in base.decisions.items()}
    decisions = {
        language: {**kept.get(language, {}), **tuned.decisions.get(language, {})}
        for language in sorted({*kept, *tuned.decisions})
    }
    document = {
        **base.model_dump(mode="json"),
        "name": f"{base.name.partition('+')[0]}+{tuning_id}",
        "decision": {**_only(base.decision.model_dump(mode="json"), _NOT_TUNED), **tuned.decision},
        "decisions": {language: own for language, own in decisions.items() if own},
    }
    return parse_config(document, f"tuning {tuning_id} over the configuration {base.name!r} (--base names another)")


def _only(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _models_of(tuning: Tuning, shelf: Shelf) -> frozenset[str]:
    """The models that heard what was tuned; none where the record does not tell, as of recorded scores."""
    if tuning.evaluation_id is None:
        return frozenset()
    try:
        evaluation = Archive(shelf).get(tuning.evaluation_id)
    except InputError:  # gone since, or of another version: then nothing is known
        return frozenset()
    found = [each for each in evaluation.models if each.model == tuning.subject]
    parts = {part.source for each in found for part in each.parts if part.modality == "audio"}
    alone = {each.source for each in found if each.kind == "model" and each.source}
    return frozenset(map(_named, parts or alone))


def _named(model: str) -> str:
    """A model's name; of a folder, the whole path."""
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else model


def _at_commit(route: Route) -> Route:
    try:
        folder = locate(route.model, route.revision, network=False)
    except WeightsAbsentError:
        return route
    is_folder = Path(route.model).expanduser().is_dir()
    return route if is_folder else route.model_copy(update={"revision": resolved_revision(folder) or route.revision})


def _elsewhere(tuning: Tuning, made: Proposal) -> str:
    return (
        f"tuning {tuning.tuning_id} is not promoted: it is of {', '.join(sorted(made.tuned))}, and the configuration "
        f"routes to {', '.join(made.strangers)}. Name one that routes to what was tuned with --base. To use it all the "
        "same: --force, which is recorded."
    )


def _refusal(tuning: Tuning) -> str:
    if tuning.labels_to_decide is not None:
        more = f"About {tuning.labels_to_decide} more labelled segments would decide."
    else:
        unknown = tuning.undefined.get("labels_to_decide", "how many more labels would decide is not known")
        more = f"{unknown[:1].upper()}{unknown[1:].rstrip('.')}."
    return (
        f"tuning {tuning.tuning_id} is not promoted: its verdict is `{tuning.verdict}`, and `adopt` is needed. "
        f"{tuning.reason.rstrip('.')}. {more} To use it all the same: --force, which is recorded."
    )
