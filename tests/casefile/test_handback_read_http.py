"""What a step rests on is in the case's own answer: the agency reads the handback that it accepts, and keeps it."""

from __future__ import annotations

from typing import Any, Final

from tests.casefile.cases import ANSWER, CaseContext, Told
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, TOM, Person
from tests.support.requests import another_person

REPORT: Final[dict[str, Any]] = {
    "closureReason": "EMPLOYMENT",
    "outcomes": {"SOCIAL": "+", "CULTURAL": "="},
    "openNeeds": ["DIPLOMA_EQUIVALENCE"],
    "recommendedNextStep": "DIPLOMA_DESK",
}


async def handed_back(context: CaseContext) -> Told:
    """A trajectory with two progress reports that was handed back."""
    case = await context.brought_to("MENTORING")
    for told in (
        {"progress": {"SOCIAL": "-"}, "nextStep": "CONTINUE", "occasion": "MATERIAL_CHANGE"},
        {"progress": {"SOCIAL": "+", "CULTURAL": "="}, "nextStep": "JOB_SEARCH"},
    ):
        await context.running.done(LOTTE, case.path, "report-progress", told)
    await context.running.done(LOTTE, case.path, "complete-trajectory", {"reason": "EMPLOYMENT", "closureTalk": True})
    await context.running.done(LOTTE, case.path, "request-handback", REPORT)
    return case


def reports(trajectory: dict[str, Any]) -> list[tuple[str, dict[str, str], str]]:
    """What the counsellor was told of progress."""
    return [(one["occasion"], one["progress"], one["nextStep"]) for one in trajectory["progressReports"]]


TOLD: Final = [
    ("MATERIAL_CHANGE", {"SOCIAL": "-"}, "CONTINUE"),
    ("SCHEDULED", {"SOCIAL": "+", "CULTURAL": "="}, "JOB_SEARCH"),
]


async def test_the_agency_reads_the_report_before_it_accepts_it(context: CaseContext) -> None:
    """Outcome per goal, open needs, why it ended, what is recommended, how it went: in the answer with the action."""
    case = await handed_back(context)
    for reader in (INES, TOM, LOTTE, AUDITOR):
        read = await context.running.read(reader, case.path)
        handback = read["trajectory"]["handback"]
        assert handback["outcomes"] == {"SOCIAL": "+", "CULTURAL": "="}
        assert handback["openNeeds"] == ["DIPLOMA_EQUIVALENCE"]
        assert handback["closureReason"] == "EMPLOYMENT"
        assert handback["recommendedNextStep"] == "DIPLOMA_DESK"
        assert reports(read["trajectory"]) == TOLD
        assert [one["mentorRef"] for one in read["trajectory"]["endedMatches"]] == ["M-41"]
    assert "accept-handback" in {
        one["action"] for one in (await context.running.read(INES, case.path))["allowedActions"]
    }


async def test_what_the_report_lacks_is_told_where_it_is_written(context: CaseContext) -> None:
    """The coordinator's step to complete it rests on what the agency found missing."""
    case = await handed_back(context)
    await context.running.done(INES, case.path, "return-handback", {"missing": ["OPEN_NEEDS"]})
    handback = (await context.running.read(LOTTE, case.path))["trajectory"]["handback"]
    assert handback["returned"] == ["OPEN_NEEDS"]
    assert handback["outcomes"] == REPORT["outcomes"]


async def test_the_trajectory_stays_to_be_read_after_it_was_handed_back(context: CaseContext) -> None:
    """By the agency, by auditors and, until its access ends, by the organisation: the trajectory and the answers."""
    case = await handed_back(context)
    await context.running.done(INES, case.path, "accept-handback", {**ANSWER, "nextService": "DIPLOMA_DESK"})
    for reader in (INES, AUDITOR, LOTTE):
        read = await context.running.read(reader, case.path)
        assert read["trajectory"] is None
        (over,) = read["earlier"]
        assert (over["organisation"], over["endedBy"], over["reason"]) == ("brugwerk", "HandbackAccepted", "EMPLOYMENT")
        assert over["referral"] == case.offer.rsplit("/", 1)[1]
        assert (over["decision"], over["nextService"]) == ("CLOSE", "DIPLOMA_DESK")
        assert over["answers"] == {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}
        assert over["trajectory"]["coordinator"]["sub"] == LOTTE.sub
        assert over["trajectory"]["handback"]["outcomes"] == REPORT["outcomes"]
        assert over["trajectory"]["goals"] == ["SOCIAL", "CULTURAL"]
        assert reports(over["trajectory"]) == TOLD
        assert over["trajectory"]["endedMatches"][0]["agreement"]["norm"] == 2


async def test_why_a_referral_came_back_is_read_by_who_decides_what_comes_next(context: CaseContext) -> None:
    """After a decline as well, where there was no trajectory."""
    case = await context.opened()
    (over,) = (await context.running.read(INES, case.path))["earlier"]
    assert (over["endedBy"], over["reason"], over["trajectory"]) == ("ReferralDeclined", "CAPACITY_FULL", None)
    assert over["endedAt"] is not None


async def test_another_organisation_reads_nothing_of_the_one_before(context: CaseContext) -> None:
    """The case is with samenstap now; what brugwerk did is the agency's to know, and brugwerk's own."""
    case = await handed_back(context)
    await context.running.done(INES, case.path, "accept-handback", {**ANSWER, "decision": "RE_REFER"})
    await context.running.settle()
    ref = (await context.running.read(INES, case.path))["clientRef"]
    again = await context.accepted(another_person("samenstap", client={"ref": ref}), by=KARIM)
    assert again.id == case.id
    read = await context.running.read(KARIM, case.path)
    assert read["earlier"] == []
    assert "DIPLOMA_DESK" not in str(read)
    assert [one["organisation"] for one in (await context.running.read(INES, case.path))["earlier"]] == ["brugwerk"]
    for former in (LOTTE, HANNE):
        assert [one["organisation"] for one in (await context.running.read(former, case.path))["earlier"]] == [
            "brugwerk"
        ]


async def test_the_pair_reads_neither_report_nor_history(context: CaseContext) -> None:
    """What the counsellor is told is not the mentor's to read."""
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "report-progress", {"progress": {"SOCIAL": "-"}})
    read = await context.running.read(Person("M-41", "brugwerk", "VOLUNTEER_MENTOR"), case.path)
    assert "earlier" not in read
    assert "progressReports" not in str(read)
