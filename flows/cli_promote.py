"""`seraph promote`: make a configuration current, look at what was current, and roll back.

Owns the command, its JSON and what a person sees of it. What may become current is
tasks/promotion/proposals.py's part, where it lies tasks/promotion/current.py's.
"""

import os
import pwd
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from flows import terminal
from flows.places import results_shelf
from infra.errors import UsageError

if TYPE_CHECKING:
    from infra.shelf import Shelf
    from tasks.records.run import Promotion


def promote(
    config: Annotated[
        str | None,
        typer.Argument(help="A tuning's id, a preset or a YAML file; with --rollback: a hash of the history."),
    ] = None,
    why: Annotated[str | None, typer.Option(help="Why, in your words; needed where no tuning speaks for it.")] = None,
    who: Annotated[str | None, typer.Option(help="Who promotes; by default the user of this system.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote a tuning whose verdict is not `adopt`.")] = False,
    base: Annotated[
        str | None, typer.Option(help="What a tuning is laid over: a preset or a YAML file; by default the current.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Show what was current, and promote nothing.")] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Make the configuration before this one current again, or CONFIG.")
    ] = False,
    results: Annotated[str | None, typer.Option(help="s3://bucket/prefix; by default the local store.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Make a tuned configuration, a preset or a file the current one, which `seraph score` uses by default.

    Refuses a tuning whose verdict is not `adopt`. Who, when, why and what it rests on are kept.
    """
    _check(config, force=force, base=base, history=history, rollback=rollback)
    shelf = results_shelf(results)
    if history:
        _show_history(shelf, json=json)
        return
    who, why = _given(who) or _user(), _given(why)
    made = _roll_back(shelf, config, who, why) if rollback else _promote(shelf, config or "", base, who, why, force)
    _show(shelf, made, json=json)


def _check(config: str | None, *, force: bool, base: str | None, history: bool, rollback: bool) -> None:
    if history and (config or rollback):
        raise UsageError("--history only shows: leave CONFIG and --rollback out")
    if rollback and (force or base):
        raise UsageError("--rollback takes a configuration as it was: leave --force and --base out")
    if not (history or rollback or config):
        raise UsageError("CONFIG is needed: a tuning's id, a preset or a YAML file; or --history, or --rollback")


def _promote(shelf: "Shelf", config: str, base: str | None, who: str, why: str | None, force: bool) -> "Promotion":
    from tasks.promotion.current import Promotions
    from tasks.promotion.proposals import propose

    proposal = propose(config, shelf, base, terminal.say)
    return Promotions(shelf).promote(proposal.config, proposal.grounds(who, why, force=force), datetime.now(UTC))


def _roll_back(shelf: "Shelf", wanted: str | None, who: str, why: str | None) -> "Promotion":
    from tasks.promotion.current import Promotions

    return Promotions(shelf).roll_back(wanted, who=who, why=why, now=datetime.now(UTC))


def _show(shelf: "Shelf", made: "Promotion", *, json: bool) -> None:
    from tasks.promotion.current import Promotions

    address = Promotions(shelf).address(made.hash)
    if json:
        terminal.print_json(
            {"hash": made.hash, "current": made.model_dump(mode="json"), "before": made.before, "config_uri": address,
             "forced": made.forced}
        )  # fmt: skip
        return
    rows = {
        "Current": f"{made.name} ({made.hash})",
        "Before": made.before or "nothing was promoted before",
        "By": f"{made.who}, {_moment(made)}",
        "Why": made.why,
        "Notes": _grounds(made),
        "Stored in": address,
    }
    for label, value in rows.items():
        if value:
            terminal.out.print(Text(f"{label:<12}{value}"), soft_wrap=True)


def _show_history(shelf: "Shelf", *, json: bool) -> None:
    from tasks.promotion.current import Promotions

    found = Promotions(shelf).history()
    if json:
        terminal.print_json({"history": [each.model_dump(mode="json") for each in found]})
    elif found:
        terminal.out.print(_table(found))
    else:
        terminal.out.print(Text("No configuration was promoted yet: seraph promote CONFIG makes one current."))


def _table(found: "Sequence[Promotion]") -> Table:
    table = Table(title="Promoted configurations, the newest first", title_justify="left")
    table.add_column("hash", no_wrap=True)
    for name in ("configuration", "when", "who", "why", "notes"):
        table.add_column(name, overflow="fold")
    for each in found:
        values = (each.name, _moment(each), each.who, each.why or "–", _grounds(each) or "–")
        table.add_row(each.hash, *map(Text, values), style="bold" if each is found[0] else None)
    return table


def _grounds(made: "Promotion") -> str | None:
    """The tuning with its verdict, and what is out of the ordinary."""
    tuning = f"tuning {made.tuning_id}, verdict {made.verdict}" if made.tuning_id else None
    notes = (tuning, "forced" if made.forced else None, "rolled back" if made.rolled_back else None)
    return "; ".join(note for note in notes if note) or None


def _moment(made: "Promotion") -> str:
    return f"{datetime.fromisoformat(made.promoted_at):%Y-%m-%d %H:%M} UTC"


def _given(text: str | None) -> str | None:
    return (text or "").strip() or None


def _user() -> str:
    # Not getpass: it would read the environment, which anybody sets.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user that no file knows
        return f"user {os.getuid()}"
