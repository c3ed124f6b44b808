"""What may befall a call to a worker, as three errors: the worker was lost, the call's input was lost, the call failed.

Ray's many errors become these in actors/answers.py; what is done about them is decided where the work comes from.
"""

from actors.contract import Reason


class WorkerLostError(Exception):
    """The worker died, or did not answer in time, during the call.

    Attributes:
        node: Its whole node went, or the way to it: hardly the doing of what it worked on.
    """

    def __init__(self, reason: Reason, detail: str, *, node: bool = False) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.node = reason, detail, node


class InputLostError(Exception):
    """An object that the call needed is gone with the node that held it; `object`: Ray's name of it, where known."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.object = name


class CallFailedError(Exception):
    """The call raised an error of its own; the worker lives.

    Attributes:
        out_of_memory: It asked for more memory, of the GPU or the machine, than there was: less at once may do.
    """

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.out_of_memory = type(cause).__name__.endswith("OutOfMemoryError") or isinstance(cause, MemoryError)
