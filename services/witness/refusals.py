"""Why a witness does not cosign, with the status that https://c2sp.org/tlog-witness gives each reason."""

from __future__ import annotations

from typing import ClassVar


class RefusesToCosign(Exception):  # noqa: N818 - reads as what happens
    """Nothing is cosigned; the message says why."""

    status: ClassVar[int] = 400


class Malformed(RefusesToCosign):
    """The request is none, or its old size is larger than that of its checkpoint."""


class UnknownLog(RefusesToCosign):
    """The witness has no key of this log."""

    status = 404


class NotSignedByLog(RefusesToCosign):
    """No known key of the log has signed the checkpoint, or one of them wrongly."""

    status = 403


class AnotherSize(RefusesToCosign):
    """The old size is another than that of the checkpoint that was cosigned last, which is `size`."""

    status = 409

    def __init__(self, size: int) -> None:
        super().__init__(f"the checkpoint that was cosigned last has {size} leaves")
        self.size = size


class Inconsistent(RefusesToCosign):
    """The checkpoint is not proven to continue the one that was cosigned last."""

    status = 422


class NotKept(RefusesToCosign):
    """What would be cosigned cannot be written down, so that a later one could contradict it."""

    status = 503
