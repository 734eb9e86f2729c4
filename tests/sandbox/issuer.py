"""An OpenID Connect issuer on loopback, as an identity provider would be in production."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.people import Person

KEY_ID = "2026-1"


class Issuer:
    """Publishes one key and signs tokens with it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.get_algorithm_by_name("ES256").to_jwk(self._key.public_key(), as_dict=True)
        issuer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "ES256"}]},
                }
                body = json.dumps(pages.get(self.path, {})).encode()
                self.send_response(200 if self.path in pages else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Says nothing: the test's output is the test's."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def token(self, person: Person) -> str:
        """A token of the person, good for five minutes."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "caserelay",
            "iat": now,
            "exp": now + 300,
            "sub": person.sub,
            "org": person.org,
            "role": person.role,
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": KEY_ID})


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer that answers until the block ends."""
    issuer = Issuer()
    thread = Thread(target=issuer.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join()
