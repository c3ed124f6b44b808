"""flows/alarms.py: what is told to Prefect, and the automations that hear it; once on a real server."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow
from prefect.automations import Automation
from prefect.events.actions import DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, CompoundTrigger, EventTrigger, Posture
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.alarms import alarm_automations, announce, announce_lost, corpus_id, store_id
from flows.score_corpus import ScoreRequest
from infra.stack import Stack
from tasks.alarms.kinds import KINDS, LOST
from tasks.config.operations import Alarms, Operations, Price
from tasks.records.parts import Alarm
from tasks.records.run import RunRecord
from tests.support.house import housekeeping_record
from tests.support.prefect import prefect_client
from tests.support.records import run_record

ARCHIVE = Operations(media="s3://media/shows/", results="s3://results")
BLOCK = UUID(int=7)


def alarm(kind: str, subject: str, message: str = "it moved") -> Alarm:
    return Alarm(kind=kind, subject=subject, n=100, value=0.9, bound=0.5, message=message)


class Feed:
    """Events as they would be sent."""

    def __init__(self, broken: bool = False) -> None:
        self.events: list[dict[str, Any]] = []
        self.broken = broken

    def __call__(self, **event: Any) -> None:
        if self.broken:
            raise OSError("no route to host")
        self.events.append(event)


# -- what is told ------------------------------------------------------------------------------------------------------


def test_every_finished_run_is_told_with_its_counts() -> None:
    feed, said = Feed(), []
    announce(run_record(), said.append, feed)
    (event,) = feed.events
    assert event["event"] == "seraph.run.completed"
    assert event["resource"]["prefect.resource.id"] == corpus_id("s3://media/shows", "s3://results")
    assert {"run_id", "media", "segments", "languages", "emotions", "alarms", "report"} <= event["payload"].keys()
    assert said == []


def test_each_kind_of_alarm_is_one_event_with_all_that_it_is_about() -> None:
    moved = (
        alarm("neutral_rate", "neutral"),
        alarm("class_shares", "happy", "one"),
        alarm("class_shares", "sad", "two"),
    )
    feed, said = Feed(), []
    announce(run_record(alarms=moved), said.append, feed)
    assert [each["event"] for each in feed.events] == [
        "seraph.run.completed", "seraph.alarm.neutral_rate", "seraph.alarm.class_shares",
    ]  # fmt: skip
    payload = feed.events[-1]["payload"]
    assert payload["message"] == "one\ntwo"
    assert [each["subject"] for each in payload["alarms"]] == ["happy", "sad"]
    assert feed.events[0]["payload"]["alarms"] == ["neutral_rate", "class_shares"]
    assert said == ["it moved", "one", "two"]


def test_an_event_stays_small_whatever_an_alarm_says() -> None:
    feed = Feed()
    announce(run_record(alarms=tuple(alarm("class_shares", "x", "y" * 5000) for _ in range(200))), str, feed)
    payload = feed.events[-1]["payload"]
    assert len(payload["message"]) <= 2000
    assert len(payload["alarms"]) == 50


def test_events_that_cannot_be_sent_are_said_and_cost_the_run_nothing() -> None:
    said: list[str] = []
    announce(run_record(alarms=(alarm("slow", ""),)), said.append, Feed(broken=True))
    assert said[0] == "it moved"
    assert "no route to host" in said[1]


def test_lost_rows_are_told_about_their_store_and_a_whole_store_is_no_news() -> None:
    feed, said = Feed(), []
    whole = housekeeping_record()
    announce_lost(whole, said.append, feed)
    assert (feed.events, said) == ([], [])
    fault = {"kind": "lost", "what": "logits/a.parquet is not there", "remedy": "score again"}
    announce_lost(housekeeping_record(faults=(fault,)), said.append, feed)
    (event,) = feed.events
    assert event["event"] == "seraph.alarm.lost"
    assert event["resource"]["prefect.resource.id"] == store_id("s3://results/out/")
    assert event["payload"]["message"] in said
    announce_lost(housekeeping_record(faults=(fault,)), said.append, Feed(broken=True))
    assert "no route to host" in said[-1]


def test_a_corpus_is_its_media_and_its_results_however_they_are_written() -> None:
    one = corpus_id("s3://media/shows", "s3://results")
    assert one == corpus_id("s3://media/shows/", "s3://results/")
    assert one.startswith("seraph.corpus.")
    assert len({one, corpus_id("s3://media/calls", "s3://results"), corpus_id("s3://media/shows", "s3://other")}) == 3


def test_a_request_carries_limits_and_a_price_and_needs_neither() -> None:
    full = ScoreRequest(media="s3://m", results="s3://r", alarms=Alarms(level=0.01), price=Price(gpu_hour=2.5))
    assert ScoreRequest.model_validate_json(full.model_dump_json()) == full
    bare = ScoreRequest.model_validate({"media": "s3://m", "results": "s3://r"})
    assert (bare.alarms, bare.price) == (None, None)


# -- who hears it ------------------------------------------------------------------------------------------------------


def test_there_is_an_automation_for_every_kind_for_lost_rows_and_for_silence() -> None:
    made = alarm_automations(ARCHIVE)
    heard = [each.trigger.expect for each in made if isinstance(each.trigger, EventTrigger)]
    assert heard == [{f"seraph.alarm.{kind}"} for kind in (*KINDS, LOST)]
    assert len({each.name for each in made}) == len(made) == len(KINDS) + 2
    assert all(each.name.startswith("seraph: alarm, ") for each in made)
    assert all(each.actions == [DoNothing()] for each in made), "nobody is to be told, and the trigger stands"
    assert alarm_automations(ARCHIVE) == made, "twice is the same"


def test_silence_is_heard_since_the_last_run_and_where_none_ever_comes() -> None:
    silence = alarm_automations(ARCHIVE.model_copy(update={"alarms": Alarms(silent_hours=30)}))[-1].trigger
    assert isinstance(silence, CompoundTrigger)
    assert silence.require == "any"
    since, at_all = silence.triggers
    assert isinstance(since, EventTrigger)
    assert isinstance(at_all, EventTrigger)
    assert (since.after, at_all.after) == ({"seraph.run.completed"}, set())
    assert {each.posture for each in (since, at_all)} == {Posture.Proactive}
    assert {each.within for each in (since, at_all)} == {timedelta(hours=30)}


def test_a_notification_says_what_happened_where_and_what_to_open() -> None:
    asked: list[str] = []
    operations = ARCHIVE.model_copy(update={"alarms": Alarms(notify="slack-webhook/archive")})
    made = alarm_automations(operations, lambda name: asked.append(name) or BLOCK)
    assert asked == ["slack-webhook/archive"], "once for all"
    actions = [each.actions[0] for each in made]
    assert all(isinstance(each, SendNotification) and each.block_document_id == BLOCK for each in actions)
    assert "{{ event.payload.message }}" in str(actions[0])
    assert "{{ event" not in str(actions[-1]), "where no run ever came there is no event"
    assert "s3://media/shows/" in str(actions[-1])


# -- on a real server --------------------------------------------------------------------------------------------------


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    url, auth = stack.services.prefect_api_url, stack.services.prefect_auth
    server = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: auth}
    with temporary_settings(server), prefect_client(stack.services) as client:
        yield client


@pytest.mark.stack
def test_alarms_reach_a_real_server_and_set_off_their_automations(api: httpx.Client) -> None:
    record = run_record(media_uri="s3://media/alarms", alarms=(alarm("slow", ""),))
    archive = Operations(media="s3://media/alarms", results=record.results_uri, alarms=Alarms(silent_hours=10 / 3600))
    # An archive that nobody scores must be heard of as well: its silence begins now.
    silent = archive.model_copy(update={"media": "s3://media/never"})
    wanted = [*alarm_automations(archive)[:-1], alarm_automations(silent)[-1]]
    made = [(each, api.post("automations/", json=core(each)).raise_for_status().json()["id"]) for each in wanted]
    try:
        run_id = in_a_flow(record)
        by_title = {each.name.removeprefix("seraph: alarm, "): automation for each, automation in made}
        until(lambda: events(api, f"prefect.automation.{by_title['scoring became slow']}"))
        told = until(lambda: events(api, corpus_id(record.media_uri, record.results_uri)))
        assert {each["event"] for each in told} <= {"seraph.run.completed", "seraph.alarm.slow"}
        assert f"prefect.flow-run.{run_id}" in {each["prefect.resource.id"] for each in told[0]["related"]}
        until(lambda: events(api, f"prefect.automation.{by_title['no run has finished']}"))
        assert not events(api, f"prefect.automation.{by_title['data checks failed']}")
        for each, automation in made:
            stored = api.get(f"automations/{automation}").raise_for_status().json()
            assert AutomationCore.model_validate(stored) == AutomationCore.model_validate(core(each))
    finally:
        for _, automation in made:
            api.delete(f"automations/{automation}")


def in_a_flow(record: RunRecord) -> str:
    """Announce a record from within a flow run, as score-corpus does; its id."""

    @flow(name="announces")
    def announces() -> str:
        from prefect.runtime import flow_run

        announce(record, str)
        return str(flow_run.id)

    return announces()


def core(automation: Automation) -> dict[str, Any]:
    return automation.model_dump(mode="json", exclude={"id"})


def events(api: httpx.Client, resource: str) -> list[dict[str, Any]]:
    """What happened to a resource, the newest first."""
    wanted = {
        "filter": {"resource": {"id": [resource]}, "event": {"prefix": ["seraph.", "prefect.automation.triggered"]}}
    }
    found: list[dict[str, Any]] = api.post("events/filter", json=wanted).raise_for_status().json()["events"]
    return found


def until(ask: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.5)
    return answer
