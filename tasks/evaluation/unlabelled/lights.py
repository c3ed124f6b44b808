"""The warning lights: what a reader should look at before trusting scores that nobody has labelled.

Owns from where on a light is lit. Each says its figure and its band; the words lie in tasks/report/unlabelled/. A light
is grey where there are too few segments to say, and no light is a statement about accuracy.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.record import (
    Configuration,
    Figures,
    Level,
    Light,
    ModelFigures,
    Pair,
    PairFigures,
    ReferenceFigures,
    Shift,
)
from tasks.numerics.alarms import NEAR_UNIFORM, ONE_CLASS, ONE_CLASS_SHARE, many
from tasks.numerics.intervals import wilson_bounds
from tasks.report.findings import LANGUAGE_SHARE, NEUTRAL_SHARE, SHORT_SHARE, UNDECIDED_SHARE
from tasks.report.words import Text, named, number, percent, shortened, visible, words

LEAST_DIVERSITY = 2.0
"""Fewer effective emotions than these are unusual."""
ENOUGH: Final = many(len(TAXONOMY))
"""Segments from which on a light may be green."""
MUCH_CHANGE = 0.25
"""Population stability index that by custom counts as much change."""
FAIR_KAPPA = 0.4
SLIGHT_KAPPA = 0.1
"""Below the first, configurations agree little; below the second, hardly better than chance."""

_GRAVITY: tuple[Level, ...] = ("red", "amber", "grey", "green")
_MAX_NAME = 60


def lights(
    configurations: Sequence[Configuration], reference: ReferenceFigures | None, pairs: Sequence[PairFigures]
) -> tuple[Light, ...]:
    """All lights, the gravest first, then in the order of the configurations."""
    found = [light for each in configurations for light in _of_configuration(each, reference)]
    found += [_agreement(pair) for pair in pairs]
    return tuple(sorted(found, key=lambda light: _GRAVITY.index(light.level)))


def _of_configuration(configuration: Configuration, reference: ReferenceFigures | None) -> Iterator[Light]:
    name = configuration.name
    if not configuration.figures.segments:
        yield _light("grey", "nothing_scored", words("un_nothing_scored"), name)
        return
    for model in configuration.models:
        yield from _of_model(model, name)
    yield from _of_shares(configuration.figures, name)
    if reference is not None:
        yield from (_drift(shift, reference, name) for shift in configuration.drift)


# -- a model's own labels ----------------------------------------------------------------------------------------------


def _of_model(model: ModelFigures, name: str) -> Iterator[Light]:
    shown = _shown(model.model)
    if model.enough is None or model.information is None or model.information_bound is None:
        yield _light("grey", NEAR_UNIFORM, words("un_model_unknown", model=shown), name)
        return
    few = model.segments < model.enough
    facts = words(
        "un_near_uniform", model=shown, figure=number(model.information, 3), bound=number(model.information_bound, 3)
    )
    yield _alarm(NEAR_UNIFORM, facts, model, few, name)
    facts = words(
        "un_one_class",
        model=shown,
        share=percent(model.label_share),
        label=_shown(model.label or ""),
        bound=percent(ONE_CLASS_SHARE),
    )
    yield _alarm(ONE_CLASS, facts, model, few, name)


def _alarm(alarm: str, facts: Text, model: ModelFigures, few: bool, name: str) -> Light:
    if few:
        return _light("grey", alarm, facts.joined(words("un_few", n=model.segments, enough=model.enough or 0)), name)
    if alarm in model.alarms:
        return _light("red", alarm, facts.joined(words(f"un_{alarm}_red")), name)
    return _light("green", alarm, facts, name)


# -- shares of one corpus ----------------------------------------------------------------------------------------------


def _of_shares(figures: Figures, name: str) -> Iterator[Light]:
    said = figures.said
    decided = said.segments - said.undecided
    for code, share, n, least in (
        ("neutral", said.neutral_rate, decided, NEUTRAL_SHARE),
        ("undecided", said.undecided / said.segments, said.segments, UNDECIDED_SHARE),
        ("short", figures.short_rate, figures.segments, SHORT_SHARE),
        ("language", figures.uncertain_rate, figures.segments, LANGUAGE_SHARE),
    ):
        if share is not None:
            band = wilson_bounds(share, n)
            facts = words(f"un_{code}", share=percent(share), range=_range(band), bound=percent(least))
            yield _judged(code, _beyond(band, least, above=True), facts, n, name)
    if said.diversity is not None and said.diversity_ci is not None:
        used, span = number(said.diversity, 2), f"{said.diversity_ci[0]:.2f}–{said.diversity_ci[1]:.2f}"
        facts = words("un_diversity", figure=used, range=span, bound=number(LEAST_DIVERSITY, 1))
        yield _judged("diversity", _beyond(said.diversity_ci, LEAST_DIVERSITY, above=False), facts, decided, name)


def _beyond(band: Pair, bound: float, *, above: bool) -> bool | None:
    """Whether a band lies beyond a bound; None where it lies across it."""
    low, high = band
    if low >= bound:
        return above
    return not above if high < bound else None


def _judged(code: str, beyond: bool | None, facts: Text, n: int, name: str) -> Light:
    if beyond is None or n < ENOUGH:
        return _light("grey", code, facts.joined(words("un_cannot_say", n=n)), name)
    if beyond:
        return _light("amber", code, facts.joined(words(f"un_{code}_amber")), name)
    return _light("green", code, facts, name)


# -- drift -------------------------------------------------------------------------------------------------------------


def _drift(shift: Shift, reference: ReferenceFigures, name: str) -> Light:
    code = "drift_languages" if shift.of == "languages" else "drift_language" if shift.language else "drift"
    language = named("language", shift.language or "")
    against = _shown(reference.name)
    if shift.jensen_shannon is None or shift.jensen_shannon_band is None or shift.population_stability_band is None:
        few = words(f"un_{code}_unknown", language=language, reference=against, n=shift.current, before=shift.reference)
        return _light("grey", code, few, name)
    facts = words(
        f"un_{code}",
        language=language,
        reference=against,
        figure=number(shift.jensen_shannon, 4),
        bound=number(shift.jensen_shannon_band[1], 4),
        psi=number(shift.population_stability_index, 3),
    )
    level = _drift_level(shift, shift.population_stability_band)
    return _light(level, code, facts.joined(words(f"un_drift_{level}", n=shift.current)), name)


def _drift_level(shift: Shift, chance: Pair) -> Level:
    much = (shift.population_stability_index or 0.0) >= MUCH_CHANGE
    if shift.verdict == "drifted":
        # Other languages than before are no fault of a model.
        return "red" if much and shift.of == "emotions" else "amber"
    return "grey" if chance[1] > MUCH_CHANGE else "green"


# -- two configurations ------------------------------------------------------------------------------------------------


def _agreement(pair: PairFigures) -> Light:
    about = (pair.a, pair.b)
    if not pair.shared:
        return _light("grey", "agreement", words("un_not_shared"), *about)
    if pair.agreement is None or pair.agreement_ci is None:
        return _light("grey", "agreement", words("un_agreement_unknown", n=pair.shared), *about)
    share, span = percent(pair.agreement), _range(pair.agreement_ci)
    if pair.kappa is None or pair.kappa_ci is None:
        facts = words("un_agreement_one", n=pair.n, share=share, range=span)
        return _light("grey", "agreement", facts, *about)
    kappa = f"{pair.kappa:.2f} [{pair.kappa_ci[0]:.2f}, {pair.kappa_ci[1]:.2f}]"
    facts = words("un_agreement", n=pair.n, share=share, range=span, kappa=kappa, bound=number(FAIR_KAPPA, 1))
    level = _agreement_level(pair.kappa_ci, pair.n)
    return _light(level, "agreement", facts.joined(words(f"un_agreement_{level}", n=pair.n)), *about)


def _agreement_level(band: Pair, n: int) -> Level:
    if n < ENOUGH:
        return "grey"
    if band[1] < SLIGHT_KAPPA:
        return "red"
    little = _beyond(band, FAIR_KAPPA, above=False)
    return "grey" if little is None else "amber" if little else "green"


# -- wording -----------------------------------------------------------------------------------------------------------


def _light(level: Level, code: str, said: Text, *about: str) -> Light:
    names = _listed(_shown(each) for each in about)
    whole = words("un_light", names=names, said=said)
    return Light(level=level, code=code, text=whole.en, text_ko=whole.ko, about=about)


def _listed(names: Iterable[str]) -> str:
    return " / ".join(names)


def _shown(name: str) -> str:
    return shortened(visible(name), _MAX_NAME)


def _range(band: Pair) -> str:
    return f"{percent(band[0])}–{percent(band[1])}"
