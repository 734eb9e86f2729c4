"""The OpenID Connect issuer of `deploy/compose.yaml`, for trying the system where there is no other.

It gives a token of any role to anyone who may run a command in its container, so it is for demo data only. The services
speak to an issuer over TLS and not otherwise: it makes itself a certificate at every start and leaves it where they
find it. The key that signs tokens lasts as long as the container.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.sandbox.client import SandboxClient
from services.sandbox.demo import set_the_scene
from services.sandbox.development_issuer import DevelopmentIssuer

HOST: Final = "issuer"
PORT: Final = 8650
URL: Final = f"https://{HOST}:{PORT}"
GATEWAY: Final = "http://gateway:8080"
SECRETS: Final = Path("/tmp/issuer")  # noqa: S108 - a file system in memory, of this container alone
HOW: Final = f"""\
The development issuer is ready. A token, for twelve hours:
  docker compose -f deploy/compose.yaml exec issuer python /issuer.py token \\
    --org vdab-gent --role AGENCY_COUNSELLOR --sub ines.debacker
The demo's programme and organisations:
  docker compose -f deploy/compose.yaml exec issuer python /issuer.py scene
The API: http://127.0.0.1:8640. Not for real people: set CASERELAY_ISSUER for an issuer of your own instead of {URL}."""


@click.group()
def main() -> None:
    """A development issuer for one machine."""


def _issuer() -> DevelopmentIssuer:
    return DevelopmentIssuer(SECRETS, URL)


@main.command()
@click.option("--org", required=True)
@click.option("--role", required=True)
@click.option("--sub", required=True)
@click.option("--audience", default="caserelay")
def token(org: str, role: str, sub: str, audience: str) -> None:
    """Prints one bearer token."""
    try:
        click.echo(_issuer().issue(sub=sub, org=org, role=role, audience=audience))
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from None


@main.command()
def scene() -> None:
    """Enters the demo's programme and organisations, through the gateway."""
    issuer = _issuer()

    def token_of(sub: str, org: str, role: str) -> str:
        return issuer.issue(sub=sub, org=org, role=role, audience="caserelay")

    async def enter() -> None:
        async with SandboxClient(GATEWAY, token_of) as client:
            await set_the_scene(client)

    asyncio.run(enter())


@main.command()
@click.argument("trusted", type=click.Path(file_okay=False, path_type=Path))
def serve(trusted: Path) -> None:
    """Serves discovery and keys; the certificate to trust is left in the directory given, as issuer.pem."""
    issuer = _issuer()
    shown: dict[str, Any] = {
        "/.well-known/openid-configuration": {"issuer": URL, "jwks_uri": f"{URL}/keys"},
        "/keys": issuer.jwks(),
    }

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = shown.get(self.path)
            body = json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Nothing is worth a line."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(trusted / "issuer.pem"), SECRETS / "tls.pem")
    server = ThreadingHTTPServer(("0.0.0.0", PORT), Documents)  # noqa: S104 - the network of the containers
    server.socket = context.wrap_socket(server.socket, server_side=True)
    click.echo(HOW)
    server.serve_forever()


def _certificate(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    (SECRETS / "tls.pem").touch(mode=0o600)
    (SECRETS / "tls.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file


if __name__ == "__main__":
    main()
