"""What the notifications service's operations are for, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Any, Final

from contracts.subscription_codes import SubscriptionState
from services.chassis.http.audit import operations
from services.chassis.http.openapi.operations import ApiDescription, Operation
from services.notifications.access import POLICY
from services.notifications.actions import ACTIONS, Action
from services.notifications.routes.responses import schemas

_PLACE: Final = "/v1/subscriptions/{subscription_id}"
_MORE: Final = {
    "pause": "A coordinator pauses no e-mail of another `person` (403 `NOT_YOUR_MAILBOX`).",
    "resume": "A coordinator resumes no e-mail of another `person` (403 `NOT_YOUR_MAILBOX`).",
    "verify": "Of a webhook a signed POST of the type `org.caserelay.subscription.verification.v1` with "
    '`data.challenge` follows, which is answered 200 with `{"challenge": …}`; of an e-mail a link to the address. '
    "Proven already, nothing happens; one that is DISABLED goes on where it stopped. An address gets three "
    "such links in a row, and one a minute beyond that (429).",
    "test": "An event of the type `org.caserelay.subscription.test.v1` follows.",
    "rotate-secret": "The answer has the new `secret`. Until `keepOldFor` is over deliveries carry signatures of both.",
    "replay": "They come as deliveries of their own, if the subscriber may still see them then.",
}


def _command(action: Action[Any]) -> Operation:
    roles = ", ".join(POLICY.who_may(action.name))
    states = ", ".join(state for state in SubscriptionState if state in action.states)
    purpose = (
        f"{action.summary} {_MORE.get(action.name, '')} For {roles} of the organisation; possible in {states}. "
        "`If-Match` names the version that it was decided on. With `dryRun=true` nothing is written."
    )
    return Operation(f"subscription-{action.name}", purpose.replace("  ", " "))


DESCRIBED: Final = ApiDescription(
    purpose="Delivers what happens to the parties of a case, once and in order: as pages, as a stream, to endpoints.",
    tags={
        "feed": "Events as CloudEvents, as pages or as a stream.",
        "links": "Pages that links in e-mails lead to.",
        "deliveries": "What became of each event that an endpoint was told, attempt by attempt.",
        "reconciliations": "Whether both sides have the same cases, in the same state.",
        "subscriptions": "Webhooks and e-mail: where an organisation is told of what, and whether that is proven.",
        "audit": "The transparency log of what the service recorded: signed, and provable to who does not trust it.",
    },
    schemas=schemas,
    operations={
        "GET /v1/feed": Operation(
            "feed-read",
            "A page of what the caller may see, starting with the first event. `next` is always present, "
            "and is sent as `after`, even if nothing new has arrived.",
        ),
        "GET /v1/stream": Operation(
            "stream-open",
            "The same, live, as server-sent events named by their CloudEvents type. It continues until "
            "the token expires; a client that reconnects with `Last-Event-ID` misses and repeats nothing.",
        ),
        "GET /v1/event-types": Operation(
            "event-type-list",
            "All types of events, each with its JSON Schema, an example, who can receive it, and what the receiver is "
            "to do. `types` of the feed, of the stream and of a subscription takes them. A new version may have more. "
            "What endpoints are sent about themselves (`org.caserelay.subscription.…`) is not among them.",
        ),
        "POST /v1/reconciliations": Operation(
            "case-reconcile",
            "Compares a list of cases and referrals, as the organisation has them, with what it may see here: what is "
            "the same, what one of both lacks, what differs, and how to catch up. Nothing is changed. Of a case or "
            "referral that the organisation may see no more, only the last event is compared.",
        ),
        "GET /v1/reconciliations/digest": Operation(
            "case-digest",
            "A hash per open case and one over all, which the other side can compute as well: of all that the "
            "organisation has, or with `organisation` of those that an agency and an organisation have with each "
            "other, by what the organisation of both may see. `nightly` is the newest that was kept at midnight.",
        ),
        "GET /v1/subscriptions": Operation(
            "subscription-list",
            "A page of the subscriptions of the caller's organisation, in the order in which they were made.",
        ),
        "POST /v1/subscriptions": Operation(
            "subscription-create",
            "An organisation is told of what it may see from now on, by a webhook or by e-mail. It is PENDING until "
            "the endpoint has answered a challenge, or the person has confirmed the address. The `secret` is in this "
            "answer alone; sent again under the same key, the request has the same one. `publicKey` verifies the "
            "signatures `v1a`, the secret those of `v1` (Standard Webhooks). Whatever its `types`, a webhook also gets "
            "`org.caserelay.subscription.warning.v1` when another one of the organisation fails or is disabled: `data` "
            "has `subscription`, `warning`, `since` and `href`. The `person` of an e-mail is a coordinator's own `sub` "
            "and role, or anybody of the staff where a lead asks (403 `NOT_YOUR_MAILBOX`).",
        ),
        "POST /v1/subscriptions/bounces": Operation(
            "bounce-take",
            "For the OPERATOR: a message that came to the return path of a letter (`CASERELAY_MAIL_BOUNCES`). A report "
            "(RFC 3464) that the letter failed with a status 5.x.x marks its address as a refusal does: the "
            "subscription is DISABLED (`BOUNCED`). A policy (5.7.x), what is said of the letter or its sender (5.6.x, "
            "5.2.3, 5.3.4, 5.1.7, 5.1.8), a delay and an automatic answer change nothing, nor does a repeat, nor a "
            "report about an address before. Nothing of it is kept.",
        ),
        f"GET {_PLACE}": Operation(
            "subscription-read",
            "A subscription as it stands: whether it is proven, what became of the last challenge, why it is disabled.",
            versioned=True,
        ),
        f"PUT {_PLACE}": Operation(
            "subscription-change",
            "Replaces what was chosen; what is left out has its default. Another URL, address or person is PENDING "
            "again until it is proven, even if the subscription was paused or disabled. The channel stays. A "
            "coordinator has e-mail go elsewhere only where they are its `person` (403 `NOT_YOUR_MAILBOX`).",
            versioned=True,
        ),
        f"DELETE {_PLACE}": Operation(
            "subscription-delete",
            "Ends the subscription: nothing is sent any more, and its secrets and address are forgotten. "
            "A coordinator ends no e-mail of another `person` (403 `NOT_YOUR_MAILBOX`).",
        ),
        "GET /act/{token}": Operation(
            "link-read",
            "What somebody without an account may do by the link of an e-mail. Nothing changes, whatever follows it. A "
            "page, or JSON where that alone is accepted; no token is needed but the one in the path.",
            open=True,
        ),
        "POST /act/{token}/code": Operation(
            "link-code-send",
            "Sends 8 digits to the address that the link was sent to. They work for 10 minutes, for 5 tries; a link "
            "has 5 codes, one a minute.",
            open=True,
        ),
        "POST /act/{token}": Operation(
            "link-act",
            "Does it, in the name of the person whom the link was sent to; the record says by which proof "
            "(`LINK_AND_CODE`). It waits up to 5 s for what becomes of it. A link works once, for 72 hours.",
            open=True,
        ),
        "GET /mail/confirm/{token}": Operation(
            "address-confirmation-read",
            "Which organisation wants to send e-mail to the address. Nothing changes.",
            open=True,
        ),
        "POST /mail/confirm/{token}": Operation(
            "address-confirm",
            "The address is its reader's own: the subscription is ACTIVE from now on.",
            open=True,
        ),
        "GET /mail/unsubscribe/{token}": Operation(
            "address-leaving-read",
            "What would not come any more. Nothing changes.",
            open=True,
        ),
        "POST /mail/unsubscribe/{token}": Operation(
            "address-leave",
            "Nothing is sent to the address any more: the subscription is DISABLED (`UNSUBSCRIBED`). Mail programs "
            "send `List-Unsubscribe=One-Click` here.",
            open=True,
        ),
        f"GET {_PLACE}/deliveries": Operation(
            "delivery-list",
            "A page of the deliveries of a subscription, in the order in which their events came, and those of replays "
            "and tests where they were first attempted. A PENDING one has its place already and keeps it, so that who "
            "reads page by page gets each once, whatever is attempted meanwhile. A page may have fewer items than "
            "`limit`, or none, and a `next` all the same: the list ends where `next` is null.",
        ),
        "GET /v1/deliveries/{delivery_id}": Operation(
            "delivery-read",
            "A delivery with all of its attempts. One that is RETRYING holds its case at this endpoint until it has "
            "arrived or FAILED; WITHHELD names the rule by which the organisation may not get it any more.",
            versioned=True,
        ),
        "POST /v1/deliveries/{delivery_id}/retry": Operation(
            "delivery-retry",
            "Sends a delivery again, whatever became of it, beginning with the first pause and holding nothing. What "
            "the organisation may not get any more is withheld again. With `dryRun=true` nothing is written.",
        ),
        **{f"POST {_PLACE}/{action.name}": _command(action) for action in ACTIONS.values() if action.method == "POST"},
        **operations("notifications"),
    },
)
