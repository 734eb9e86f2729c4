"""Confirming an address, and taking it off the list: pages of links in letters. GET shows, and POST does."""

from __future__ import annotations

from fastapi import Request, Response

from services.chassis.http.problems.translation import EXPECTED
from services.chassis.http.routing import Router
from services.notifications.links.mailing_list import MailingList
from services.notifications.links.pages import answered_page, asking_page
from services.notifications.routes.forms import (
    ANY_FORM,
    NO_BODY,
    PAGE,
    Language,
    NameOf,
    Until,
    form_of,
    refused,
    spoken,
)


def routes(mailing_list: MailingList, name_of: NameOf) -> Router:
    """The routes of links by which an address is confirmed or taken off."""
    router = Router(tags=["links"])
    _confirming(router, mailing_list, name_of)
    _leaving(router, mailing_list, name_of)
    return router


def _confirming(router: Router, mailing_list: MailingList, name_of: NameOf) -> None:
    @router.get(
        "/mail/confirm/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=NO_BODY,
        summary="Show for what an address would be confirmed; it changes nothing.",
    )
    async def to_confirm(request: Request, token: str, until: Until = 0, language: Language = None) -> Response:
        try:
            subscription = await mailing_list.to_confirm(token, until)
        except EXPECTED as error:
            return refused(request, error, spoken(language))
        action = f"/mail/confirm/{token}?until={until}"
        name = await name_of(subscription.organisation)
        return asking_page("confirm", name, action, spoken(language, subscription))

    @router.post(
        "/mail/confirm/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=ANY_FORM,
        summary="Confirm the address that the link was sent to.",
    )
    async def confirm(request: Request, token: str, until: Until = 0, language: Language = None) -> Response:
        try:
            await form_of(request)
            subscription, already = await mailing_list.confirm(token, until)
        except EXPECTED as error:
            return refused(request, error, spoken(language))
        speaks = spoken(language, subscription)
        name = await name_of(subscription.organisation)
        return answered_page("confirm", name, speaks, already=already)


def _leaving(router: Router, mailing_list: MailingList, name_of: NameOf) -> None:
    @router.get(
        "/mail/unsubscribe/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=NO_BODY,
        summary="Show what would be unsubscribed; it changes nothing.",
    )
    async def to_leave(request: Request, token: str, language: Language = None) -> Response:
        try:
            subscription = await mailing_list.to_leave(token)
        except EXPECTED as error:
            return refused(request, error, spoken(language))
        action = f"/mail/unsubscribe/{token}"
        name = await name_of(subscription.organisation)
        return asking_page("unsubscribe", name, action, spoken(language, subscription))

    @router.post(
        "/mail/unsubscribe/{token}",
        responses=PAGE,
        response_class=Response,
        openapi_extra=ANY_FORM,
        summary="Take the address off the list; mail programs do so by one click (RFC 8058).",
    )
    async def leave(request: Request, token: str, language: Language = None) -> Response:
        try:
            await form_of(request)
            subscription, already = await mailing_list.leave(token)
        except EXPECTED as error:
            return refused(request, error, spoken(language))
        speaks = spoken(language, subscription)
        name = await name_of(subscription.organisation)
        return answered_page("unsubscribe", name, speaks, already=already)
