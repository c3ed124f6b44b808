"""What a tuning found as a configuration, the commands that use it, and everything needed to do it again."""

import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from tasks.numerics.grid import DEFAULTS, options_of
from tasks.report.evaluation.reproduce import Rows
from tasks.report.frame import moment
from tasks.report.tuning.terms import setting, title
from tasks.report.words import UNDEFINED, duration, number, visible, words
from tasks.tuning.result import Tuning

ALIASES_FILE = "aliases.yaml"
"""What the file of further label words is called in the command."""


def configuration(tuning: Tuning) -> str:
    """The part of a configuration that the tuning chose, as YAML; nothing where all is at its default.

    A language's own parameters stand on top of the common ones, as in `ScoreConfig.decisions`.
    """
    common = _options(tuning.apparent.params)
    nothing = _options(DEFAULTS)
    document: dict[str, Any] = {"decision": {key: value for key, value in common.items() if value != nothing[key]}}
    if tuning.settings.get("pooling", "linear") != "linear":
        document["decision"]["pooling"] = tuning.settings["pooling"]
    own = {
        visible(each.language): {key: value for key, value in _options(each.params).items() if value != common[key]}
        for each in tuning.languages
        if each.kind != "common"
    }
    decisions = {language: changed for language, changed in own.items() if changed}
    if decisions:
        document["decisions"] = decisions
    return _yaml(document) if document["decision"] or decisions else ""


def promote_command(tuning: Tuning) -> str:
    """The command that makes it current; insisting where the verdict is not to adopt it."""
    parts = ["seraph", "promote", tuning.tuning_id]
    return visible(shlex.join(parts if tuning.verdict == "adopt" else [*parts, "--force"]))


def command_line(tuning: Tuning) -> str:
    """The command that asks for the same, from the settings (the fields of `TuneRequest`)."""
    asked = tuning.settings
    parts = ["seraph", "tune"]
    if tuning.evaluation_id:
        parts += ["--evaluation", tuning.evaluation_id]
        parts += ["--model", str(asked["candidate"])] if asked.get("candidate") else []
    else:
        parts += ["--labels", *map(str, asked.get("labels") or tuning.dataset.files), "--recorded"]
    parts += ["--grid", str(asked["grid"])] if isinstance(asked.get("grid"), str) else []
    given = asked.get("settings")
    for each in given if isinstance(given, list | tuple) else ():
        parts += ["--set", str(each)]
    parts += ["--objective", tuning.objective]
    parts += ["--pooling", str(asked["pooling"])] if asked.get("pooling", "linear") != "linear" else []
    for name, value in _mapping(asked.get("near")).items():
        parts += ["--near", f"{name}={value}"]
    parts += ["--aliases", ALIASES_FILE] if aliases(tuning) else []
    parts += ["--seed", str(tuning.seed)] if tuning.seed else []
    return visible(shlex.join(parts))


def aliases(tuning: Tuning) -> str:
    """The further label words as the YAML file that `command_line` names; nothing where there were none."""
    given = _mapping(tuning.settings.get("aliases"))
    return _yaml(given) if given else ""


def identity_rows(tuning: Tuning) -> Rows:
    """Versions, seed, and where everything lies."""
    outputs = tuning.outputs
    lie = (("ev_identity_report", "report"), ("tu_identity_config", "config"), ("tu_identity_tuning", "tuning"))
    rows: Rows = [
        (words("tu_identity_id"), tuning.tuning_id),
        (words("ev_identity_created"), moment(tuning.created)),
        (words("tu_identity_subject"), tuning.subject),
        (words("tu_identity_evaluation"), tuning.evaluation_id or words("tu_identity_recorded")),
        (words("tu_identity_objective"), title(tuning.objective)),
        (words("tu_identity_points"), number(tuning.points)),
        (words("tu_identity_folds"), number(tuning.folds)),
        (words("ev_identity_seed"), str(tuning.seed)),
        (words("identity_version"), tuning.code_version),
        (words("identity_lock"), tuning.lock_sha256 or UNDEFINED),
        (words("ev_identity_seconds"), duration(tuning.seconds)),
        *((words(key), getattr(outputs, field)) for key, field in lie if outputs),
    ]
    return [(label, visible(value) if isinstance(value, str) else value) for label, value in rows]


def grid_text(tuning: Tuning) -> str:
    """The values that were tried, one parameter a line."""
    return "\n".join(f"{visible(name)}: {', '.join(map(setting, values))}" for name, values in tuning.grid.items())


def settings_text(tuning: Tuning) -> str:
    """The settings as YAML, or nothing."""
    settings = tuning.model_dump(mode="json")["settings"]
    return _yaml(settings) if settings else ""


def _options(params: Mapping[str, float]) -> dict[str, Any]:
    """All parameters as a configuration names them; a record of another version may name others, which are left out."""
    known = {name: value for name, value in params.items() if name in DEFAULTS}
    return options_of({**DEFAULTS, **known})


def _mapping(value: object) -> dict[str, Any]:
    """A mapping of the settings; a record of another version may hold something else."""
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
