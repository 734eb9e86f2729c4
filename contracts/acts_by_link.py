"""What the referral service answers to an act by a link in an e-mail; `contracts/notifications.py` has the act."""

from __future__ import annotations

from typing import ClassVar

from contracts.message import Message


class ActByLinkAnswered(Message, frozen=True, kw_only=True):
    """What became of an act by a link in an e-mail; `refusal` is the code by which it was refused, if it was.

    What was done has a message of its own, in the name of the person who acted.
    """

    TYPE: ClassVar[str] = "org.caserelay.referral.act_by_link_answered.v1"
    NAME: ClassVar[str] = "ActByLinkAnswered"
    FED: ClassVar[bool] = False
    link: str
    case: str
    referral: str
    act: str
    refusal: str | None = None
