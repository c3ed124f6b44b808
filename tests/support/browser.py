"""A headless Chromium, driven over its DevTools protocol: what a page asks of the network, logs, and holds."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
_WAIT_S = 60


def find_chromium() -> str | None:
    """Path of a Chromium on this machine, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass
class Page:
    """One tab. `requests`: every address it asked for; `complaints`: errors, warnings and blocked attempts."""

    socket: ClientConnection
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _next: int = 0
    _loaded: bool = False

    def open(self, path: Path, language: str = "en-US") -> None:
        """Load a file as a reader of `language`, and wait until it has loaded."""
        for domain in ("Page", "Network", "Log", "Runtime", "Audits"):
            self.send(f"{domain}.enable")
        agent = self.evaluate("navigator.userAgent")
        self.send("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        self._loaded = False
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not self._loaded:
            self._note(json.loads(self.socket.recv(timeout=_WAIT_S)))

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.send("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._next += 1
        self.socket.send(json.dumps({"id": self._next, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv(timeout=_WAIT_S))).get("id") != self._next:
            self._note(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    def _note(self, message: dict[str, Any]) -> None:
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method in {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"}:
            self.complaints.append(json.dumps(parameters))


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A fresh Chromium with one empty tab; nothing outside this machine resolves in it."""
    executable = find_chromium()
    assert executable is not None
    command = [
        executable, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_tab(profile, process), max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(timeout=_WAIT_S)


def _tab(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The address of the first tab's DevTools socket, once the browser has written its port."""
    written = profile / "DevToolsActivePort"
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if written.is_file() and written.read_text().strip():
            port = written.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=_WAIT_S) as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not start within {_WAIT_S} s (exit status {process.poll()})")
