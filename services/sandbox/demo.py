"""The demo's organisations, programme and people. All fictitious."""

from __future__ import annotations

from typing import Any, Final, Protocol

import httpx

from services.sandbox.charter import CHARTER, VERSION
from services.sandbox.client import Person, Refusal

OPERATOR: Final = Person("demo.operator", "caserelay-demo", "OPERATOR")
INES: Final = Person("ines.debacker", "vdab-gent", "AGENCY_COUNSELLOR")
LOTTE: Final = Person("lotte.claes", "brugwerk", "NGO_COORDINATOR")
KARIM: Final = Person("karim.haddad", "samenstap", "NGO_COORDINATOR")
MENTOR: Final = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")
MENTEE: Final = Person("CL-7F3A", "vdab-gent", "MENTEE")
"""The person of the story, who signs in by the agency's pseudonym."""
LEADS: Final = (
    Person("tom.maes", "vdab-gent", "AGENCY_TEAM_LEAD"),
    Person("hanne.wouters", "brugwerk", "NGO_LEAD"),
    Person("saida.amrani", "samenstap", "NGO_LEAD"),
)
"""Who signs the charter, each for an organisation."""
AUDITOR: Final = Person("demo.auditor", "rekenhof-demo", "AUDITOR")

PROGRAMME: Final = "mtw-be-2026"

ORGANISATIONS: Final[dict[str, dict[str, Any]]] = {
    "caserelay-demo": {"name": "Caserelay demo operator", "kind": "PLATFORM_OPERATOR"},
    "vdab-gent": {"name": "VDAB Gent (demo)", "kind": "AGENCY", "programmes": [PROGRAMME], "languages": ["nl"]},
    "brugwerk": {
        "name": "Brugwerk vzw (demo)",
        "kind": "MENTORING_ORG",
        "programmes": [PROGRAMME],
        "languages": ["nl", "ar", "fr"],
        "sectors": ["N", "O"],
    },
    "samenstap": {
        "name": "Samenstap vzw (demo)",
        "kind": "MENTORING_ORG",
        "programmes": [PROGRAMME],
        "languages": ["nl", "en", "ti"],
        "sectors": ["I", "O"],
    },
    "rekenhof-demo": {"name": "Rekenhof (demo)", "kind": "AUDIT_BODY"},
}

PROGRAMME_VERSION: Final[dict[str, Any]] = {
    "validFrom": "2026-01-01",
    "kind": "MENTORING_TO_WORK",
    "name": "Mentoring to work (demo)",
    "timeZone": "Europe/Brussels",
    "country": "BE",
    "criteria": ["REGISTERED_JOBSEEKER", "RIGHT_TO_WORK", "NO_CONCURRENT_PROGRAMME"],
    "arrangementId": "demo-arrangement-2026",
    "contactPoint": "privacy@caserelay.example",
    "charterVersion": "v1",
}


class Client(Protocol):
    """Who sends requests for the people of the demo; `SandboxClient` says what each parameter means."""

    async def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request. Raises Refusal unless it succeeds."""

    async def command(self, person: Person, resource: str, action: str) -> httpx.Response:
        """A command without a body, on the resource as it is now. Raises Refusal."""


async def set_the_scene(client: Client, *, charter: bool = True) -> None:
    """The programme, the organisations and the charter, as described here; what stands so already is left alone.

    Without `charter`, for a referral service that stands alone, there is none.
    """
    await _published(client)
    last = None
    for organisation, description in ORGANISATIONS.items():
        last = await _described(client, organisation, description) or last
    if charter:
        await _agreed(client, last)


async def _published(client: Client) -> None:
    try:
        await client.send(OPERATOR, "GET", f"/v1/programmes/{PROGRAMME}")
    except Refusal:
        await client.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/1", PROGRAMME_VERSION)


async def _described(client: Client, organisation: str, description: dict[str, Any]) -> str | None:
    path = f"/v1/organisations/{organisation}"
    try:
        await client.send(OPERATOR, "GET", path)
    except Refusal:
        return (await client.send(OPERATOR, "PUT", path, description)).headers["Position"]
    return None


async def _agreed(client: Client, described: str | None) -> None:
    """`described`: the Position of the last organisation that was described, which the casefile service must know."""
    charter = f"/v1/charters/{VERSION}"
    wait = {"waitFor": described} if described is not None else None
    try:
        await client.send(OPERATOR, "GET", charter, params=wait)
    except Refusal:
        await client.send(OPERATOR, "PUT", charter, CHARTER)
    for lead in LEADS:
        if lead.org not in (await client.send(lead, "GET", charter)).json()["signedBy"]:
            await client.command(lead, charter, "sign")
