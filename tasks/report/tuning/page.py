"""The report of one tuning: gathers what the page shows and fills the template."""

from typing import Any

from tasks.report.evaluation.figures import figure
from tasks.report.evaluation.phrases import phrase
from tasks.report.evaluation.reliability import diagram
from tasks.report.evaluation.reproduce import set_rows
from tasks.report.evaluation.worst import problem_table
from tasks.report.frame import environment, frame, moment
from tasks.report.tuning import drawings, reproduce, said, surfaces, tables
from tasks.report.tuning.terms import better_is_less, title
from tasks.report.words import Text, percent, visible, words
from tasks.tuning.result import Calibration, Tuning


def build_tuning_page(tuning: Tuning) -> str:
    """Build the report of a tuning.

    Args:
        tuning: What was found.

    Returns:
        One HTML file, in English and Korean, that asks the network for nothing.
    """
    styles = ["report.css", "evaluation/page.css", "tuning/page.css"]
    page = environment().get_template("tuning/page.html")
    return page.render(
        **frame(styles, ["report.js", "evaluation/page.js"]),
        **_said_first(tuning),
        **_drawn(tuning),
        **_told(tuning),
        tuning=tuning,
    )


def _said_first(tuning: Tuning) -> dict[str, Any]:
    name = visible(tuning.tuning_id)
    counts = {"n": tuning.dataset.n, "sources": tuning.sources, "folds": tuning.folds}
    return {
        "page_title": words("tu_page_title", id=name),
        "subject": visible(tuning.subject),
        "labels": visible(", ".join(tuning.dataset.files)),
        "verdict": said.headline(tuning),
        "reason": said.reason(tuning),
        "updated": words("tu_updated", id=name, created=moment(tuning.created), **counts),
        "banners": said.warnings(tuning),
        "notes": said.notes(tuning),
    }


def _drawn(tuning: Tuning) -> dict[str, Any]:
    return {
        "objective": title(tuning.objective),
        "turned": better_is_less(tuning.objective),
        "reality_said": said.reality(tuning),
        "reality": drawings.reality(tuning),
        "luck_said": said.luck(tuning),
        "histogram": drawings.histogram(tuning.luck, tuning.objective),
        "figures": tables.figures(tuning),
        "parameters": tables.parameters(tuning),
        "stability": words("tu_stability", share=percent(tuning.stability)),
        "curves": surfaces.curves(tuning),
        "surface": surfaces.surface(tuning),
        "languages": tables.languages(tuning),
        "fusion": tables.fusion(tuning),
        "calibration": tuning.calibration and _calibration(tuning.calibration),
    }


def _told(tuning: Tuning) -> dict[str, Any]:
    return {
        "set_rows": set_rows(tuning.dataset),
        "problems": problem_table(tuning.dataset),
        "configuration": reproduce.configuration(tuning),
        "promote": reproduce.promote_command(tuning),
        "command": reproduce.command_line(tuning),
        "aliases": reproduce.aliases(tuning),
        "identity": reproduce.identity_rows(tuning),
        "grid": reproduce.grid_text(tuning),
        "settings": reproduce.settings_text(tuning),
        "undefined": [(_undefined(key), phrase(why)) for key, why in tuning.undefined.items()],
    }


def _calibration(found: Calibration) -> dict[str, Any]:
    """The sentences, and of each of the two diagrams its title, figures and points."""
    both = (
        ("tu_before", found.reliability_before, found.before, found.ece_before),
        ("tu_after", found.reliability_after, found.after, found.ece_after),
    )
    return {
        "said": said.calibration(found),
        "diagrams": [
            (words(name), words("tu_calibration_figures", entropy=figure(entropy), ece=figure(ece)), diagram(bins))
            for name, bins, entropy, ece in both
            if any(each.n for each in bins)
        ],
    }


def _undefined(key: str) -> Text:
    """What an undefined figure is called: `nested.uar` is the UAR on held-out segments."""
    where, _, figure_key = key.partition(".")
    place = {"default": "tu_default", "apparent": "tu_apparent", "nested": "tu_nested", "gains": "tu_nested_gain"}
    if where in place:
        return words(place[where]).joined(title(figure_key), ": ") if figure_key else words(place[where])
    return words("tu_labels_to_decide") if key == "labels_to_decide" else title(key)
