"""The report of one evaluation: gathers what the page shows and fills the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.contract import TAXONOMY
from tasks.evaluation.result import Evaluation, Raters, Router
from tasks.report.evaluation import reproduce
from tasks.report.evaluation.candidates import candidate_table, in_order
from tasks.report.evaluation.details import all_details, figure_name
from tasks.report.evaluation.figures import Name, candidate_names, emotion, figure, shown_name, signed
from tasks.report.evaluation.findings import banners, cautions, settling
from tasks.report.evaluation.pairs import agreement_table, pair_table
from tasks.report.evaluation.phrases import phrase, phrases
from tasks.report.evaluation.worst import MAX_WORST, problem_table, worst_rows
from tasks.report.frame import environment, frame, moment
from tasks.report.words import Text, named, number, visible, words


@dataclass(frozen=True)
class RouterTable:
    """Languages by models: per language its cells (accuracy, UAR, segments, whether routed there), and the cost."""

    system: Text
    models: tuple[Text, ...]
    rows: tuple[tuple[Text, tuple[tuple[str, str, str, bool] | None, ...]], ...]
    cost: Text
    why: Text


def build_evaluation_page(evaluation: Evaluation, media: Mapping[str, Path]) -> str:
    """Build the report of an evaluation.

    Args:
        evaluation: What was found.
        media: The media files at hand, by `Segment.uri` (by `Segment.media` where that is None): the worst segments of
            these can be played from the page.

    Returns:
        One HTML file, in English and Korean, that asks the network for nothing.
    """
    names = candidate_names(in_order(evaluation))
    worst = worst_rows(evaluation, names, media)
    playable = any(each.play for each in worst)
    shared = frame(
        ["report.css", "evaluation/page.css"],
        ["report.js", "evaluation/page.js"],
        local_media=playable,
    )
    page = environment().get_template("evaluation/page.html")
    return page.render(
        **shared,
        **_said_first(evaluation),
        **_tables(evaluation, names),
        worst=worst,
        max_worst=MAX_WORST,
        playable=playable,
    )


def _said_first(evaluation: Evaluation) -> dict[str, Any]:
    dataset = evaluation.dataset
    key = "ev_updated" if dataset.sources else "ev_updated_no_media"
    about: dict[str, Any] = {
        "id": visible(evaluation.evaluation_id),
        "created": moment(evaluation.created),
        "n": dataset.n,
    }
    return {
        "evaluation": evaluation,
        "page_title": words("ev_page_title", id=visible(evaluation.evaluation_id)),
        "updated": words(key, sources=dataset.sources, **about),
        "labels": visible(", ".join(dataset.files)),
        "verdict": Text(visible(evaluation.verdict), visible(evaluation.verdict_ko)),
        "banners": banners(evaluation),
        "cautions": cautions(evaluation),
    }


def _tables(evaluation: Evaluation, names: Mapping[str, Name]) -> dict[str, Any]:
    return {
        "table": candidate_table(evaluation, names),
        "pairs": pair_table(evaluation, names),
        "agreement": agreement_table(evaluation, names),
        "settling": settling(evaluation, names),
        "details": all_details(evaluation, names),
        "emotions": [emotion(each) for each in (*TAXONOMY, None)],
        "routers": [_router(each) for each in evaluation.router],
        "raters": _raters(evaluation.raters),
        "problems": problem_table(evaluation.dataset),
        "set_rows": reproduce.set_rows(evaluation.dataset),
        "identity": reproduce.identity_rows(evaluation),
        "settings": reproduce.settings_text(evaluation),
        "command": reproduce.command_line(evaluation),
        "weights": reproduce.weights(evaluation),
        "undefined": [(figure_name(key), phrase(why)) for key, why in evaluation.undefined.items()],
    }


def _router(router: Router) -> RouterTable:
    models = tuple(dict.fromkeys(each.model for each in router.cells))
    cells = {
        (each.language, each.model): (figure(each.accuracy), figure(each.uar), number(each.n), each.own)
        for each in router.cells
    }
    languages = dict.fromkeys(each.language for each in router.cells)
    return RouterTable(
        system=words("ev_router_system", system=shown_name(router.system)),
        models=tuple(shown_name(each) for each in models),
        rows=tuple((named("language", code), tuple(cells.get((code, each)) for each in models)) for code in languages),
        cost=words(
            "ev_router_cost",
            misrouted=router.misrouted,
            n=router.n,
            quarantined=router.quarantined,
            accuracy=figure(router.accuracy),
            oracle=figure(router.accuracy_oracle),
            cost=signed(router.cost).removeprefix("+"),
        ),
        why=phrases(router.undefined.values()),
    )


def _raters(raters: Raters | None) -> tuple[Text, Text, Text] | None:
    """What is said of the raters, and the reasons for its dashes."""
    if raters is None:
        return None
    alpha = words("ev_raters_alpha", raters=raters.raters, segments=raters.segments, alpha=figure(raters.alpha))
    ceiling = words("ev_raters_ceiling", ceiling=figure(raters.ceiling))
    return alpha, ceiling, phrases(raters.undefined.values())
