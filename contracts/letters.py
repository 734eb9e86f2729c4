"""Letters to people without an account: notifications writes them, and the service that keeps the address posts them.

So an address never leaves the vault that it was put into. Nor does a secret go over the bus: who posts a letter makes
the token of its link, or the code, puts it in the place of `{secret}`, and tells a hash. That of a code is made with
the token, which nobody but the reader of the letters has, so that it cannot be found by trying.
"""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import LetterResultCode, SideCode
from contracts.message import Instant, Message, Published


class LetterWords(Published, frozen=True, kw_only=True):
    """What a letter says in one language, as a text and as HTML, with `{secret}` where the secret goes."""

    subject: str
    text: str
    html: str


class LetterToPost(Message, frozen=True, kw_only=True):
    """A letter to mentor or mentee of a match is to be posted, in the language of its reader, or else in English.

    `number` 0 is the letter with the link, 1 and more are those with a code. After `expires_at`, by the machine's
    clock, it is of no use.
    """

    TYPE: ClassVar[str] = "org.caserelay.notifications.letter_to_post.v1"
    NAME: ClassVar[str] = "LetterToPost"
    FED: ClassVar[bool] = False
    letter: str
    number: int
    case: str
    match: str
    side: SideCode
    letters: dict[str, LetterWords]
    expires_at: Instant


class LetterPosted(Message, frozen=True, kw_only=True):
    """What became of a letter. Where it was sent, `secret` is the hash of what stands in it; no letter, no secret."""

    FED: ClassVar[bool] = False
    letter: str
    number: int
    case: str
    result: LetterResultCode
    language: str | None = None
    secret: str | None = None
    at: Instant


class MenteesLetterPosted(LetterPosted, frozen=True, kw_only=True):
    """The referral service, which has the contact data of the person, posted a letter, or did not."""

    TYPE: ClassVar[str] = "org.caserelay.referral.letter_posted.v1"
    NAME: ClassVar[str] = "MenteesLetterPosted"


class MentorsLetterPosted(LetterPosted, frozen=True, kw_only=True):
    """The casefile service, which has the mentors' addresses, posted a letter, or did not."""

    TYPE: ClassVar[str] = "org.caserelay.case.letter_posted.v1"
    NAME: ClassVar[str] = "MentorsLetterPosted"
