"""The report of one re-evaluation: gathers what the page shows and fills the template."""

import shlex
from urllib.parse import quote

from tasks.reevaluation.result import Reevaluation
from tasks.report.evaluation.figures import signed
from tasks.report.evaluation.reproduce import Rows
from tasks.report.findings import Finding
from tasks.report.frame import environment, frame, moment
from tasks.report.reevaluation import tables
from tasks.report.words import Text, number, shortened, visible, words


def build_reevaluation_page(found: Reevaluation) -> str:
    """Build the report of a re-evaluation.

    Its links are relative: the page lies in `reevaluations/<id>/`, beside `evaluations/` and `tunings/`.

    Args:
        found: What was found.

    Returns:
        One HTML file, in English and Korean, that asks the network for nothing.
    """
    page = environment().get_template("reevaluation/page.html")
    return page.render(
        **frame(["report.css", "evaluation/page.css", "reevaluation/page.css"], ["report.js", "evaluation/page.js"]),
        page_title=words("re_page_title", id=visible(found.reevaluation_id)),
        labels=visible(found.labels.uri),
        subject=visible(found.config.name),
        verdict=headline(found),
        besides=[_both(each.text, each.text_ko) for each in found.recommendation[1:]],
        updated=words("re_updated", n=found.n, id=visible(found.reevaluation_id), created=moment(found.created),
                      sources=found.sources),
        banners=banners(found),
        labels_said=labels_said(found),
        counts=tables.counts(found),
        came=tables.came(found),
        files=[visible(each) for each in found.labels.files],
        problems=[shortened(visible(each), tables.MAX_REASON) for each in found.labels.problems],
        rivals=tables.rivals(found),
        evaluated=_both(found.verdict, found.verdict_ko),
        evaluation_link=f"../../evaluations/{quote(found.evaluation_id, safe='')}/report.html",
        then=tables.then_and_now(found),
        tuned=_both(found.tuning.reason, found.tuning.reason_ko),
        gain=_gain(found),
        tuning_link=_tuning_link(found),
        not_promoted=_both(found.not_promoted, found.not_promoted_ko) if found.not_promoted else None,
        identity=_identity(found),
        command=_command(found),
    )  # fmt: skip


def headline(found: Reevaluation) -> Text:
    """The recommendation."""
    first = found.recommendation[0]
    return _both(first.text, first.text_ko)


def banners(found: Reevaluation) -> list[Finding]:
    """What must be known first, the gravest first."""
    failed = [each for each in found.candidates if each.named and each.status != "ok"]
    demo = any("demo_model" in each.flags for each in found.candidates)
    said = [Finding(words("re_warn_demo"), grave=True)] if demo else []
    said += [Finding(words("re_warn_failed", n=len(failed)))] if failed else []
    said += [Finding(words("re_warn_problems", n=len(found.labels.problems)))] if found.labels.problems else []
    return said + ([Finding(words("re_warn_fitted", n=found.fitted_on))] if found.fitted_on else [])


def labels_said(found: Reevaluation) -> list[Text]:
    """Which labels came, in a sentence or two."""
    labels = found.labels
    if labels.since is None:
        return [words("re_labels_unknown" if found.last else "re_labels_first", n=labels.said)]
    changes = {"added": labels.added, "changed": labels.changed, "withdrawn": labels.withdrawn}
    since = words("re_labels_since", **changes) if any(changes.values()) else words("re_labels_same")
    return [since, words("re_labels_said", n=labels.said)]


def _both(en: str | None, ko: str | None) -> Text:
    return Text(visible(en or ""), visible(ko or en or ""))


def _gain(found: Reevaluation) -> Text | None:
    tuned = found.tuning
    if tuned.gain is None:
        return None
    interval = f" [{signed(tuned.gain_ci[0])}, {signed(tuned.gain_ci[1])}]" if tuned.gain_ci else ""
    return words("re_tuning_gain", gain=signed(tuned.gain) + interval)


def _tuning_link(found: Reevaluation) -> str | None:
    name = found.tuning.tuning_id
    return None if name is None else f"../../tunings/{quote(name, safe='')}/report.html"


def _identity(found: Reevaluation) -> Rows:
    rows: list[tuple[str, str | None]] = [
        ("re_identity_id", found.reevaluation_id),
        ("re_identity_config", f"{found.config.name} ({found.config.hash})"),
        ("re_identity_media", found.media),
        ("re_identity_snapshot", found.labels.snapshot_uri),
        ("re_identity_evaluation", found.evaluation_id),
        ("re_identity_tuning", found.tuning.tuning_id),
        ("re_identity_last", found.last),
        ("re_identity_inferred", number(found.inferred)),
        ("ev_identity_seed", str(found.seed)),
        ("identity_version", found.code_version),
        ("identity_lock", found.lock_sha256),
        ("re_identity_record", found.outputs.reevaluation),
    ]
    return [(words(key), visible(value)) for key, value in rows if value]


def _command(found: Reevaluation) -> str:
    """The command that asks for the same, from the settings (the fields of `ReevaluateRequest`)."""
    asked = found.settings
    parts = ["seraph", "reevaluate"]
    for key in ("labels", "media", "results", "config"):
        parts += [f"--{key}", str(asked[key])] if asked.get(key) else []
    parts += ["--models", *map(str, asked["models"])] if asked.get("models") else []
    parts += ["--no-tune"] if asked.get("tune") is False else []
    parts += ["--seed", str(found.seed)] if found.seed else []
    return visible(shlex.join([*parts, "--force"]))
