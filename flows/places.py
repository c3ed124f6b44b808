"""Where a command's media and results are: local folders served in place, the local store by default.

What the commands share; the services themselves are infra's.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import InputError, UsageError
from infra.location import SCHEME, Location
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.services import Services
    from infra.shelf import Shelf
    from infra.stack import Need
    from tasks.promotion.current import Chosen

LOCAL_RESULTS = "s3://results"
"""Where results go in the local store."""


def needs(media: str | None, services: "set[Need]") -> "frozenset[Need]":
    """The services that a command needs, with the one that serves local folders where its media lie in one."""
    local = media is not None and not media.startswith(SCHEME)
    return frozenset(services | {"folders"} if local else services)


def check_media(media: str) -> None:
    """See that this may be a place for media, before models are fetched and a stack is started for it.

    Raises:
        UsageError: It is empty (a path would be the working directory then), or no s3:// address.
        InputError: There is no such folder.
    """
    if not media.strip():
        raise UsageError(f"no media are named ({media!r}): expected s3://BUCKET, s3://BUCKET/PREFIX or a folder")
    if "://" in media:
        Location.parse(media)
    elif not Path(media).exists():
        raise InputError(f"there is no {media!r}: expected a folder with media, or s3://BUCKET/PREFIX")


def places(services: "Services", media: str, results: str | None) -> tuple[str, str]:
    """The media and the results as s3:// URIs: a local folder served in place, the local store by default."""
    from infra.folders import serve_folder

    check_media(media)
    if not media.startswith(SCHEME):
        media = serve_folder(Settings.from_environment(), Path(media)).uri
    return media, results_place(services, results)


def results_place(services: "Services", results: str | None) -> str:
    """The results as an s3:// URI: the local store by default, its bucket made if need be.

    Raises:
        UsageError: The store is somebody's own, and no place in it was named.
    """
    from infra.storage import Store

    if results is None and services.store != services.local_store:
        raise UsageError("--results is needed: results go into your own store, as s3://bucket/prefix")
    if results is None:
        Store(services.store).ensure_bucket(Location.parse(LOCAL_RESULTS).bucket)
        return LOCAL_RESULTS
    return results


def shelf_without_services(settings: Settings, results: str | None) -> "Shelf | None":
    """The local store's results as a plain folder: for what needs no service. None where they lie in a store."""
    from infra.parts import private_folder
    from infra.shelf import FolderShelf

    if results is not None or settings.store is not None:
        return None
    return FolderShelf(private_folder(settings.home / "s3") / Location.parse(LOCAL_RESULTS).bucket)


def stored_shelf(services: "Services", results: str | None) -> "Shelf":
    """The results in an object store, as a shelf."""
    from infra.shelf import StoreShelf
    from infra.storage import Store

    place = results_place(services, results)
    return StoreShelf(Store(services.access_for(place)), Location.parse(place))


def results_shelf(results: str | None) -> "Shelf":
    """The results wherever they are: the local store's as a folder, without starting it; else in their store."""
    from flows import terminal
    from infra import stack

    settings = Settings.from_environment()
    shelf = shelf_without_services(settings, results)
    if shelf is not None:
        return shelf
    return stored_shelf(stack.ensure(settings, need=frozenset({"s3"}), say=terminal.say), results)


def chosen_config(name: str, results: str | None) -> "Chosen":
    """The configuration of a name: a preset, a file, or what is `current` in the results; says if nothing is.

    Raises:
        ConfigError: There is no such configuration, or a value in it is wrong.
    """
    from flows import terminal
    from tasks.promotion.current import choose

    return choose(name, lambda: results_shelf(results), terminal.say)


def tell_current(names: "Iterable[str | None]", results: str | None) -> None:
    """Where `current` is among the names of configurations: say so if nothing is promoted, before the work begins."""
    from tasks.config.scoring import CURRENT

    if CURRENT in names:
        chosen_config(CURRENT, results)
