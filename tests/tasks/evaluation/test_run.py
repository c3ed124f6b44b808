"""Evaluations of candidates that hear labelled media, up to the stored record.

Those of recorded scores are in test_run_recorded.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.contract import Reason
from infra.errors import CheckpointError, InputError, WeightsAbsentError
from infra.services import Services
from infra.shelf import FolderShelf
from tasks.config.scoring import load_config
from tasks.evaluation.archive import Archive
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.gather import find_media, gather
from tasks.evaluation.hear import OpenPool
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import BASELINES, ModelResult
from tasks.evaluation.run import Opened, conclude, hear_candidate
from tasks.tables import from_parquet
from tests.support.evaluation import (
    ACCESS,
    Model,
    PoolStandIn,
    alone,
    labelled,
    line,
    model,
    says,
    sure,
    system,
)
from tests.support.stores import info

TRUTH = ["neutral"] * 20 + ["angry"] * 3 + ["happy"] * 2 + ["sad"] * 2 + ["surprise"] * 2 + ["fear"] * 2
MEDIA = tuple(f"m{row}.wav" for row in range(6))
REFUSED = ModelResult(model="broken", kind="model", status="refused", reason="the head has 5 outputs")


def uri(media: str) -> str:
    return f"s3://media/{media}"


@dataclass
class Bench:
    """Labelled media, and everything that an evaluation on them needs, without a service."""

    folder: Path
    lines: Sequence[bytes] = tuple(line(MEDIA[row % 6], row * 4, row * 4 + 3, each) for row, each in enumerate(TRUTH))

    def opened(self, *candidates: Candidate | ModelResult) -> Opened:
        segments, found = find_media(gather([labelled(*self.lines)]), [info(uri(each)) for each in MEDIA])
        names = tuple(each.name if isinstance(each, Candidate) else each.model for each in candidates)
        request = EvaluateRequest(labels=("labels.jsonl",), models=names, media="s3://media", config="demo")
        shelf = FolderShelf(self.folder)
        services = Services(store=ACCESS, local_store=None, prefect_api_url="", ray_address="")
        return Opened(
            "20260101T000000-abcdef", 0.0, request, load_config("demo"), segments, tuple(found), candidates, services,
            Archive(shelf), HeardCache(shelf),
        )  # fmt: skip

    def evaluate(self, actors: OpenPool, *candidates: Candidate | ModelResult) -> Evaluation:
        opened = self.opened(*candidates)
        heard = {each.name: hear_candidate(opened, each, actors) for each in candidates if isinstance(each, Candidate)}
        return conclude(opened, heard)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def pool(*models: Model, **options: Any) -> PoolStandIn:
    return PoolStandIn({uri(each): each for each in MEDIA}, *models, **options)


def knowing(name: str) -> Model:
    """A model that hears what the labels say."""
    return model(name, lambda content, span: sure(TRUTH[round(span.start_s / 4)]))


def rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(each.model, each.status) for each in evaluation.models if each.model not in BASELINES]


def test_candidates_are_rows_in_the_order_in_which_they_were_named(bench: Bench) -> None:
    good, poor = knowing("good"), model("poor", says("happy"))

    evaluation = bench.evaluate(pool(good, poor), alone(poor), REFUSED, alone(good))

    assert rows(evaluation) == [("poor", "ok"), ("broken", "refused"), ("good", "ok")]
    assert (evaluation.model("good").accuracy, evaluation.model("poor").accuracy) == (1.0, 2 / 31)
    assert (evaluation.inferred, evaluation.cached) == (62, 0)
    assert "good is better than the other candidate." in evaluation.verdict
    assert any("broken" in each for each in evaluation.notes)


def test_a_head_with_random_weights_is_called_out_first(bench: Bench) -> None:
    good = knowing("good")
    rng = np.random.default_rng(1)
    wrong = model("wrong", lambda content, span: rng.normal(0, 0.2, 7).tolist())

    evaluation = bench.evaluate(pool(good, wrong), alone(good), alone(wrong))

    assert evaluation.verdict.startswith("wrong: the model's own probabilities are nearly equal")
    assert "near_uniform" in evaluation.model("wrong").flags
    assert evaluation.model("good").flags == ()


def test_a_second_evaluation_finds_the_same_and_infers_nothing(bench: Bench) -> None:
    good = knowing("good")
    first = bench.evaluate(pool(good), alone(good))
    actors = pool(good)

    second = bench.evaluate(actors, alone(good))

    assert actors.opened == 0
    assert (second.inferred, second.cached) == (0, 31)
    assert second.models == first.models


def test_media_that_nobody_could_read_are_left_out_and_counted(bench: Bench) -> None:
    good, poor = knowing("good"), model("poor", says("happy"))
    actors = pool(good, poor, unreadable={uri(MEDIA[0]): Reason.UNDECODABLE})

    evaluation = bench.evaluate(actors, alone(good), alone(poor))

    # Rows 0, 6, 12, 18, 24 and 30 are on the first medium.
    assert (evaluation.dataset.n, evaluation.dataset.unheard) == (25, 6)
    assert evaluation.model("good").accuracy == 1.0
    assert (evaluation.model("good").n, evaluation.model("good").unscored) == (25, 0)
    assert any("6 labelled segments are left out" in each for each in evaluation.notes)


def test_a_medium_that_failed_while_one_candidate_read_it_is_held_against_none(bench: Bench) -> None:
    good, late = knowing("good"), model("late", knowing("late").answer)
    bench.evaluate(pool(good), alone(good))
    actors = pool(good, late, unreadable={uri(MEDIA[0]): Reason.STORE_ERROR})

    evaluation = bench.evaluate(actors, alone(good), alone(late))

    assert (evaluation.dataset.n, evaluation.dataset.unheard) == (25, 6)
    assert [evaluation.model(name).accuracy for name in ("good", "late")] == [1.0, 1.0]
    assert evaluation.model("late").flags == ()


def test_what_one_model_failed_on_counts_as_wrong_for_that_model(bench: Bench) -> None:
    good = knowing("good")
    shaky = model("shaky", lambda content, span: Reason.NON_FINITE if span.start_s < 8 else sure("neutral"))

    evaluation = bench.evaluate(pool(good, shaky), alone(good), alone(shaky))

    found = evaluation.model("shaky")
    assert (found.n, found.unscored, found.unscored_reasons) == (31, 2, {"non_finite": 2})
    assert found.accuracy == pytest.approx(18 / 31)
    assert "incomplete" in found.flags
    assert evaluation.model("good").accuracy == 1.0


def test_a_model_that_answers_nothing_is_a_failed_row_with_its_reasons(bench: Bench) -> None:
    good, dead = knowing("good"), model("dead", lambda content, span: Reason.WORKER_DIED)

    evaluation = bench.evaluate(pool(good, dead), alone(dead), alone(good))

    assert rows(evaluation) == [("dead", "failed"), ("good", "ok")]
    assert evaluation.model("dead").reason == "it answered none of the 31 segments (worker_died 31)"


def test_only_a_dead_model_is_an_evaluation_without_figures(bench: Bench) -> None:
    dead = model("dead", lambda content, span: Reason.WORKER_DIED)

    evaluation = bench.evaluate(pool(dead), alone(dead))

    assert rows(evaluation) == [("dead", "failed")]
    assert evaluation.dataset.n == 31


def test_an_evaluation_of_refused_candidates_is_still_a_record(bench: Bench) -> None:
    evaluation = bench.evaluate(pool(), REFUSED, replace_name(REFUSED, "absent"))

    assert rows(evaluation) == [("broken", "refused"), ("absent", "refused")]
    assert evaluation.verdict.startswith("None of the 2 candidates could be evaluated")


def test_media_of_which_none_can_be_read_are_refused_with_the_reasons(bench: Bench) -> None:
    actors = pool(knowing("good"), unreadable={uri(each): Reason.NOT_MEDIA for each in MEDIA})

    with pytest.raises(InputError, match=r"not one labelled segment could be heard \(not_media\)"):
        bench.evaluate(actors, alone(knowing("good")))


@pytest.mark.parametrize(
    ("error", "status"), [(CheckpointError("no head"), "refused"), (WeightsAbsentError("not here"), "failed")]
)
def test_a_candidate_that_no_worker_can_load_is_a_row(bench: Bench, error: Exception, status: str) -> None:
    def open_pool(options: object) -> PoolStandIn:
        raise error

    evaluation = bench.evaluate(open_pool, alone(model("late")))

    assert rows(evaluation) == [("late", status)]
    assert evaluation.model("late").reason == str(error)


def test_a_configuration_is_measured_as_it_routes_and_audited_where_its_models_are_there(bench: Bench) -> None:
    english, korean = knowing("models/en"), model("models/ko", says("happy"))
    spoken = {media: "ko" if media == MEDIA[5] else "en" for media in MEDIA}
    lines = [
        line(MEDIA[row % 6], row * 4, row * 4 + 3, each, language=spoken[MEDIA[row % 6]])
        for row, each in enumerate(TRUTH)
    ]
    heard_as = {uri(media): language for media, language in spoken.items()} | {uri(MEDIA[0]): "ko"}
    of = system("both", {"en": english, "ko": korean})

    evaluation = Bench(bench.folder, lines).evaluate(
        pool(english, korean, languages=heard_as), of, alone(english), alone(korean)
    )

    (audit,) = evaluation.router
    # The six segments of the first medium went to the Korean model, which says happy: row 24 alone is happy.
    assert (audit.n, audit.misrouted) == (31, 6)
    assert audit.cost == pytest.approx(5 / 31)
    assert [each.model for each in evaluation.models[:3]] == ["both", "models/en", "models/ko"]


def test_predictions_hold_every_answer_with_its_logits(bench: Bench) -> None:
    good = knowing("good")

    evaluation = bench.evaluate(pool(good), alone(good))

    assert evaluation.outputs is not None
    table = from_parquet(Path(evaluation.outputs.predictions).read_bytes())
    assert table["emotion"].to_pylist() == table["truth"].to_pylist()
    assert table["logits"][0].as_py() == pytest.approx(sure(table["truth"][0].as_py()))
    assert set(table["weights_sha256"].to_pylist()) == {good.spec.weights_sha256}
    assert len(set(table["segment_key"].to_pylist())) == 31


def replace_name(row: ModelResult, name: str) -> ModelResult:
    return row.model_copy(update={"model": name})
