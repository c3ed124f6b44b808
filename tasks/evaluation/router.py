"""Router audit: what each language's segments score under the other languages' models, and what misrouting cost.

Needs the language of segments from the labels; the detector's own word cannot convict it. What a route's model says
alone is decided anew, as the configuration decides that route: misrouting costs what another model costs, and no more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from infra.location import short_path
from tasks.evaluation.answers import Answers
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import RouteCell, Router
from tasks.numerics.decision import emotion_posterior
from tasks.numerics.metrics import UNDECIDED, measure

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


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
    models = _models(candidate, answers)
    if models is None:
        return None
    said = {language: _decided(models[language], candidate, language) for language in sorted(models)}
    spoken = np.array([_code(each) for each in segments.language.tolist()], dtype=np.object_)
    rows = {language: np.asarray(spoken == language, dtype=bool) for language in said}
    known = np.asarray(np.stack(list(rows.values())).any(axis=0))
    right = {language: np.asarray(each == segments.truth) for language, each in said.items()}
    cells = tuple(_cells(segments, candidate, models, said, rows))
    if not known.any():
        reason = "the labels do not say which language a segment is in"
        undefined = dict.fromkeys(("accuracy", "accuracy_oracle", "cost"), reason)
        return Router(
            system=system.name, cells=cells, n=0, misrouted=0, quarantined=0, accuracy=None, accuracy_oracle=None,
            cost=None, undefined=undefined,
        )  # fmt: skip
    # By the audio alone, as the models are asked on their own: what text adds or costs is no matter of routing.
    routed = float((system.by_audio == segments.truth)[known].mean())
    oracle = sum(int(right[language][own].sum()) for language, own in rows.items()) / int(known.sum())
    return Router(
        system=system.name,
        cells=cells,
        n=int(known.sum()),
        misrouted=sum(_misrouted(system, candidate, language, own) for language, own in rows.items()),
        quarantined=0 if system.in_doubt is None else int((system.in_doubt & known).sum()),
        accuracy=routed,
        accuracy_oracle=oracle,
        cost=oracle - routed,
    )


def _models(candidate: Candidate, answers: Sequence[Answers]) -> Mapping[str, Answers] | None:
    """The candidate that is each route's model alone, by language."""
    alone = {sha: each for each in answers if each.kind == "model" and each.logits for sha in each.specs}
    found = {language: alone.get(each.weights_sha256) for language, each in candidate.identities.items()}
    known = {language: each for language, each in found.items() if each is not None}
    return known if len(known) == len(found) else None


def _decided(model: Answers, candidate: Candidate, language: str) -> Ints:
    """What a model alone says, decided as the configuration decides `language`; -1 where undecided, shape (n,)."""
    (spec,) = model.specs.values()
    rows = np.flatnonzero([each is not None for each in model.logits])
    logits = np.array([each for each in model.logits if each is not None], dtype=np.float32)
    posterior = emotion_posterior(logits, spec, candidate.decisions.of(language))
    lost = np.asarray(np.isnan(posterior).any(axis=1))
    prediction = np.full(len(model.logits), UNDECIDED)
    prediction[rows] = np.where(lost, UNDECIDED, np.where(lost[:, None], 0.0, posterior).argmax(axis=1))
    return prediction


def _cells(
    segments: Segments,
    candidate: Candidate,
    models: Mapping[str, Answers],
    said: Mapping[str, Ints],
    rows: Mapping[str, Bools],
) -> Iterator[RouteCell]:
    """Each language's segments under each model; one that serves several languages is decided as for its own first."""
    identities = candidate.identities
    routes = {identities[language].weights_sha256: language for language in sorted(said, reverse=True)}
    for language, own in rows.items():
        for sha, route in sorted(routes.items(), key=lambda item: item[1]):
            mine = sha == identities[language].weights_sha256
            yield _cell(segments, language, models[route].name, said[language if mine else route], own, mine=mine)


def _cell(segments: Segments, language: str, model: str, said: Ints, rows: Bools, *, mine: bool) -> RouteCell:
    if not rows.any():
        return RouteCell(language=language, model=model, own=mine, n=0, accuracy=None, uar=None)
    metrics = measure(segments.truth[rows], said[rows])
    return RouteCell(language=language, model=model, own=mine, n=metrics.n, accuracy=metrics.accuracy, uar=metrics.uar)


def _misrouted(system: Answers, candidate: Candidate, language: str, rows: Bools) -> int:
    """Segments of a language that another language's model heard."""
    own = candidate.identities[language].weights_sha256
    heard = (system.heard_as[row] for row in np.flatnonzero(rows).tolist())
    return sum(pair is not None and pair[1] != own for pair in heard)


def _code(language: str | None) -> str | None:
    """`en` of `EN`, `en-US`, `en_US`."""
    return None if language is None else re.split("[-_]", language.strip().casefold())[0]
