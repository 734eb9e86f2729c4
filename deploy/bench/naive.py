"""What is quickly written with the same libraries: a FastAPI endpoint with one `Application.save` per request.

As with us the token is verified, the body validated, a second live referral of the same person refused, and the four
events of legal basis, case key and referral are stored in one transaction; the library's notification log is the
outbox. It has neither vault nor index, neither idempotency keys nor the rules of programmes and organisations, and its
answer is short. Run as a program it serves over the place that the environment names, as `caserelay serve` does.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import jwt
import uvicorn
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError
from fastapi import FastAPI, Header, HTTPException
from psycopg.conninfo import conninfo_to_dict

from services.chassis.settings import Settings
from services.referral.routes.requests import ReferralBody

THREADS: Final = 40
"""As many requests as the framework runs at once; each may have a connection of its own."""


class LegalBasis(Aggregate):
    """On what the sharing rests."""

    @event("Recorded")
    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.relied_on_by: str | None = None

    @event("ReliedOn")
    def rely(self, referral: str) -> None:
        """A referral rests on it."""
        self.relied_on_by = referral


class CaseKey(Aggregate):
    """One person in one programme, who has one live referral."""

    @event("Taken")
    def __init__(self, key: str) -> None:
        self.key = key

    @staticmethod
    def create_id(key: str) -> UUID:
        """The same id for the same person, so that the store refuses a second one."""
        return uuid5(NAMESPACE_URL, key)


class Referral(Aggregate):
    """A referral as it was submitted."""

    @event("Submitted")
    def __init__(self, by: str, packet: dict[str, Any], basis: UUID) -> None:
        self.by = by
        self.packet = packet
        self.basis = basis


class Referrals(Application[UUID]):
    """Keeps referrals."""

    def submit(self, by: str, packet: dict[str, Any]) -> str:
        """Stores a new one; its id. Raises IntegrityError for a person who has one."""
        basis = LegalBasis(packet["legalBasis"])
        key = CaseKey(key=f"{packet['programme']}/{packet['client']['ref']}")
        referral = Referral(by, packet, basis.id)
        basis.rely(str(referral.id))
        self.save(basis, key, referral)
        return str(referral.id)


def _persistence(settings: Settings) -> dict[str, str]:
    if settings.database_url is None:
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(settings.data / "naive.db"),
            "SQLITE_LOCK_TIMEOUT": "30",
        }
    where = conninfo_to_dict(settings.database_url.get_secret_value())
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where["port"]),
        "POSTGRES_USER": str(where["user"]),
        "POSTGRES_PASSWORD": str(where.get("password") or ""),
        "POSTGRES_POOL_SIZE": str(THREADS),
        "POSTGRES_MAX_OVERFLOW": "0",
    }


def app(settings: Settings) -> FastAPI:
    """The whole service."""
    referrals = Referrals(env=_persistence(settings))
    keys = jwt.PyJWKClient(f"{settings.issuer}/keys")
    served = FastAPI()

    @served.get("/readyz")
    def readyz() -> dict[str, bool]:
        return {"ready": True}

    @served.post("/v1/referrals", status_code=201)
    def submit(body: ReferralBody, authorization: Annotated[str, Header()]) -> dict[str, str]:
        token = authorization.removeprefix("Bearer ")
        try:
            key = keys.get_signing_key_from_jwt(token)
            caller = jwt.decode(token, key, algorithms=["ES256"], audience=settings.audience, issuer=settings.issuer)
        except jwt.PyJWTError as refusal:
            raise HTTPException(401) from refusal
        if caller["role"] != "AGENCY_COUNSELLOR":
            raise HTTPException(403)
        packet = body.model_dump(mode="json", by_alias=True)
        try:
            referral = referrals.submit(caller["sub"], packet)
        except IntegrityError as refusal:
            raise HTTPException(409) from refusal
        return {"id": referral, "state": "SUBMITTED"}

    return served


def main() -> int:
    """Serves until a signal stops it; the exit status."""
    settings = Settings()
    uvicorn.run(
        app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
