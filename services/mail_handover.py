"""What stands behind `caserelay mail bounced`: posts a message to the system that sent the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Final

import httpx

LARGEST: Final = 1_000_000
"""Bytes of a message, as the route takes them."""
SECONDS: Final = 30.0
REFUSED: Final = 1
TRY_AGAIN: Final = 75
"""EX_TEMPFAIL of sysexits.h: a mail server keeps the message and comes again."""
_PATH: Final = "/v1/subscriptions/bounces"


class RefusedMessage(Exception):  # noqa: N818 - reads as what became of it
    """Nobody took the message; it says why, and nothing of what is in it. `status` is for who called the command."""

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


def hand_over(url: str, token: Path, message: BinaryIO) -> dict[str, Any]:
    """What the system says of a message. Raises RefusedMessage."""
    read = message.read(LARGEST + 1)
    if len(read) > LARGEST:
        raise RefusedMessage(f"the message has more than {LARGEST:,} bytes", REFUSED)
    # All that is looked at is ASCII, whatever else a server quotes of the letter.
    body = {"message": read.decode("utf-8", "replace").replace("\0", "")}
    try:
        bearer = token.read_text("utf-8", "replace").strip()
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = httpx.post(url.rstrip("/") + _PATH, json=body, headers=headers, timeout=SECONDS)
    except OSError:
        raise RefusedMessage("--token: the file cannot be read", TRY_AGAIN) from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        raise RefusedMessage("the system cannot be reached", TRY_AGAIN) from None
    if answer.status_code == httpx.codes.OK:
        return _taken(answer)
    # What is wrong with the message stays so; a token that has ended, or a busy system, does not.
    for_good = answer.status_code in (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.REQUEST_ENTITY_TOO_LARGE)
    raise RefusedMessage(_reason(answer), REFUSED if for_good else TRY_AGAIN)


def _taken(answer: httpx.Response) -> dict[str, Any]:
    try:
        taken = answer.json()
        return {"subscription": str(taken["subscription"]), "bounced": bool(taken["bounced"])}
    except (ValueError, KeyError, TypeError):
        # Something else answers there, such as a page in front of the system.
        raise RefusedMessage("the answer is not that of the system", TRY_AGAIN) from None


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{answer.status_code} {problem['code']}: {problem['title']}"
    except (ValueError, KeyError, TypeError):
        return f"the system answers {answer.status_code}"
