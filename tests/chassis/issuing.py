"""An OpenID Connect issuer for tests, as a real HTTP server."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "caserelay"


class Issuer:
    """An OpenID Connect issuer on the loopback address, whose documents a test may change."""

    def __init__(self) -> None:
        issuer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                status, body = issuer.pages.get(self.path, (404, b"{}"))
                time.sleep(issuer.slow)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", body.decode())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # anyone who asked may have stopped waiting
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Keeps the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realms/ghent"
        self.asked: list[str] = []
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.slow = 0.0
        self.private: dict[str, tuple[Any, str]] = {}
        self.discovery()
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def discovery(self, **changes: object) -> None:
        """Publishes the discovery document."""
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | changes
        self.pages["/realms/ghent/.well-known/openid-configuration"] = 200, json.dumps(document).encode()

    def make_key(self, kid: str, algorithm: str = "ES256", **more: object) -> None:
        """Adds a key and publishes the set."""
        key: Any = (
            ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
        )
        self.private[kid] = key, algorithm
        self.publish(*(key | more for key in self.jwks()))

    def jwks(self) -> list[dict[str, Any]]:
        """All keys as they are published."""
        return [
            jwt.get_algorithm_by_name(made).to_jwk(private.public_key(), as_dict=True) | {"kid": name}
            for name, (private, made) in self.private.items()
        ]

    def publish(self, *jwks: object) -> None:
        """Publishes a set of keys."""
        self.pages["/realms/ghent/keys"] = 200, json.dumps({"keys": jwks}).encode()

    def token(self, kid: str, algorithm: str | None = None, *, named: bool = True, **more: Any) -> str:
        """A token signed with that key, which it names; with more claims."""
        key, made = self.private[kid]
        claims = {
            "sub": "ines.debacker",
            "org": "vdab-gent",
            "role": "AGENCY_COUNSELLOR",
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 600,
            **more,
        }
        return jwt.encode(claims, key, algorithm=algorithm or made, headers={"kid": kid} if named else None)

    @property
    def fetches(self) -> int:
        """How often the set of keys was asked for."""
        return self.asked.count("/realms/ghent/keys")
