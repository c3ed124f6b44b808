"""The `seraph` command in this process, on a home where nothing runs: its local store is only a folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from infra.errors import SeraphError
from infra.shelf import FolderShelf, Shelf


@dataclass(frozen=True)
class Desk:
    """The command on a home; `before` stands in front of every command line."""

    home: Path
    before: tuple[str, ...] = ()

    @property
    def shelf(self) -> Shelf:
        """The local store's results."""
        return FolderShelf(self.home / "s3" / "results")

    def run(self, *arguments: str) -> Result:
        """Run it; an error that Seraph raises on purpose is raised."""
        environment = {"SERAPH_HOME": str(self.home), "AWS_ENDPOINT_URL": "", "COLUMNS": "300"}
        found = CliRunner().invoke(app, [*self.before, *arguments], env=environment)
        if isinstance(found.exception, SeraphError):
            raise found.exception
        assert found.exit_code == 0, found.output
        return found

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run it with `--json`, and read its document."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json").stdout)
        return document
