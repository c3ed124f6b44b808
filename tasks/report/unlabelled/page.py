"""The page of a survey: gathers what it shows, the warning lights first, and fills the template."""

from collections import Counter
from typing import Any

from tasks.evaluation.unlabelled.record import Level, Light, Survey
from tasks.records.run import code_version
from tasks.report import palette
from tasks.report.frame import environment, frame
from tasks.report.unlabelled import tables
from tasks.report.unlabelled.tables import name
from tasks.report.words import Text, named, visible, words

_LIT: tuple[Level, ...] = ("red", "amber", "grey")


def build_survey_page(survey: Survey) -> str:
    """Build the page of a survey.

    Args:
        survey: What was found.

    Returns:
        One HTML file, in English and Korean, that asks the network for nothing.
    """
    page = environment().get_template("unlabelled/page.html")
    return page.render(
        **frame(["report.css", "unlabelled/page.css"], ["report.js"]),
        **_said_first(survey),
        **_tables(survey),
        survey=survey,
        legend=[(index, named("emotion", each)) for index, each in enumerate(palette.CATEGORIES)],
        version=code_version(),
    )


def _said_first(survey: Survey) -> dict[str, Any]:
    names = ", ".join(name(each.name).text for each in survey.configurations)
    levels = Counter(light.level for light in survey.lights)
    reference = survey.reference
    return {
        "names": names,
        "page_title": words("un_page_title", names=names),
        "verdict": words("un_head", **{level: levels[level] for level in (*_LIT, "green")}),
        "standing": Text(survey.standing, survey.standing_ko),
        "compared": reference and words("un_compared", name=name(reference.name).text, n=reference.said.segments),
        "lit": [(each.level, _sentence(each)) for each in survey.lights if each.level in _LIT],
        "green": [(each.level, _sentence(each)) for each in survey.lights if each.level not in _LIT],
    }


def _tables(survey: Survey) -> dict[str, Any]:
    reference = survey.reference
    return {
        "overview": tables.overview(survey),
        "shares": tables.shares_tables(survey),
        "confidence": tables.spreads(survey, lambda figures: figures.confidence, 2),
        "entropy": tables.spreads(survey, lambda figures: figures.entropy, 2),
        "models": tables.models(survey),
        "drifts": tables.drifts(survey),
        "reference": None if reference is None else name(reference.name),
        "pairs": tables.pairs(survey),
        "consensus": tables.consensus(survey.consensus) if survey.consensus and survey.consensus.segments else None,
        "places": tables.places(survey),
        "undefined": [(words(f"un_open_{key}"), visible(why)) for key, why in survey.undefined.items()],
    }


def _sentence(light: Light) -> Text:
    return Text(light.text, light.text_ko)
