"""What was evaluated, and everything needed to do it again: the labels, settings, hashes, versions and the command."""

import shlex

import yaml

from tasks.evaluation.result import Dataset, Evaluation
from tasks.report.frame import moment
from tasks.report.words import UNDEFINED, Text, duration, named, number, visible, words

Rows = list[tuple[Text, str | Text]]


def set_rows(dataset: Dataset) -> Rows:
    """The labelled set in numbers."""
    counts = (("rejected", dataset.rejected), ("duplicates", dataset.duplicates), ("unheard", dataset.unheard))
    languages = (f"{named('language', code).en} {n}" for code, n in dataset.languages.items())
    korean = (f"{named('language', code).ko} {n}" for code, n in dataset.languages.items())
    rows: list[tuple[str, str | Text]] = [
        ("files", visible(", ".join(dataset.files)) or UNDEFINED),
        ("n", number(dataset.n)),
        ("labelled", number(dataset.labelled)),
        ("unlabelled", number(dataset.unlabelled)),
        *((key, number(count)) for key, count in counts if count),
        ("sources", number(dataset.sources)),
        *([("speakers", number(dataset.speakers))] if dataset.speakers is not None else []),
        *([("languages", Text(", ".join(languages), ", ".join(korean)))] if dataset.languages else []),
        ("seconds", duration(dataset.seconds)),
        ("sha", dataset.sha256),
    ]
    return [(words(f"ev_set_{key}"), value) for key, value in rows]


def identity_rows(evaluation: Evaluation) -> Rows:
    """Versions, seed, and where everything lies."""
    outputs = evaluation.outputs
    rows: list[tuple[str, str | Text]] = [
        ("ev_identity_id", evaluation.evaluation_id),
        ("ev_identity_created", moment(evaluation.created)),
        ("identity_version", evaluation.code_version),
        ("identity_lock", evaluation.lock_sha256 or UNDEFINED),
        ("ev_identity_seed", str(evaluation.seed)),
        ("ev_identity_inferred", number(evaluation.inferred)),
        ("ev_identity_cached", number(evaluation.cached)),
        ("ev_identity_seconds", duration(evaluation.seconds)),
        *(
            [("ev_identity_report", outputs.report), ("ev_identity_predictions", outputs.predictions)]
            if outputs
            else []
        ),
    ]
    return [(words(key), visible(value) if isinstance(value, str) else value) for key, value in rows]


def settings_text(evaluation: Evaluation) -> str:
    """The settings as YAML, or nothing."""
    settings = evaluation.model_dump(mode="json")["settings"]
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True) if settings else ""


def command_line(evaluation: Evaluation) -> str:
    """The command that asks for the same, from the settings (the fields of `EvaluateRequest`)."""
    asked = evaluation.settings
    parts = ["seraph", "evaluate", "--labels", *asked.get("labels", evaluation.dataset.files)]
    parts += ["--models", *asked["models"]] if asked.get("models") else []
    parts += ["--recorded"] if asked.get("recorded") else []
    options = {key: asked.get(key) for key in ("media", "modality")}
    options["audio-weight"] = asked.get("audio_weight") if asked.get("modality") == "fused" else None
    options["config"] = asked.get("config", {}).get("name") if isinstance(asked.get("config"), dict) else None
    options["seed"] = evaluation.seed or None
    for key, value in options.items():
        parts += [f"--{key}", str(value)] if value is not None else []
    return visible(shlex.join(parts))


def weights(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """Of each candidate that has weights: its name, revision and hash."""
    return [
        (visible(each.model), visible(each.revision or UNDEFINED), each.weights_sha256)
        for each in evaluation.models
        if each.weights_sha256
    ]
