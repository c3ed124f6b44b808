"""Label files by path, URI or folder → what is labelled already. Owns the looking up; done.py what it means."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from infra.errors import InputError
from infra.location import SCHEME, Location
from infra.services import Services
from infra.storage import Store
from tasks.evaluation.run import read_label_file
from tasks.labelling.done import Done, done_of
from tasks.labels import read_labelled, read_spans

T = TypeVar("T")

_READERS = 16
"""Files read at once: a store answers slowly, but to many."""


def read_done(
    labels: Sequence[str],
    excluded: Sequence[str],
    uris: Iterable[str],
    services: Services,
    aliases: Mapping[str, str | None] | None = None,
) -> Done:
    """What label files say is done; see `done_of`.

    Args:
        labels, excluded: Paths, s3:// URIs of files, or of folders. What in a folder is no label file, or has no label,
            is told and passed over.
        uris: Of all media of the corpus.
        services: Where the stores are.
        aliases: Further label words.

    Raises:
        InputError: There is no such file, or a file that was named cannot be read.
    """
    problems: list[str] = []
    labelled = list(_read(labels, services, lambda data, name: read_labelled(data, name, aliases=aliases), problems))
    spans = list(_read(excluded, services, read_spans, problems))
    done = done_of(labelled, spans, uris)
    return replace(done, problems=(*problems, *done.problems))


def _read(
    sources: Sequence[str], services: Services, read: Callable[[bytes, str], T], problems: list[str]
) -> Iterator[T]:
    for source in sources:
        if not source.startswith(SCHEME):
            yield read(read_label_file(source), source)
            continue
        store = Store(services.access_for(source))
        found = [each.uri for each in store.list(Location.parse(source))]
        if not found:
            raise InputError(f"no label file {source}: give a path, or an s3:// URI of a file or a folder")
        with ThreadPoolExecutor(_READERS) as readers:
            for uri, data in zip(found, readers.map(store.get_bytes, found), strict=True):
                try:
                    yield read(data, uri)
                except InputError as error:
                    if uri == source:
                        raise
                    problems.append(f"{uri} is passed over: {error}")
