"""Which kind of file somebody took away, by its first bytes, and what verifies it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from services.chassis.audit.offline import bundle
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.transparency.trust_policy import TrustPolicy

Verify = Callable[[IO[bytes], TrustPolicy | None], Findings]
"""Verifies a file that is open at its beginning, and reads no more of it at once than it has bounds for.

Without a policy the keys are those that the file itself holds. Raises nothing for whatever the file holds."""

_KINDS: Final[Mapping[bytes, Verify]] = {
    b"PK": bundle.verify,
}
"""What verifies a file that begins with these bytes."""


def verify_file(path: Path, policy: TrustPolicy | None) -> Findings:
    """What came of a file, of whichever kind. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        begins = file.read(2)
        file.seek(0)
        for first, verify in _KINDS.items():
            if begins.startswith(first):
                return verify(file, policy)
    findings = Findings()
    findings.found(What.MALFORMED, "the file is of no kind that is verified here")
    return findings
