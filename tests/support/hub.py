"""A stand-in for Hugging Face's hub: the addresses that its real client asks for, over HTTP, with files from a folder.

GET  /api/models/<id>[/revision/<rev>]       which commit, which files     (model_info)
GET  /api/models/<id>/tree/<commit>          sizes and digests             (list_repo_tree)
HEAD /<id>/resolve/<commit>/<file>           size, etag, commit
GET  /<id>/resolve/<commit>/<file>           the bytes
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt", ".pt")
"""Files that the hub keeps in git-lfs, and tells the SHA-256 of."""

_MODEL = re.compile(r"/api/models/(?P<id>[^/]+/[^/]+)(/revision/(?P<revision>.+))?")
_TREE = re.compile(r"/api/models/(?P<id>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)")
_FILE = re.compile(r"/(?P<id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass
class Repository:
    """One repository: its commits, each a folder, and what its branches and tags point to."""

    commits: dict[str, Path] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, revision: str) -> str | None:
        sha = self.refs.get(revision, revision)
        return sha if sha in self.commits else None


class FakeHub:
    """The hub's content, and what was asked of it.

    Attributes:
        url: Its address.
        asked: Method and path of every request, in order.
        spoiled: Files that are served with other bytes than announced.
        go_on: Cleared, the bytes of large files are held back until it is set.
        instead: What every question about a repository is answered with, where it is set.
        cut_after: Close the connection after so many bytes of a large file; None: never.
    """

    def __init__(self) -> None:
        self.url = ""
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str]] = []
        self.spoiled: set[str] = set()
        self.instead: bytes | None = None
        self.cut_after: int | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def add(self, source: str, folder: Path, *, sha: str, ref: str = "main") -> None:
        """Publish a folder as a commit, to which a branch or tag then points."""
        repository = self.repositories.setdefault(source, Repository())
        repository.commits[sha] = folder
        repository.refs[ref] = sha

    def fetched(self) -> list[str]:
        """The names of the files whose bytes were asked for."""
        return [match["file"] for method, path in self.asked if method == "GET" and (match := _FILE.fullmatch(path))]


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run the stand-in on a free port of this machine while the block runs."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path))
        if self.hub.instead is not None:
            return self._send(200, self.hub.instead, {"Content-Type": "application/json"}, body=body)
        for pattern, respond in ((_TREE, self._tree), (_MODEL, self._model), (_FILE, self._file)):
            match = pattern.fullmatch(path)
            if match is None:
                continue
            repository = self.hub.repositories.get(match["id"])
            if repository is None:
                return self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)
            sha = repository.commit(match["revision"] or "main")
            if sha is None:
                return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body=body)
            return respond(match, sha, repository.commits[sha], body)
        return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, body=body)

    def _model(self, match: re.Match[str], sha: str, folder: Path, body: bool) -> None:
        siblings = [
            {"rfilename": each["path"], "size": each["size"], "blobId": each["oid"]}
            | (
                {"lfs": {"sha256": each["lfs"]["oid"], "size": each["size"], "pointerSize": 134}}
                if "lfs" in each
                else {}
            )
            for each in _entries(folder)
        ]
        self._json({"id": match["id"], "modelId": match["id"], "sha": sha, "siblings": siblings}, body)

    def _tree(self, match: re.Match[str], sha: str, folder: Path, body: bool) -> None:
        self._json(_entries(folder), body)

    def _file(self, match: re.Match[str], sha: str, folder: Path, body: bool) -> None:
        path = folder / match["file"]
        if not path.is_file():
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body=body)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if body and path.suffix in LARGE:
            self.hub.go_on.wait(30)
        if path.name in self.hub.spoiled:
            content = bytes(len(content))
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"X-Repo-Commit": sha, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        cut = self.hub.cut_after if body and path.suffix in LARGE else None
        return self._send(206 if start else 200, content[start:], headers, body=body, cut=cut)

    def _json(self, document: Any, body: bool) -> None:
        self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"}, body=body)

    def _send(
        self, status: int, content: bytes, headers: dict[str, str], *, body: bool, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[:cut])
            self.close_connection = self.close_connection or cut is not None


def _entries(folder: Path) -> list[dict[str, Any]]:
    entries = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry: dict[str, Any] = {
            "type": "file", "path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "oid": digest[:40]
        }  # fmt: skip
        if path.suffix in LARGE:
            entry["lfs"] = {"oid": digest, "size": entry["size"], "pointerSize": 134}
        entries.append(entry)
    return entries
