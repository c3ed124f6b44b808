"""Where re-evaluations lie, on a shelf: `reevaluations/<id>/`.

report.html          the page
reevaluation.json    the record: written last, so a re-evaluation whose record stands is whole
"""

import logging
from collections.abc import Iterator

from pydantic import ValidationError

from infra.errors import ObjectMissing
from infra.shelf import Shelf
from tasks.reevaluation.result import Outputs, Reevaluation

_log = logging.getLogger(__name__)


class ReevaluationArchive:
    """The re-evaluations on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def outputs(self, reevaluation_id: str) -> Outputs:
        """Where the files of a re-evaluation lie, or will."""
        named = {"report": "report.html", "reevaluation": "reevaluation.json"}
        return Outputs(**{key: self._shelf.address(_name(reevaluation_id, file)) for key, file in named.items()})

    def save(self, found: Reevaluation, page: str) -> None:
        """Store a re-evaluation; its record comes last."""
        name = found.reevaluation_id
        self._shelf.put(_name(name, "report.html"), page.encode(), "text/html; charset=utf-8")
        self._shelf.put(_name(name, "reevaluation.json"), found.model_dump_json(indent=1).encode(), "application/json")

    def last(self, labels: str, media: str) -> Reevaluation | None:
        """The newest on these labels and media."""
        here = (labels.rstrip("/"), media.rstrip("/"))
        return next((e for e in self.newest_first() if (e.labels.uri.rstrip("/"), e.media.rstrip("/")) == here), None)

    def newest_first(self) -> Iterator[Reevaluation]:
        """The stored re-evaluations; a record that cannot be read is left out."""
        names = (each for each in self._shelf.names("reevaluations") if each.endswith("/reevaluation.json"))
        for name in sorted(names, reverse=True):
            try:
                yield Reevaluation.model_validate_json(self._shelf.get(name))
            except (ValidationError, ObjectMissing) as error:
                # One record that is damaged, or of another version, must not stop all that come after it.
                _log.warning("%s is left out: %s", self._shelf.address(name), error)


def _name(reevaluation_id: str, file: str) -> str:
    return f"reevaluations/{reevaluation_id}/{file}"
