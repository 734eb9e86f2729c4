"""Checks who signed a bundle: the checkpoint of each of its logs and its manifest, by a policy or its own keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.chassis.audit.bundle.manifest import MANIFEST
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import Distrusted, TrustPolicy


class Signatures:
    """Checks them log by log, against a policy if there is one."""

    def __init__(self, policy: TrustPolicy | None, findings: Findings) -> None:
        self._policy = policy
        self._findings = findings
        self.from_file = policy is None or not policy.logs
        """Whether the keys of the logs are those that the file itself holds."""

    def check(self, log: str, origin: str, kept: Mapping[str, bytes], manifest: Note) -> None:
        """The checkpoint of a log, and that the log signed the manifest."""
        try:
            note = Note.read(kept.get(f"{log}/checkpoint", b""))
            checkpoint = Checkpoint.read(note.text)
        except ValueError as failure:
            self._findings.found(What.MALFORMED, f"{log}/checkpoint: {failure}", log)
            return
        if checkpoint.origin != origin:
            self._findings.found(What.NOT_SIGNED, f"{log}/checkpoint is of another log than the manifest names", log)
            return
        try:
            keys = self._keys(log, origin, kept.get(f"{log}/keys", b""))
            note.verified(keys)
            if self._policy is not None:
                self._policy.cosigned(note)
        except Distrusted as failure:
            self._findings.found(What.DISTRUSTED, f"{log}/checkpoint: {failure}", log)
            return
        except ValueError as failure:
            what = What.NOT_SIGNED if self.from_file else What.DISTRUSTED
            self._findings.found(what, f"{log}/checkpoint: {failure}", log)
            return
        try:
            manifest.verified(keys)
        except ValueError as failure:
            self._findings.found(What.NOT_SIGNED, f"{MANIFEST}: {failure}", log)

    def _keys(self, log: str, origin: str, own: bytes) -> list[VerifierKey]:
        """The keys that are trusted to sign for a log. Raises ValueError, and Distrusted where there is none."""
        keys: Iterable[VerifierKey]
        if self._policy is not None and self._policy.logs:
            keys = (each.key for each in self._policy.logs)
        else:
            try:
                keys = [VerifierKey.read(line) for line in own.decode("utf-8").splitlines()]
            except ValueError as failure:
                raise ValueError(f"{log}/keys: {failure}") from None
        known = [key for key in keys if key.name == origin]
        if not known:
            raise Distrusted("no trusted key is of this log")
        return known
