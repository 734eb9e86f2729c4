"""How often an address is asked to confirm that it is its reader's, by anybody: nobody's mailbox is to be filled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.rates import Quota

AT_ONCE: Final = 3
"""Letters to an address one after the other; beyond them one a minute."""
SECONDS: Final = 60 * AT_ONCE


class ConfirmationRate:
    """Counts the letters that this process has addresses asked by; `now` is as in `Quota`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._quota = Quota(AT_ONCE, SECONDS, now)

    def take(self, address: str) -> None:
        """Counts a letter. Raises ProblemError 429 when it is one too many; that one does not count."""
        if (wait := self._quota.take(_mailbox(address))) is not None:
            raise ProblemError(
                429,
                "CONFIRMATION_SENT_RECENTLY",
                f"the address was asked to confirm {AT_ONCE} times within {AT_ONCE} minutes; nothing was changed. Look "
                f"for the letter there, or retry in {wait} s, with the same Idempotency-Key",
                headers={"Retry-After": str(wait)},
            )

    def give_back(self, address: str) -> None:
        """Takes back a letter that was counted and will not be sent."""
        self._quota.give_back(_mailbox(address))


def _mailbox(address: str) -> str:
    """What addresses have in common that reach the same mailbox nearly everywhere."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
