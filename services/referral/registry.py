"""The HTTP routes of organisations, programmes and legal bases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response

from contracts.codes import OrganisationKind
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest, putting, replacing
from services.chassis.http.request.cursors import Paged, Pages
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, DryRun, Identifier, Limit
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.response.rendering import Json
from services.chassis.http.routing import Router
from services.chassis.index.index import IndexReader, Value
from services.chassis.modelling.days import time_zone
from services.chassis.modelling.decider import EXISTENCE, Command, Fault, Refused, Reserved
from services.chassis.time.calendar import WorkingDays
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault
from services.referral.access import ANY_ORGANISATION, POLICY, relations_to_organisation
from services.referral.domain.context import Context
from services.referral.domain.legal_basis import LEGAL_BASIS, WithdrawLegalBasis, legal_basis_stream
from services.referral.domain.organisation import (
    ORGANISATION,
    DescribeOrganisation,
    Description,
    OrganisationContext,
    organisation_stream,
)
from services.referral.domain.programme import PROGRAMME, Parameters, Programme, PublishVersion, Term, programme_stream
from services.referral.projection import ORGANISATIONS
from services.referral.queries import Referrals
from services.referral.routes import requests as bodies
from services.referral.routes.responses import LegalBasisAnswer, OrganisationAnswer, OrganisationPage, ProgrammeAnswer
from services.referral.views import legal_basis_view, organisation_view, programme_view

LOG = "referral"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Required where there is something already.")]


class Registry:
    """Organisations, programmes and legal bases, as callers find and change them."""

    def __init__(
        self,
        found: Referrals,
        organisations: Handler[Any, OrganisationContext],
        programmes: Handler[Any, Programme],
        referrals: Handler[Command, Context],
        vault: Vault,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self.streams = found.streams
        self._found = found
        self._organisations = organisations
        self._programmes = programmes
        self._referrals = referrals
        self._vault = vault
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def kind_of(self, organisation_id: str) -> str:
        """As what an organisation is registered; for one that is not, "", or the platform's if that is not either.

        So the platform can register itself; beside a platform nobody is let in by being unknown. Asked of the index as
        it is: who is first has none to wait for.
        """
        own = (await self.streams.fold(organisation_stream(organisation_id), ORGANISATION)).state.description
        if own is not None:
            return own.kind
        platform = OrganisationKind.PLATFORM_OPERATOR.value
        return "" if self._index.find(ORGANISATIONS.name, {"kind": platform}, after=0, limit=1) else platform

    async def organisation(self, organisation_id: str) -> tuple[Json, int]:
        """The view of an organisation and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(organisation_stream(organisation_id), ORGANISATION)
        if folded.state.description is None:
            raise Hidden
        ref = folded.state.description.contact_point_ref
        record = await self._vault.read(ref) if ref is not None else None
        point = record["text"] if record is not None else None
        return organisation_view(organisation_id, folded.state, folded.etag, point), folded.etag

    async def organisations(self, kinds: Sequence[str], pages: Pages, limit: int) -> Response:
        """A page of organisations, of any of these kinds; without one of all."""
        after = await pages.number()
        await self._caught_up()
        looks: list[dict[str, Value]] = [{"kind": kind} for kind in kinds] or [{}]
        most = limit + 1
        met = [row for look in looks for row in self._index.find(ORGANISATIONS.name, look, after=after, limit=most)]
        rows = sorted(met, key=lambda row: row.seq)[:most]
        found = await asyncio.gather(*(self.organisation(row.key) for row in rows[:limit]))
        more = rows[limit - 1].seq if len(rows) > limit else None
        return responses.page([view for view, _ in found], pages.next(more))

    async def describe(
        self, asked: CommandRequest, organisation_id: str, body: bodies.OrganisationBody, reserved: Reserved
    ) -> Response:
        """Describes an organisation, but for the fields that are reserved from the caller."""
        stream = organisation_stream(organisation_id)
        deposit = Deposit(self._vault, stream)
        ref = await self._contact_point(stream, body.contact_point, deposit)
        command = DescribeOrganisation(
            at=self._clock.now(),
            by=asked.actor,
            organisation=organisation_id,
            description=Description(
                name=body.name,
                kind=body.kind.value if body.kind is not None else "",
                programmes=tuple(body.programmes),
                languages=tuple(body.languages),
                sectors=tuple(body.sectors),
                capacity=body.capacity,
                contact_point_ref=ref,
                suspended=body.suspended,
            ),
            # Who does not know of suspension does not end it; beyond that, a PUT by the operator says all there is.
            left_out=((reserved.fields - {EXISTENCE}) | {"suspended"}) - body.model_fields_set,
            reserved=reserved,
        )
        outcome = await self._organisations.handle(
            command, stream, ORGANISATION, asked.call(), must_exist=False, before_append=deposit.keep
        )
        view = organisation_view(organisation_id, outcome.state, outcome.etag, body.contact_point)
        return responses.command_result(asked, outcome, view, LOG)

    async def _contact_point(self, stream: str, text: str | None, deposit: Deposit) -> str | None:
        """The reference of a contact point; the one that stands, where it stands for the same text."""
        if text is None:
            return None
        stands = (await self.streams.fold(stream, ORGANISATION)).state.description
        ref = stands.contact_point_ref if stands is not None else None
        kept = await self._vault.read(ref) if ref is not None else None
        record = {"text": text}
        return ref if kept == record else deposit.put("contact-point", record)

    async def programme(self, programme_id: str) -> tuple[Json, int]:
        """The view of a programme and its ETag's version. Raises Hidden where there is none."""
        folded = await self.streams.fold(programme_stream(programme_id), PROGRAMME)
        if not folded.version:
            raise Hidden
        return programme_view(programme_id, folded.state, folded.etag, self._clock.now()), folded.etag

    async def publish(
        self, asked: CommandRequest, programme_id: str, version: int, body: bodies.ProgrammeVersionBody
    ) -> Response:
        """Publishes a version of a programme's parameters."""
        parameters = Parameters(
            kind=body.kind.value,
            name=body.name,
            time_zone=body.time_zone,
            country=body.country,
            criteria=tuple(body.criteria),
            arrangement_id=body.arrangement_id,
            contact_point=body.contact_point,
            terms={name: Term(n=term.n, unit=term.unit) for name, term in body.terms.items()},
            agreement_months_max=body.agreement_months_max,
            extension_months_max=body.extension_months_max,
            meetings_per_month_min=body.meetings_per_month_min,
            information_requests_max=body.information_requests_max,
            charter_version=body.charter_version,
            region=body.region,
            closing_days=tuple(body.closing_days),
        )
        command = PublishVersion(
            at=self._clock.now(),
            by=asked.actor,
            programme=programme_id,
            version=version,
            valid_from=body.valid_from,
            parameters=parameters,
            unknown=tuple(_without_calendar(parameters)),
        )
        outcome = await self._programmes.handle(
            command, programme_stream(programme_id), PROGRAMME, asked.call(), must_exist=False
        )
        view = programme_view(programme_id, outcome.state, outcome.etag, self._clock.now())
        return responses.command_result(asked, outcome, view, LOG)

    async def legal_basis(self, caller: Caller, basis_id: str, action: str) -> tuple[Json, int]:
        """The view of a legal basis, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        folded = await self.streams.fold(legal_basis_stream(basis_id), LEGAL_BASIS)
        # As to the referral that it was given for: a basis has no parties of its own.
        offer = folded.state.offer
        await self._found.find(caller, offer.referral_id if offer is not None else "", action)
        return legal_basis_view(folded.state, folded.etag), folded.etag

    async def withdraw(self, asked: CommandRequest, basis_id: str, channel: str | None) -> Response:
        """The person withdraws the basis."""
        command = WithdrawLegalBasis(at=self._clock.now(), by=asked.actor, legal_basis_id=basis_id, channel=channel)
        outcome = await self._referrals.handle(command, legal_basis_stream(basis_id), LEGAL_BASIS, asked.call())
        return responses.command_result(asked, outcome, legal_basis_view(outcome.state, outcome.etag), LOG)


def _without_calendar(parameters: Parameters) -> Iterator[Fault]:
    try:
        time_zone(parameters.time_zone)
    except ValueError:
        yield Fault("/timeZone", "CALENDAR_UNKNOWN", "there is no such time zone; give one of the IANA database")
    country, region = parameters.country, parameters.region
    if (unknown := WorkingDays(country).unknown()) is not None:
        yield Fault("/country", "CALENDAR_UNKNOWN", unknown)
    elif (unknown := WorkingDays(country, region).unknown()) is not None:
        yield Fault("/region", "CALENDAR_UNKNOWN", unknown, rests_on=("/country",))


def routes(registry: Registry) -> Router:
    """The routes under `/v1/organisations`, `/v1/programmes` and `/v1/legal-bases`."""
    router = Router(prefix="/v1")

    @router.get("/organisations", response_model=OrganisationPage, tags=["organisations"], summary="All organisations.")
    async def organisations(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        kind: Annotated[list[OrganisationKind] | None, Query(description="Any of these; may be repeated.")] = None,
        limit: Limit = 50,
    ) -> Response:
        POLICY.require(caller, "read-organisation", (ANY_ORGANISATION,))
        kinds = sorted({one.value for one in kind or ()})
        return await registry.organisations(kinds, pages, limit)

    @router.get("/organisations/{organisation_id}", response_model=OrganisationAnswer, tags=["organisations"])
    async def organisation(caller: Authenticated, organisation_id: Identifier, _: Covered) -> Response:
        POLICY.require(caller, "read-organisation", (ANY_ORGANISATION,))
        return responses.resource(*await registry.organisation(organisation_id))

    @router.put(
        "/organisations/{organisation_id}",
        response_model=OrganisationAnswer,
        tags=["organisations"],
        summary="Describe an organisation; its accreditation is the OPERATOR's (403 FIELD_OF_THE_OPERATOR).",
    )
    async def describe(
        request: Request,
        caller: Authenticated,
        organisation_id: Identifier,
        body: bodies.OrganisationBody,
        _if_match: IfMatch = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        relations = relations_to_organisation(caller, organisation_id, await registry.kind_of(caller.org))
        POLICY.require(caller, "describe-organisation", relations)
        if body.id not in (None, organisation_id):
            raise Refused.input(Fault("/id", "READ_ONLY", "the id is that of the path; leave it out"))
        folded = await registry.streams.fold(organisation_stream(organisation_id), ORGANISATION)
        asked = putting(request, caller, replacing(request, exists=folded.version > 0), dry_run=dry_run)
        if folded.etag in (asked.if_match or ()):
            check_read_only(body, organisation_view(organisation_id, folded.state, folded.etag, None))
        reserved = POLICY.reserved(caller, "describe-organisation", relations)
        return await registry.describe(asked, organisation_id, body, reserved)

    @router.get("/programmes/{programme_id}", response_model=ProgrammeAnswer, tags=["programmes"])
    async def programme(caller: Authenticated, programme_id: Identifier, _: Covered) -> Response:
        POLICY.require(caller, "read-programme", (ANY_ORGANISATION,))
        return responses.resource(*await registry.programme(programme_id))

    @router.put("/programmes/{programme_id}/versions/{version}", response_model=ProgrammeAnswer, tags=["programmes"])
    async def publish(
        request: Request,
        caller: Authenticated,
        programme_id: Identifier,
        version: Annotated[int, Path(ge=1, le=9999)],
        body: bodies.ProgrammeVersionBody,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        relations = relations_to_organisation(caller, "", await registry.kind_of(caller.org))
        POLICY.require(caller, "publish-programme", relations)
        check_read_only(body, {"version": version})
        # A version is never replaced, and its number says which it follows: no If-Match is needed.
        asked = putting(request, caller, None, dry_run=dry_run)
        return await registry.publish(asked, programme_id, version, body)

    @router.get("/legal-bases/{basis_id}", response_model=LegalBasisAnswer, tags=["legal bases"])
    async def legal_basis(caller: Authenticated, basis_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await registry.legal_basis(caller, basis_id, "read-legal-basis"))

    @router.post("/legal-bases/{basis_id}/withdraw", response_model=LegalBasisAnswer, tags=["legal bases"])
    async def withdraw(
        asked: Changing, basis_id: Identifier, body: bodies.LegalBasisWithdrawalBody | None = None
    ) -> Response:
        await registry.legal_basis(asked.caller, basis_id, "withdraw-legal-basis")
        return await registry.withdraw(asked, basis_id, body.channel if body is not None else None)

    return router
