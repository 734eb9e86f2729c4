"""The HTTP route of a case's export: what its reader sees of it, as a file."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Query, Request, Response

from services.casefile.exports.answers import MOST_EVENTS, Exports, Gone, TooLong
from services.casefile.exports.formats import FORMATS, NotInstalled
from services.casefile.exports.tables import TABLES
from services.casefile.queries import Queries
from services.casefile.routes.moments import AsOf, KnownAt, Viewer, looked
from services.casefile.time_machine import READ_AS, TimeMachine
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.file_places import FilePlace
from services.chassis.http.request.parameters import Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.transparency.base64_text import encoded

FormatName = Annotated[Literal["pdf", "xlsx", "csv", "ndjson", "parquet"], Query(description="The format of the file.")]
TableName = Annotated[
    Literal["timeline", "states", "responsibilities", "deadlines", "events"],
    Query(description="Which table a file in `csv` or `parquet` has. The other formats have all that there is."),
]
CLIENT_GONE = 499
"""Nobody reads it; it stands in metrics and logs."""


def routes(exports: Exports, queries: Queries, machine: TimeMachine) -> Router:
    """The route under `/v1/cases/{case_id}`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get(
        "/cases/{case_id}/export",
        response_class=Response,
        summary="A case as a file.",
        responses={200: {"content": {kind.media_type: {"schema": _SCHEMA} for kind in FORMATS.values()}}},
    )
    async def export(
        http: Request,
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        __: FilePlace,
        format: FormatName,  # noqa: A002 - the name that the caller gives it
        table: TableName = "timeline",
        as_of: AsOf = None,
        known_at: KnownAt = None,
        viewer: Viewer = None,
    ) -> Response:
        kind, through = FORMATS[format], await exports.through()
        found = await queries.find(caller, case_id, exports.act_of(kind) if viewer is None else READ_AS)
        looking = await looked(queries, machine, caller, found, (viewer, as_of, known_at))
        try:
            content = await exports.file(looking, through, kind, TABLES[table], http.is_disconnected)
        except NotInstalled:
            raise ProblemError(
                501,
                "FORMAT_NOT_INSTALLED",
                f"{kind.name} needs libraries that are not installed here: `make exports` installs them; csv and "
                "ndjson need none",
            ) from None
        except TooLong:
            raise ProblemError(
                409,
                "EXPORT_TOO_LARGE",
                f"a file over HTTP has at most {MOST_EVENTS:,} events of a case; narrow it by asOf or knownAt, which"
                " leave out what came later, or have the operator run `caserelay export`, which has no such bound",
            ) from None
        except Gone:
            return Response(None, CLIENT_GONE)
        headers = {
            **responses.NOT_KEPT,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(case_id, safe='')}.{kind.name}",
            # RFC 9530, so that what was saved can be compared with what was sent.
            "Repr-Digest": f"sha-256=:{encoded(hashlib.sha256(content).digest())}:",
            "ETag": f'"{await queries.etag(caller, found)}"',
        }
        return Response(content, 200, headers, kind.media_type)

    return router


_SCHEMA = {"type": "string", "format": "binary"}
