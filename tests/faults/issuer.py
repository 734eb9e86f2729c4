"""An OpenID Connect issuer on the loopback address, for processes that run as in production."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.people import Person

KEY_ID: Final = "the-only-one"


class LoopbackIssuer:
    """Publishes one key, and signs whatever tokens a test needs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        published = jwt.get_algorithm_by_name("ES256").to_jwk(self._key.public_key(), as_dict=True)
        pages = {"/keys": {"keys": [{**published, "kid": KEY_ID}]}}

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(pages.get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Keeps the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        pages["/.well-known/openid-configuration"] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}  # type: ignore[dict-item]
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def token(self, person: Person) -> str:
        """A token for one person, good for an hour."""
        claims = {"sub": person.sub, "org": person.org, "role": person.role, "iss": self.url, "aud": "caserelay"}
        return jwt.encode(
            {**claims, "exp": int(time.time()) + 3600}, self._key, algorithm="ES256", headers={"kid": KEY_ID}
        )

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()
