"""Every error that Seraph raises on purpose, and the exit status each one means.

    SeraphError
    ├── UsageError          2   the command line asks for something that cannot be
    ├── InputError          3   a file or value given by the user is wrong
    │   ├── ConfigError     3   … the configuration
    │   └── CheckpointError 3   … a model's checkpoint: missing, damaged or of another layout
    │       ├── LayoutError 3         its tensors are not those of any layout that Seraph knows
    │       └── WeightsAbsentError 3  the weights are not on this machine and cannot be fetched
    └── ServiceError        5   a service cannot be reached or does not answer
        ├── StoreError      5   … the object store
        │   ├── ObjectMissing   5   … has no such object
        │   └── ObjectChanged   5   … has another object under that name than the listing said
        ├── PrefectError    5   … the Prefect server
        └── RayError        5   … the Ray cluster

A message names the value, what was expected and what to do. Faults of one medium are no exceptions: they are
`Rejection`s (actors/contract.py), and the corpus goes on.
"""


class SeraphError(Exception):
    """Base of all errors that Seraph raises on purpose."""

    exit_code = 1


class UsageError(SeraphError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class InputError(SeraphError):
    """A file or value given by the user is wrong."""

    exit_code = 3


class ConfigError(InputError):
    """The configuration is wrong."""


class CheckpointError(InputError):
    """A checkpoint is missing, damaged, or of a layout that no family knows."""


class LayoutError(CheckpointError):
    """A checkpoint's tensors are not those of a known layout: some would be random.

    Attributes:
        missing, unexpected, mismatched: Keys that should be there, should not, or have another shape.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        mismatched: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.missing, self.unexpected, self.mismatched = missing, unexpected, mismatched


class WeightsAbsentError(CheckpointError):
    """The weights are not on this machine and cannot be fetched."""


class ServiceError(SeraphError):
    """A service cannot be reached or does not answer."""

    exit_code = 5


class StoreError(ServiceError):
    """The object store cannot be reached, or refuses."""


class ObjectMissing(StoreError):  # noqa: N818 - a state of an object, named like FileNotFoundError's kin
    """There is no such object."""


class ObjectChanged(StoreError):  # noqa: N818 - as above
    """The object was replaced since it was listed."""


class PrefectError(ServiceError):
    """The Prefect server cannot be reached."""


class RayError(ServiceError):
    """The Ray cluster cannot be reached, or cannot give what is asked of it."""
