"""Takes a message to a mailbox: as a letter in the language of its reader, with a link by which it can be answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from contracts.subscription_codes import ChallengeOutcome
from services.chassis.deciding.streams import Streams
from services.chassis.mail.post import Post
from services.chassis.mail.smtp import MailAnswer, Result
from services.chassis.modelling.days import in_utc
from services.chassis.vault.vault import Vault
from services.notifications.delivering.carrier import ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.domain.link import LIFE
from services.notifications.domain.subscription import Subscription
from services.notifications.domain.subscription_events import Choices
from services.notifications.email.composing import Around, answer_letter, confirm_letter, letter_of
from services.notifications.email.letters import Letter, parts_of
from services.notifications.email.return_paths import ReturnPaths
from services.notifications.links.acting import Links, acting_on
from services.notifications.links.mailing_list import MailingList
from services.notifications.organisation_names import OrganisationNames
from services.notifications.reactor import SYSTEM
from services.notifications.webhooks.sender import Answer

BOUNCED: Final = "BOUNCED"
"""The error of an attempt by which the mail server said that no letter ever reaches the address."""


class MailCarrier:
    """Sends to the mailboxes of subscriptions."""

    def __init__(
        self,
        post: Post,
        vault: Vault,
        streams: Streams,
        links: Links,
        mailing_list: MailingList,
        returns: ReturnPaths,
    ) -> None:
        self._post, self._vault, self._links = post, vault, links
        self._mailing_list, self._returns = mailing_list, returns
        self.name_of = OrganisationNames(streams).name_of

    async def carry(self, subscription: Subscription, message: Mapping[str, Any], at: datetime) -> Answer:
        """One attempt to deliver a message. Raises ForgottenSecrets where the address was forgotten."""
        address, choices = await self._address(subscription)
        delivery = delivery_id(subscription.subscription, str(message["id"]))
        around = await self.around(subscription)
        acting = acting_on(message, subscription)
        if acting is not None:
            link = await self._links.issue(delivery, subscription, acting, SYSTEM)
            letter = answer_letter(choices, around, link, at + LIFE)
        else:
            awaited = message["data"].get("awaited")
            name = await self.name_of(awaited) if awaited is not None else None
            letter = letter_of(message, choices, around, name)
        return as_answer(await self._sent(subscription, address, letter, delivery))

    async def test(self, subscription: Subscription, test: str, at: datetime) -> Answer:
        """One attempt to deliver a test letter. Raises ForgottenSecrets."""
        address, choices = await self._address(subscription)
        message = {"id": test, "type": "", "time": in_utc(at), "data": {}}
        letter = letter_of(message, choices, await self.around(subscription))
        identity = delivery_id(subscription.subscription, test)
        return as_answer(await self._sent(subscription, address, letter, identity))

    async def ask(self, subscription: Subscription) -> tuple[ChallengeOutcome, int | None]:
        """Asks the reader of the address to confirm it: SENT, or what stood in the way. Raises ForgottenSecrets."""
        address, choices = await self._address(subscription)
        link = self._mailing_list.confirm_link(subscription)
        letter = confirm_letter(choices, await self.name_of(subscription.organisation), link.url, link.until)
        identity = f"{subscription.subscription}.{subscription.challenge}"
        answer = await self._sent(subscription, address, letter, identity)
        return _outcome_of(answer), answer.status

    async def send(self, subscription: Subscription, letter: Letter, identity: str) -> MailAnswer:
        """Sends a letter of another kind to the subscription's address. Raises ForgottenSecrets."""
        address, _ = await self._address(subscription)
        return await self._sent(subscription, address, letter, identity)

    async def around(self, subscription: Subscription) -> Around:
        """What letters to a subscription say beside their message."""
        name = await self.name_of(subscription.organisation)
        return Around(name, self._post.url, self._mailing_list.unsubscribe_link(subscription))

    async def _sent(self, subscription: Subscription, address: str, letter: Letter, identity: str) -> MailAnswer:
        returns = self._returns.for_letter(subscription, identity)
        return await self._post.send(address, parts_of(letter), identity, returns)

    async def _address(self, subscription: Subscription) -> tuple[str, Choices]:
        choices = subscription.choices
        ref = choices.address_ref if choices is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        if choices is None or record is None:
            raise ForgottenSecrets
        return str(record["address"]), choices


def as_answer(answer: MailAnswer) -> Answer:
    """What came of a letter, as an attempt of a delivery has it."""
    error = BOUNCED if answer.address_refused else answer.error
    return Answer(status=answer.status, error=error, latency_ms=answer.latency_ms)


def _outcome_of(answer: MailAnswer) -> ChallengeOutcome:
    if answer.result is Result.ACCEPTED:
        return ChallengeOutcome.SENT
    if answer.address_refused:
        return ChallengeOutcome.BOUNCED
    if answer.status is not None:
        return ChallengeOutcome.STATUS
    return ChallengeOutcome.__members__.get(answer.error or "", ChallengeOutcome.CONNECTION)
