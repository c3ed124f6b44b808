"""`seraph labels` as a user runs it, on a real S3 server with a corpus that was committed by hand; Prefect once."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from actors.contract import TAXONOMY
from flows.cli import app
from flows.webhook import asks_prefect
from infra.errors import ConfigError, PrefectError, SeraphError, UsageError
from infra.stack import Stack
from tasks.labels import read_labelled
from tasks.run import open_run
from tasks.store import Entry
from tasks.tables import logits_table
from tests.support.demo import audio_only
from tests.support.labelling import annotated
from tests.support.prefect import prefect_client
from tests.support.results import medium, scored, segment

MEDIA = 6
SEGMENTS = 4


@dataclass(frozen=True)
class Desk:
    """The command in this process, on a store with a scored corpus."""

    bucket: str
    environment: dict[str, str]
    config: str

    @property
    def corpus(self) -> tuple[str, ...]:
        """Where the corpus is, as options."""
        places = ("--media", f"s3://{self.bucket}/media", "--results", f"s3://{self.bucket}/out")
        return (*places, "--config", self.config)

    def run(self, *arguments: str) -> Result:
        """Run it; an error that Seraph raises on purpose is raised."""
        found = CliRunner().invoke(app, ["labels", *arguments], env=self.environment)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == 0, found.output
        return found

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run it with `--json`, and read its document."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json").stdout)
        return document


@pytest.fixture
def desk(local_store: Any, tmp_path: Path) -> Desk:
    """Six media of four segments, scored by the demo's models as far as the store knows."""
    access, bucket = local_store.access, local_store.bucket.bucket
    config = audio_only(tmp_path)
    environment = {
        "SERAPH_HOME": str(tmp_path / "home"),
        "AWS_ENDPOINT_URL": access.endpoint_url,
        "AWS_ACCESS_KEY_ID": access.access_key,
        "AWS_SECRET_ACCESS_KEY": access.secret_key,
    }
    _commit_corpus(local_store, f"s3://{bucket}/media", f"s3://{bucket}/out", str(config))
    return Desk(bucket, environment, str(config))


def _commit_corpus(store: Any, media: str, results: str, config: str) -> None:
    from tasks.config.scoring import load_config

    run = open_run(media, results, load_config(config), store.services)
    checkpoint = run.identity.checkpoints["en"]
    spec = checkpoint.spec(run.config.precision)
    for number in range(MEDIA):
        of = medium(f"{media}/ep {number}.wav", etag=f"e{number}")
        store.store.put_bytes(of.uri, f"audio of {number}".encode())
        rows = [
            segment(
                of,
                4 * each,
                [float((number + each) % 5 == label) * 3 + 0.1 * number * label for label in range(len(spec.labels))],
                spec=spec,
            )
            for each in range(SEGMENTS)
        ]
        entry = Entry(
            uri=of.uri, etag=of.etag, outcome="scored", rows=SEGMENTS, routes={"en": run.identity.routes["en"]}
        )
        table = logits_table([scored(of, *rows)], {spec.weights_sha256: spec})
        run.results.commit(f"{number:032x}", "run-1", [entry], {"logits": table})


@pytest.mark.stack
def test_a_queue_goes_to_label_studio_and_its_answers_come_back_and_are_not_proposed_again(
    desk: Desk, tmp_path: Path, local_store: Any
) -> None:
    store = local_store.store
    file, xml, labels = tmp_path / "queue.json", tmp_path / "interface.xml", f"s3://{desk.bucket}/labels"
    options = ("-n", "6", "--gap", "5", "--format", "label-studio", "--interface", str(xml))
    queue = desk.json("queue", *desk.corpus, *options, "-o", str(file))
    tasks = json.loads(file.read_text(encoding="utf-8"))
    assert (queue["segments"], queue["passed"], len(tasks)) == (6, MEDIA * SEGMENTS, 6)
    assert sum(queue["picks"].values()) == 6
    assert xml.read_text(encoding="utf-8").startswith("<View>")
    # The address in the task needs no credentials.
    heard = httpx.get(tasks[0]["data"]["audio"], trust_env=False)
    assert heard.text == f"audio of {tasks[0]['data']['media_uri'][-5]}"
    export = tmp_path / "export.json"
    export.write_text(json.dumps(annotated(tasks, [{"ann": "sad"}] * 5 + [{"ann": None}])), encoding="utf-8")
    (imported,) = desk.json("in", str(export), "--to", labels)["imports"]
    assert (imported["added"], imported["problems"]) == (5, [])
    (again,) = desk.json("in", str(export), "--to", labels)["imports"]
    assert (again["added"], again["known"], again["address"]) == (0, 5, None)
    # What people leave behind in a folder stands in nobody's way.
    store.put_bytes(f"{labels}/notes.txt", b"ask Ann about episode 3")
    second = desk.json("queue", *desk.corpus, "-n", "24", "--gap", "0", "--labels", labels, "-o", str(file))
    proposed = {(each["video"], each["start"]) for each in map(json.loads, file.read_text().splitlines())}
    labelled = {(task["data"]["media_uri"], task["data"]["start_s"]) for task in tasks[:5]}
    assert second["labelled"] == 5
    assert "notes.txt is passed over" in second["problems"][0]
    assert proposed
    assert not proposed & labelled


@pytest.mark.stack
def test_scored_segments_go_out_as_regions_of_their_media_and_as_lines(desk: Desk, tmp_path: Path) -> None:
    tasks, lines = tmp_path / "tasks.json", tmp_path / "lines.csv"
    s3 = ("--per", "medium", "--audio", "s3")
    assert desk.json("out", *desk.corpus, *s3, "-o", str(tasks))["segments"] == MEDIA * SEGMENTS
    first = json.loads(tasks.read_text(encoding="utf-8"))[0]
    assert first["data"]["audio"] == f"s3://{desk.bucket}/media/ep 0.wav"
    assert len(first["predictions"][0]["result"]) == 2 * SEGMENTS
    desk.run("out", *desk.corpus, "--format", "csv", "--where", "start_s >= 60", "-o", str(lines))
    filled = lines.read_bytes().replace(b",,,en,,", b",fear,,en,ann,")
    labelled = read_labelled(filled, "lines.csv")
    assert (len(labelled), {TAXONOMY[code] for code in labelled.truth}) == (MEDIA, {"fear"})


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    """The command where nothing runs, and nothing is started."""
    return Desk("bucket", {"SERAPH_HOME": str(tmp_path), "AWS_ENDPOINT_URL": "", "SERAPH_WEBHOOK_SECRET": ""}, "demo")


def test_the_interface_is_shown_as_it_is(offline: Desk) -> None:
    assert offline.run("interface").stdout.endswith("</View>\n")


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("webhook",), ConfigError, "SERAPH_WEBHOOK_SECRET is not set"),
        (("in", "a.json", "b.json", "--to", "s3://b/l", "--as", "x"), UsageError, "names one file, and 2 are given"),
        (("in", "a.json", "--to", "labels"), UsageError, "is no place in a store"),
        (("queue", "--media", "s3://b/m", "-o", "q", "--format", "xml"), UsageError, "expected one of label-studio"),
        (("queue", "--media", "s3://b/m", "-o", "q", "-n", "0"), UsageError, "--segments: Input should be greater"),
        (("out", "--media", "s3://b/m", "-o", "q", "--per", "day"), UsageError, "none of: segment, medium"),
        (("out", "--media", "s3://b/m", "-o", "q", "--where", "x"), UsageError, "expected something like"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_started(
    offline: Desk, arguments: tuple[str, ...], error: type[SeraphError], told: str
) -> None:
    with pytest.raises(error, match=told):
        offline.run(*arguments)
    assert list(Path(offline.environment["SERAPH_HOME"]).iterdir()) == []


@pytest.fixture
def prefect(stack: Stack) -> Iterator[httpx.Client]:
    """The Prefect server of the stack, with a deployment that nobody runs."""
    url, auth = stack.services.prefect_api_url, stack.services.prefect_auth
    server = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: auth}
    with prefect_client(stack.services) as api, temporary_settings(server):
        flow = api.post("/flows/", json={"name": "hinted"}).json()["id"]
        api.post("/deployments/", json={"name": "every", "flow_id": flow}).raise_for_status()
        yield api
        api.delete(f"/flows/{flow}")


@pytest.mark.stack
def test_a_hint_makes_prefect_schedule_a_run_of_the_deployment(prefect: httpx.Client) -> None:
    asyncio.run(asks_prefect("hinted/every")())
    runs = prefect.post("/flow_runs/filter", json={"flows": {"name": {"any_": ["hinted"]}}}).json()
    assert [run["tags"] for run in runs] == [["webhook"]]
    with pytest.raises(PrefectError, match="seraph deploy"):
        asyncio.run(asks_prefect("hinted/never")())
