"""Posts letters that notifications wrote to people whom a referral is about: their contact data are in this vault."""

from __future__ import annotations

from typing import Any, Final

from contracts.casefile_codes import Side
from contracts.codes import ReferralState
from contracts.letter_codes import LetterResult
from contracts.letters import LetterToPost
from contracts.message import Envelope, read_data
from services.chassis.deciding.handler import Call
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.index.projection import Projection
from services.chassis.mail.post import Post
from services.chassis.mail.postbox import Addressee, Postbox
from services.chassis.mail.writing import Parts
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Vault
from services.referral.domain.legal_basis import LEGAL_BASIS, legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.projection import REFERRALS

SYSTEM: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")
AT_ONCE: Final = 100
"""Referrals of a case that are read together, to find the one that an organisation has accepted."""


class Letters:
    """Takes letters to mentees in; a message that is repeated changes nothing."""

    def __init__(
        self, streams: Streams, vault: Vault, post: Post, index: IndexReader, projection: Projection, clock: Clock
    ) -> None:
        self._streams, self._vault, self._index, self._projection = streams, vault, index, projection
        self._clock = clock
        self.postbox = Postbox(streams, vault, post, clock, self.find, SYSTEM)

    async def react(self, event: Envelope) -> None:
        """Takes one message in; nothing follows from one of another type. Raises ValidationError for a wrong shape."""
        if event.type != LetterToPost.TYPE:
            return
        message = read_data(LetterToPost, event)
        if message.side != Side.MENTEE:
            return
        letters = {name: Parts(words.subject, words.text, words.html, name) for name, words in message.letters.items()}
        call = Call(actor=SYSTEM, correlation_id=event.id, traceparent=event.traceparent)
        await self.postbox.take(message.letter, message.number, message.case, letters, message.expires_at, call)

    async def find(self, case: str) -> Addressee:
        """How the person of a case is written to, as long as an organisation has the referral that it accepted."""
        referral, withdrawn = await self._accepted(case)
        if referral is None or referral.legal_basis_id is None:
            why = LetterResult.CONSENT_WITHDRAWN if withdrawn else LetterResult.MATCH_OVER
            return Addressee(unwritten=why.value)
        basis = (await self._streams.fold(legal_basis_stream(referral.legal_basis_id), LEGAL_BASIS)).state
        if not basis.valid_at(self._clock.now()):
            return Addressee(unwritten=LetterResult.CONSENT_WITHDRAWN.value)
        packet = referral.packet
        if packet is None or packet.contact_ref is None:
            return Addressee()
        record = await self._vault.read(packet.contact_ref)
        return Addressee(_email(record), packet.contact_language)

    async def _accepted(self, case: str) -> tuple[Referral | None, bool]:
        """The referral that an organisation has, if one has; if none has, whether the person withdrew one."""
        await self._projection.wait_through(await self._streams.log.head())
        after, withdrawn = 0, False
        while rows := await self._index.find(REFERRALS.name, {"case_id": case}, after=after, limit=AT_ONCE):
            for row in rows:
                referral = (await self._streams.fold(referral_stream(row.key), REFERRAL)).state
                if referral.state is ReferralState.ACCEPTED:
                    return referral, False
            after, withdrawn = rows[-1].seq, withdrawn or any(row.columns["consent_withdrawn"] for row in rows)
        return None, withdrawn


def _email(record: dict[str, Any] | None) -> str | None:
    address = record.get("email") if record is not None else None
    return str(address) if address is not None else None
