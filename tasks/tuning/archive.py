"""Where tunings lie: `tunings/<id>/`, on a shelf.

config.yaml     the chosen parameters as a configuration's `decision:`, for `seraph promote`
report.html     the page
tuning.json     the record: written last, so a tuning whose record stands is whole
"""

from infra.errors import InputError, ObjectMissing
from infra.shelf import Shelf
from tasks.tuning.result import Outputs, Tuning


class TuningArchive:
    """The tunings on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def outputs(self, tuning_id: str) -> Outputs:
        """Where the files of a tuning lie, or will."""
        named = {"report": "report.html", "config": "config.yaml", "tuning": "tuning.json"}
        return Outputs(**{name: self._shelf.address(_name(tuning_id, file)) for name, file in named.items()})

    def save(self, tuning: Tuning, page: str, config: str) -> None:
        """Store a tuning; its record comes last."""
        name = tuning.tuning_id
        self._shelf.put(_name(name, "config.yaml"), config.encode(), "application/yaml")
        self._shelf.put(_name(name, "report.html"), page.encode(), "text/html; charset=utf-8")
        self._shelf.put(_name(name, "tuning.json"), tuning.model_dump_json(indent=1).encode(), "application/json")

    def get(self, tuning_id: str) -> tuple[Tuning, str]:
        """One stored tuning, and its configuration.

        Raises:
            InputError: There is none of this id.
        """
        try:
            record = self._shelf.get(_name(tuning_id, "tuning.json"))
            return Tuning.model_validate_json(record), self._shelf.get(_name(tuning_id, "config.yaml")).decode()
        except ObjectMissing as error:
            raise InputError(f"there is no tuning {tuning_id!r}: `seraph tune` makes one") from error


def _name(tuning_id: str, file: str) -> str:
    return f"tunings/{tuning_id}/{file}"
