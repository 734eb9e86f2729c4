"""A certificate for a server on this machine, made for one test run, and the trust in it."""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.chassis.time.clock import machine_now

HOST: Final = "127.0.0.1"


@cache
def _pair() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = machine_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


def server_context() -> ssl.SSLContext:
    """What a server on 127.0.0.1 proves itself with: a certificate that nobody trusts who was not told of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with TemporaryDirectory() as folder:
        for name, text in zip(("certificate", "key"), _pair(), strict=True):
            (Path(folder) / name).write_bytes(text)
        context.load_cert_chain(Path(folder) / "certificate", Path(folder) / "key")
    return context


def trusting() -> ssl.SSLContext:
    """Who trusts that certificate, and no other."""
    return ssl.create_default_context(cadata=_pair()[0].decode())
