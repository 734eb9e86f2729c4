"""An OpenID Connect issuer on the loopback address: discovery, one key, and tokens signed with it.

The system under test is started as in production, and so it needs an issuer to fetch keys from.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

KEY_ID = "bench"
LIFETIME_SECONDS = 3600


class LoopbackIssuer:
    """Serves its documents while it is entered; `url` is what `iss` says and what the system is pointed at."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        self._jwks = {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "ES256"}]}
        issuer = self

        class Documents(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = issuer.document(self.path)
                body = json.dumps(document).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Nothing is logged between the lines of a benchmark."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def document(self, path: str) -> dict[str, object] | None:
        """What a GET of the path answers; None: there is nothing."""
        match path:
            case "/.well-known/openid-configuration":
                return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
            case "/keys":
                return dict(self._jwks)
            case _:
                return None

    def token(self, *, sub: str, org: str, role: str, audience: str = "caserelay") -> str:
        """A token of one person, valid for an hour."""
        now = int(time.time())
        claims = {"sub": sub, "org": org, "role": role, "iss": self.url, "aud": audience, "iat": now}
        return jwt.encode(
            {**claims, "exp": now + LIFETIME_SECONDS}, self._private, algorithm="ES256", headers={"kid": KEY_ID}
        )

    def __enter__(self) -> Self:
        """Starts serving."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
