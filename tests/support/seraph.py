"""The `seraph` command as a user runs it, and its tables as others read them."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.tables import POSTERIOR

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "datasets" / "demo"
COMMAND = Path(sys.executable).with_name("seraph")


@dataclass(frozen=True)
class Seraph:
    """The command on one stack's home; `environment` comes on top of a clean one, `config` is what it scores with."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    config: str = "demo"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it, in a process group of its own so that it can be killed with all it started."""
        return subprocess.Popen(
            [COMMAND, *arguments], env=self._environment(), cwd=self.home.parent, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run it to its end; any other exit status than `expect` fails the test with what it said."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == expect, f"exit {process.returncode}, not {expect}\n{out[-2000:]}\n{err[-4000:]}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """Run it with `--json` and read its one document."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json", expect=expect).stdout)
        return document

    def score(
        self, media: Path | str, results: str, *arguments: str, config: str | None = None, expect: int = 0
    ) -> dict[str, Any]:
        """Score a folder into a results store."""
        where = ("--media", str(media), "--results", results, "--config", config or self.config)
        return self.json("score", *where, *arguments, expect=expect)

    def table(self, media: Path | str, results: str, config: str | None = None) -> pd.DataFrame:
        """The current table, sorted by segment."""
        config = config or self.config
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "table.parquet"
            self.run("export", "--media", str(media), "--results", results, "--config", config, "--output", str(file))
            return pd.read_parquet(file).sort_values(["media_uri", "start_s"]).reset_index(drop=True)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "SERAPH_HOME": str(self.home), "HF_HUB_OFFLINE": "1", **self.environment}


def assert_same_table(found: pd.DataFrame, expected: pd.DataFrame, tolerance: float = 1e-4) -> None:
    """The same keys, languages, models, flags; posteriors within the tolerance; the emotion where it clearly leads."""
    exact = ["media_uri", "media_etag", "segment_id", "language", "model", "weights_sha256", "precision"]
    assert found["segment_id"].is_unique
    pd.testing.assert_frame_equal(found[exact], expected[exact])
    assert [list(each) for each in found["flags"]] == [list(each) for each in expected["flags"]]
    difference = (found[list(POSTERIOR)] - expected[list(POSTERIOR)]).abs().max().max()
    assert difference <= tolerance
    ordered = expected[list(POSTERIOR)].apply(lambda row: sorted(row)[-1] - sorted(row)[-2], axis=1)
    clear = ordered > 2 * tolerance
    assert (found["emotion"] == expected["emotion"])[clear].all()
