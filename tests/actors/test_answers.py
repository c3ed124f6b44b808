"""What actors/answers.py makes of Ray's errors."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from ray import exceptions as errors
from ray.core.generated.common_pb2 import ActorDiedErrorContext

from actors.answers import answer
from actors.contract import Reason
from actors.faults import CallFailedError, InputLostError, WorkerLostError
from infra.errors import CheckpointError

OBJECT = "e0" * 28
NODE_DIED = (
    "The actor died because its node has died. Node Id: 83ed\n\tthe actor's node was terminated unexpectedly: health "
    "check failed due to missing too many heartbeats"
)
KILLED = "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR"


def died(message: str) -> errors.ActorDiedError:
    return errors.ActorDiedError(ActorDiedErrorContext(error_message=message, class_name="Scorer", actor_id=b"1" * 16))


def raised(cause: Exception) -> errors.RayTaskError:
    return errors.RayTaskError("logits", "Traceback", cause)  # type: ignore[no-untyped-call,no-any-return]


def outcome(error: BaseException) -> Any:
    async def failing() -> None:
        raise error

    async def ask(ref: Awaitable[None]) -> BaseException | None:
        return (await asyncio.gather(answer(ref), return_exceptions=True))[0]

    return asyncio.run(ask(failing()))


@pytest.mark.parametrize(
    ("error", "node", "detail"),
    [
        (died(NODE_DIED), True, "The actor died because its node has died. Node Id: 83ed"),
        (errors.ActorUnavailableError("connection reset", b"1" * 16), True, "is unavailable: connection reset"),
        (died(KILLED), False, KILLED),
        (errors.OutOfMemoryError("killed: the node was low on memory"), False, "low on memory"),
        (errors.WorkerCrashedError(), False, "died unexpectedly"),
    ],
)
def test_a_lost_worker_is_told_from_a_lost_node(error: BaseException, node: bool, detail: str) -> None:
    found = outcome(error)
    assert isinstance(found, WorkerLostError)
    assert (found.reason, found.node) == (Reason.WORKER_DIED, node)
    assert detail in found.detail


def test_an_error_that_cannot_be_read_here_is_a_call_that_failed() -> None:
    found = outcome(errors.UnserializableException("Traceback\n  line\nOdd: 1 2"))
    assert isinstance(found, CallFailedError)
    assert "Odd: 1 2" in str(found)


@pytest.mark.parametrize("inside", [False, True], ids=["of the call", "told by the worker"])
def test_a_lost_object_is_named(inside: bool) -> None:
    lost = errors.ObjectReconstructionFailedError(OBJECT, None, "", ())  # type: ignore[no-untyped-call]
    found = outcome(raised(lost) if inside else lost)
    assert isinstance(found, InputLostError)
    assert found.object == OBJECT


def test_an_error_of_the_call_keeps_its_words_and_memory_that_ran_out_is_known() -> None:
    plain, host = outcome(raised(ValueError("no such sound"))), outcome(raised(MemoryError("4 GiB")))
    assert isinstance(plain, CallFailedError)
    assert (str(plain), plain.out_of_memory) == ("ValueError: no such sound", False)
    assert host.out_of_memory


def test_a_gpu_whose_memory_ran_out_leaves_the_worker_alive_and_a_broken_gpu_does_not() -> None:
    import torch

    full = outcome(raised(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")))
    assert isinstance(full, CallFailedError)
    assert full.out_of_memory
    broken = outcome(raised(RuntimeError("CUDA error: an illegal memory access was encountered")))
    assert isinstance(broken, WorkerLostError)
    assert not broken.node


def test_an_error_that_a_worker_raised_on_purpose_stays_itself() -> None:
    assert isinstance(outcome(raised(CheckpointError("the head is missing"))), CheckpointError)
