"""Whether the command lines of deployments are real: read by the programs' own parsers, run by nobody."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from flows.cli import app
from tests.support.quiet import import_ray_scripts


def commands_of(words: Sequence[str]) -> Iterator[list[str]]:
    """The commands of a command line, those of `sh -c` one by one."""
    if list(words[:2]) == ["/bin/sh", "-c"]:
        for part in words[2].replace("&&", ";").split(";"):
            yield shlex.split(part.removeprefix(" ").removeprefix("exec ").strip())
    else:
        yield list(words)


def check_command(words: Sequence[str]) -> None:
    """Raises click's exceptions where `seraph` or `ray` would refuse the words; AssertionError for other programs."""
    program, *arguments = [word for word in words if word != "exec"]
    if program == "seraph":
        _parse(typer.main.get_command(app), program, arguments)
    elif program == "ray":
        _parse(import_ray_scripts().cli, program, arguments)
    else:
        assert [program, *arguments[:2]] == ["prefect", "server", "start"], words


def ray_start_options() -> set[str]:
    """What `ray start` takes, as KubeRay's `rayStartParams` names it."""
    options = import_ray_scripts().start.params
    return {name.removeprefix("--") for option in options for name in option.opts}


def _parse(command: Any, name: str, arguments: Sequence[str]) -> None:
    context = command.make_context(name, list(arguments), resilient_parsing=False)
    # By what it can, not by its class: Typer has a click of its own.
    if hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        found, chosen, left = command.resolve_command(context, rest)
        assert chosen is not None
        _parse(chosen, str(found), left)
