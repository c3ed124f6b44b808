"""Router audit: what each language's segments score under the other languages' models, and what misrouting cost.

Needs the language of segments from the labels; the detector's own word cannot convict it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from infra.location import short_path
from tasks.evaluation.answers import Answers
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import RouteCell, Router
from tasks.numerics.metrics import measure

Bools = npt.NDArray[np.bool_]


def route_models(candidate: Candidate) -> tuple[str, ...]:
    """The models of a configuration with several routes, as candidates of their own: what the audit needs."""
    routes = candidate.config.routes.values()
    names = {f"{each.model}@{each.revision}" if each.revision else short_path(each.model): None for each in routes}
    return tuple(names) if candidate.kind == "system" and len(names) > 1 else ()


def audit(segments: Segments, candidate: Candidate, system: Answers, answers: Sequence[Answers]) -> Router | None:
    """Audit one configuration; None where its models were not all heard on their own.

    Args:
        segments: With the language of each, where the labels say it.
        candidate: The configuration.
        system: What it answered.
        answers: What all candidates answered.
    """
    by_language = _models(candidate, answers)
    if by_language is None:
        return None
    languages = [each if each in by_language else None for each in segments.language.tolist()]
    known = np.array([each is not None for each in languages], dtype=bool)
    cells = tuple(
        _cell(segments, language, model, candidate)
        for language in sorted(by_language)
        for model in {each.name: each for each in by_language.values()}.values()
    )
    if not known.any():
        reason = "the labels do not say which language a segment is in"
        undefined = dict.fromkeys(("accuracy", "accuracy_oracle", "cost"), reason)
        return Router(
            system=system.name, cells=cells, n=0, misrouted=0, quarantined=0, accuracy=None, accuracy_oracle=None,
            cost=None, undefined=undefined,
        )  # fmt: skip
    heard = [pair[0] if pair else None for pair in system.heard_as]
    wrong = [own is not None and to is not None and own != to for own, to in zip(languages, heard, strict=True)]
    routed = float((system.prediction == segments.truth)[known].mean())
    oracle = float(_oracle(segments, languages, by_language)[known].mean())
    return Router(
        system=system.name,
        cells=cells,
        n=int(known.sum()),
        misrouted=sum(wrong),
        quarantined=int((system.unscored & known).sum()),
        accuracy=routed,
        accuracy_oracle=oracle,
        cost=oracle - routed,
    )


def _models(candidate: Candidate, answers: Sequence[Answers]) -> Mapping[str, Answers] | None:
    """The candidate that is each route's model alone, by language."""
    alone = {sha: each for each in answers if each.kind == "model" for sha in each.specs}
    found = {language: alone.get(each.weights_sha256) for language, each in candidate.identities.items()}
    known = {language: each for language, each in found.items() if each is not None}
    return known if len(known) == len(found) else None


def _cell(segments: Segments, language: str, model: Answers, candidate: Candidate) -> RouteCell:
    rows = np.array([each == language for each in segments.language.tolist()], dtype=bool)
    own = candidate.identities[language].weights_sha256 in model.specs
    if not rows.any():
        return RouteCell(language=language, model=model.name, own=own, n=0, accuracy=None, uar=None)
    metrics = measure(segments.truth[rows], model.prediction[rows])
    return RouteCell(
        language=language, model=model.name, own=own, n=metrics.n, accuracy=metrics.accuracy, uar=metrics.uar
    )


def _oracle(segments: Segments, languages: Sequence[str | None], by_language: Mapping[str, Answers]) -> Bools:
    right = np.zeros(len(segments), dtype=bool)
    for language, model in by_language.items():
        rows = np.array([each == language for each in languages], dtype=bool)
        right[rows] = (model.prediction == segments.truth)[rows]
    return right
