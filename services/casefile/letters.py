"""Posts letters that notifications wrote to mentors: their addresses are in this vault."""

from __future__ import annotations

from typing import Final

from contracts.casefile_codes import Side
from contracts.letter_codes import LetterResult
from contracts.letters import LetterToPost
from contracts.message import Envelope, read_data
from services.casefile.domain.case import CASE
from services.casefile.domain.mentor import MENTOR, mentor_stream
from services.casefile.domain.state import case_stream
from services.chassis.deciding.handler import Call
from services.chassis.deciding.streams import Streams
from services.chassis.mail.post import Post
from services.chassis.mail.postbox import Addressee, Postbox
from services.chassis.mail.writing import Parts
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Vault

SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")


class Letters:
    """Takes letters to mentors in; a message that is repeated changes nothing."""

    def __init__(self, streams: Streams, vault: Vault, post: Post, clock: Clock) -> None:
        self._streams, self._vault = streams, vault
        self.postbox = Postbox(streams, vault, post, clock, self.find, SYSTEM)

    async def react(self, event: Envelope) -> None:
        """Takes one letter in, if it is to a mentor. Raises ValidationError for a wrong shape."""
        message = read_data(LetterToPost, event)
        if message.side != Side.MENTOR:
            return
        letters = {name: Parts(words.subject, words.text, words.html, name) for name, words in message.letters.items()}
        # Without the message as its cause: notifications takes causes in first, and this one is its own.
        call = Call(actor=SYSTEM, correlation_id=event.id, traceparent=event.traceparent)
        addressee = f"{message.case}/{message.match}"
        await self.postbox.take(message.letter, message.number, addressee, letters, message.expires_at, call)

    async def find(self, addressee: str) -> Addressee:
        """How the mentor of a match (`case/match`) is written to, as long as it is proposed or runs."""
        case_id, _, match_id = addressee.partition("/")
        case = (await self._streams.fold(case_stream(case_id), CASE)).state
        if case.organisation is None or case.match is None or case.match.match != match_id:
            return Addressee(unwritten=LetterResult.MATCH_OVER.value)
        mentor = (await self._streams.fold(mentor_stream(case.organisation, case.match.mentor), MENTOR)).state
        record = await self._vault.read(mentor.contact_ref) if mentor.contact_ref is not None else None
        return Addressee() if record is None else Addressee(str(record["email"]), str(record["language"]))
