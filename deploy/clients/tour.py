"""The tour of README with a client that is generated from the OpenAPI document.

An agency refers, an organisation accepts, an auditor asks. `python tour.py URL` takes the tokens AGENCY, ORGANISATION
and AUDITOR from the environment.
"""

import os
import sys
from typing import TypeVar

from caserelay_client.api.cases import case_read_responsibility, case_read_timeline, worklist_read
from caserelay_client.api.feed import feed_read
from caserelay_client.api.referrals import (
    referral_accept,
    referral_create,
    referral_list_disclosures,
    referral_read_contact,
    referral_receive,
    referral_withdraw,
)
from caserelay_client.api.sandbox import clock_read
from caserelay_client.client import AuthenticatedClient
from caserelay_client.models import (
    AcceptBody,
    Problem,
    ReferralBody,
    ReferralState,
    ReferralSubmittedV1Event,
    RefusalCode,
    Step,
    WithdrawBody,
    WithdrawBodyReason,
)
from caserelay_client.types import Response, Unset

T = TypeVar("T")
URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8640"


def client_of(person: str) -> AuthenticatedClient:
    """A client with a person's token."""
    return AuthenticatedClient(base_url=URL, token=os.environ[person])


def answered(parsed: T | Problem | None) -> T:
    """What was answered, which is no refusal."""
    assert parsed is not None
    assert not isinstance(parsed, Problem), parsed
    return parsed


def refused(response: Response[T | Problem]) -> Problem:
    """Why it was refused."""
    assert isinstance(response.parsed, Problem), response
    return response.parsed


agency, organisation, auditor = client_of("AGENCY"), client_of("ORGANISATION"), client_of("AUDITOR")

# The agency refers.
now = answered(clock_read.sync(client=agency)).now.isoformat()
BODY = {
    "programme": "mtw-be-2026",
    "to": "brugwerk",
    "client": {"ref": "CL-PY01"},
    "contact": {"name": "Yusuf (demo)", "phone": "+32 470 00 00 03"},
    "contactLanguage": "tr",
    "languages": [{"tag": "nl", "level": "B1", "evidence": "TESTED"}],
    "occupations": [{"isco": "5120"}],
    "region": "BE234",
    "goals": ["SOCIAL"],
    "whyMentoring": "ADDED_CAPITAL",
    "alternativeConsidered": "JOB_COACHING",
    "eligibility": {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
    "participationChoice": {"chosenAt": now, "method": "IN_PERSON", "language": "tr"},
    "legalBasis": {"kind": "CONSENT", "recipient": "brugwerk", "textVersion": "v3", "language": "tr", "givenAt": now},
}
made = referral_create.sync_detailed(client=agency, body=ReferralBody.from_dict(BODY), idempotency_key="py-tour-1")
offer, written = answered(made.parsed), made.headers["Position"]
assert made.status_code == 201
assert offer.state is ReferralState.SUBMITTED
assert not isinstance(offer.due_at.receipt, Unset)

# The same key is answered as the first time.
again = referral_create.sync_detailed(client=agency, body=ReferralBody.from_dict(BODY), idempotency_key="py-tour-1")
assert answered(again.parsed).id == offer.id
assert again.headers["Idempotency-Replayed"] == "true"

# A command can be tried without consequences.
tried = answered(
    referral_withdraw.sync(
        offer.id, client=agency, body=WithdrawBody(WithdrawBodyReason.CLIENT_MOVED), dry_run=True, if_match='"1"'
    )
)
assert (tried.state, tried.dry_run) == (ReferralState.WITHDRAWN, True)

# A refusal has a code of a list that the client knows.
other = ReferralBody.from_dict({**BODY, "legalBasis": {**BODY["legalBasis"], "recipient": "samenstap"}})  # type: ignore[dict-item]
problem = refused(referral_create.sync_detailed(client=agency, body=other, idempotency_key="py-tour-2"))
assert problem.code is RefusalCode.LEGAL_BASIS_RECIPIENT

# The organisation finds it on its worklist, and in the feed with the data of its type.
worklist = answered(worklist_read.sync(client=organisation, wait_for=written))
assert any(item.case == offer.case and item.step is Step.REFERRAL_ANSWER for item in worklist.items)
feed = answered(feed_read.sync(client=organisation, limit=200, wait_for=written))
submitted = [event for event in feed.items if isinstance(event, ReferralSubmittedV1Event)]
assert any(event.data.client_ref == "CL-PY01" for event in submitted)

# It receives and accepts; a version that has moved on is refused.
received = referral_receive.sync_detailed(offer.id, client=organisation, body=None, if_match='"1"')
assert answered(received.parsed).state is ReferralState.RECEIVED
accept = AcceptBody(coordinator="lotte.claes")
stale = referral_accept.sync_detailed(offer.id, client=organisation, body=accept, if_match='"1"')
assert refused(stale).code is RefusalCode.STALE_VERSION
accepted = referral_accept.sync_detailed(offer.id, client=organisation, body=accept, if_match=received.headers["ETag"])
assert answered(accepted.parsed).state is ReferralState.ACCEPTED

# The coordinator may read how to reach the person, and the agency sees that it was read.
assert answered(referral_read_contact.sync(offer.id, client=organisation)).contact.name == "Yusuf (demo)"
disclosures = answered(referral_list_disclosures.sync(offer.id, client=agency))
assert any(disclosure.what == "CONTACT" and disclosure.to.sub == "lotte.claes" for disclosure in disclosures.items)

# The auditor asks who is responsible, and how it came to that.
assert isinstance(offer.case, str)
handed = accepted.headers["Position"]
responsible = answered(case_read_responsibility.sync(offer.case, client=auditor, wait_for=handed))
assert any(step.step is Step.INTAKE and step.owner.sub == "lotte.claes" for step in responsible.steps)
timeline = answered(case_read_timeline.sync(offer.case, client=auditor))
assert any(item.type_ == "ResponsibilityTransferred" for item in timeline.items)

print("the tour is over: the Python client was answered as its types say")
