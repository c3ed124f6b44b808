"""What came of a call to an actor: Ray's many errors become those of actors/faults.py. Knows no crews."""

from typing import Any

from ray import exceptions as errors

from actors.contract import Reason
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from infra.errors import SeraphError


async def answer(ref: Any) -> Any:
    """Await a Ray reference; its errors as those of actors/faults.py, or as the SeraphError that the worker raised."""
    try:
        return await ref
    except errors.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, BaseException) else error
        if isinstance(cause, SeraphError):
            raise cause from None
        if isinstance(cause, errors.ObjectLostError):
            raise InputLostError(str(cause), cause.object_ref_hex) from error
        if type(cause).__name__ == "AcceleratorError" or "CUDA error" in str(cause):
            # After such an error every call in that process fails: a new one is needed.
            raise WorkerLostError(Reason.WORKER_DIED, f"{type(cause).__name__}: {cause}") from error
        raise CallFailedError(cause) from error
    except errors.UnserializableException as error:  # it has the words of one that was raised there
        raise CallFailedError(error) from error
    except errors.ObjectLostError as error:
        raise InputLostError(str(error), error.object_ref_hex) from error
    except (errors.RayActorError, errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
        raise WorkerLostError(Reason.WORKER_DIED, _why(str(error)), node=_is_of_node(error)) from error


def _is_of_node(error: errors.RayError) -> bool:
    """Whether the node went, or the way to it. Ray says so in words only (`ActorDiedErrorContext` is not kept)."""
    return isinstance(error, errors.ActorUnavailableError) or "its node has died" in str(error)


def _why(message: str) -> str:
    """The line of Ray's message that says why, if there is one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return next((line for line in lines[1:] if line.startswith("The actor")), lines[0] if lines else "")
