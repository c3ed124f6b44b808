"""A server that lets in whoever knows its password, as Prefect's does."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def guarded(auth: str) -> Iterator[int]:
    """Answers with a version where `auth` is shown, and with 401 else; its health it tells everybody.

    Yields:
        Its port.
    """
    expected = f"Basic {base64.b64encode(auth.encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.path.endswith("/health") or self.headers.get("Authorization") == expected
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(b'"3"' if allowed else b"{}")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
