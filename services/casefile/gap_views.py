"""Gaps in services in their JSON shape, and the words about one, which stand in the vault."""

from __future__ import annotations

from typing import Final

from services.casefile.domain.open_matters import Gap, GapAnswer
from services.casefile.domain.steps import Party
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json
from services.chassis.vault.vault import Vault

PATH: Final = "gaps"


def gap_view(case_id: str, gap: Gap) -> Json:
    """A gap without the words about it."""
    return {
        "id": gap.gap,
        "case": case_id,
        "serviceKind": gap.service_kind,
        "gapType": gap.gap_type,
        "task": gap.task,
        "reportedBy": _party(gap.reported_by),
        "reportedAt": gap.reported_at,
        "dueAt": gap.due_at,
        "state": gap.state,
        "answer": _answer(gap.answer),
        "links": {"self": path_of(PATH, gap.gap), "case": f"/v1/cases/{case_id}"},
    }


def _party(party: Party) -> Json:
    return {"role": party.role, "org": party.org, "sub": party.sub}


def _answer(answer: GapAnswer | None) -> Json | None:
    if answer is None:
        return None
    return {
        "accepted": answer.accepted,
        "due": answer.due,
        "answeredBy": _party(answer.answered_by),
        "answeredAt": answer.answered_at,
        "completedAt": answer.completed_at,
    }


async def with_words(case_id: str, gap: Gap, vault: Vault | None) -> Json:
    """A gap with the words about it; None for what nobody said, what was forgotten, and all of it without a vault."""
    shown = gap_view(case_id, gap)
    shown["provider"] = await _text(gap.provider_ref, vault)
    if gap.answer is not None:
        shown["answer"]["action"] = await _text(gap.answer.action_ref, vault)
        shown["answer"]["reason"] = await _text(gap.answer.reason_ref, vault)
    return shown


async def _text(ref: str | None, vault: Vault | None) -> str | None:
    record = await vault.read(ref) if ref is not None and vault is not None else None
    return record.get("text") if record is not None else None
