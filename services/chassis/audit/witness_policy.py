"""The witnesses of the settings: a file as c2sp.org/tlog-policy has it, of which those are asked that have a URL."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.chassis.audit.http_urls import is_http_url
from services.chassis.refused_start import RefusedStart
from services.chassis.transparency.keys import SignatureType
from services.chassis.transparency.trust_policy import Party, TrustPolicy

_NAMED: Final = "CASERELAY_WITNESS_POLICY"


class RefusedPolicy(RefusedStart):
    """What CASERELAY_WITNESS_POLICY names cannot be used; the message says why."""


def read_policy(file: Path) -> TrustPolicy:
    """The policy in a file. Raises RefusedPolicy."""
    try:
        policy = TrustPolicy.read(file.read_bytes())
    except OSError as failure:
        raise RefusedPolicy(f"{_NAMED}: {file} cannot be read ({failure.strerror})") from None
    except ValueError as failure:
        raise RefusedPolicy(f"{_NAMED}: {file}: {failure}") from None
    for name, witness in policy.witnesses.items():
        if not name.isprintable():
            # Opaque to the format; but every line that we write names witnesses.
            raise RefusedPolicy(f"{_NAMED}: {file}: the name of a witness is not written in UTF-8")
        if witness.url is not None and not is_http_url(witness.url):
            raise RefusedPolicy(f"{_NAMED}: {file}: the URL of {name} is none of http or https")
    if not reachable(policy):
        raise RefusedPolicy(f"{_NAMED}: {file}: no witness has a URL and a key of Ed25519, so that nobody can be asked")
    return policy


def reachable(policy: TrustPolicy) -> dict[str, Party]:
    """The witnesses that can be asked: they have a URL, and a key whose cosignatures can be checked here."""
    return {
        name: witness
        for name, witness in policy.witnesses.items()
        if witness.url is not None and witness.key.kind == SignatureType.COSIGNATURE_V1
    }
