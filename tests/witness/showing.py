"""A service as a witness that follows it meets it, which shows whatever log a test has it show."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from services.chassis.transparency.base64_text import encoded
from tests.chassis.transparency.naive_tree import proof
from tests.witness.logs import Log

PLACE = "/v1/audit/referral"


class Showing:
    """Shows `log` at `size`, to who has the token; `answer` and `proof` in the place of right ones, where set."""

    def __init__(self, log: Log, size: int) -> None:
        self.log, self.size, self.token = log, size, "token-of-an-auditor"
        self.answer: bytes | None = None
        self.proof: bytes | None = None
        self.pause = 0.0
        """Seconds before each byte."""
        self.url = ""

    def page(self, path: str) -> tuple[int, bytes]:
        """Status and content of an answer."""
        parts = urlsplit(path)
        if parts.path == f"{PLACE}/checkpoint":
            return 200, self.answer if self.answer is not None else self.log.checkpoint(self.size).content
        if self.proof is not None:
            return 200, self.proof
        asked = parse_qs(parts.query)
        first, second = int(asked["from"][0]), int(asked["to"][0])
        if parts.path != f"{PLACE}/consistency" or second > self.size:
            return 404, b"{}"
        hashes = proof(first, self.log.leaves[:second]) if first < second else []
        return 200, json.dumps({"proof": [encoded(each) for each in hashes]}).encode()


@contextmanager
def showing(log: Log, size: int) -> Iterator[Showing]:
    """The service, listening."""
    shown = Showing(log, size)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == f"Bearer {shown.token}"
            status, content = shown.page(self.path) if known else (401, b"{}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for part in [content] if not shown.pause else map(bytes, zip(content)):
                time.sleep(shown.pause)
                self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    shown.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield shown
    finally:
        server.shutdown()
        server.server_close()
