"""The choke point: what no rule permits is refused, strangers learn nothing, control has no access."""

from __future__ import annotations

import time
import timeit

import pytest

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.access.policy import (
    STRANGER,
    Cell,
    Denial,
    FieldRule,
    Forbidden,
    Hidden,
    Policy,
    Rule,
    Verdict,
    admit,
)
from services.chassis.modelling.decider import EXISTENCE, Because, Refused, Reserved

LIBRARIANS = frozenset({Role.NGO_COORDINATOR, Role.NGO_LEAD})
RULES = (
    Rule("lend", LIBRARIANS, "OWNER"),
    Rule("read", LIBRARIANS, "OWNER"),
    Rule("lend", frozenset({Role.AGENCY_TEAM_LEAD}), "BORROWER"),
    Rule("read", frozenset({Role.AGENCY_COUNSELLOR}), "BORROWER"),
    Rule("browse", frozenset({Role.NGO_COORDINATOR}), STRANGER),
)
WORDS = {
    "OWNER": "of the owner of the book",
    "FORMER_OWNER": "of an owner of before",
    "BORROWER": "of the borrowers",
    "VISITOR": "of any house",
}
BARS = {Role.AGENCY_CONTROL: ("NO_ACCESS_FOR_CONTROL", "nothing here serves control")}
POLICY = Policy(
    RULES,
    [Denial("FORMER_OWNER", LIBRARIANS, "BOOK_SOLD", "the book was sold; only its owner acts on it")],
    fields=[FieldRule("lend", frozenset({"price", EXISTENCE}), "OWNER", "OWNERS_FIELD", "the price is the owner's")],
    bars=BARS,
    unconcealed=["VISITOR"],
    words=WORDS,
    acts={"browse": "looking through the books"},
)


def caller(role: Role) -> Caller:
    """Somebody of that role."""
    return Caller("lotte.claes", "brugwerk", role)


def test_a_party_with_the_role_may() -> None:
    """Role and relation of one rule both have to fit; one of several relations is enough."""
    POLICY.require(caller(Role.NGO_LEAD), "lend", {"OWNER"})
    POLICY.require(caller(Role.AGENCY_COUNSELLOR), "read", ["FORMER_OWNER", "BORROWER"])
    assert POLICY.permits(caller(Role.NGO_LEAD), "lend", {"OWNER"})


def test_a_party_in_another_role_is_told_which_roles_may() -> None:
    """The refusal names the rule, and nobody's data."""
    with pytest.raises(Forbidden) as refused:
        POLICY.require(caller(Role.AGENCY_COUNSELLOR), "lend", {"BORROWER"})
    assert refused.value.code == "ROLE_NOT_ALLOWED"
    assert refused.value.detail == (
        "lend is for AGENCY_TEAM_LEAD of the borrowers; NGO_COORDINATOR, NGO_LEAD of the owner of the book; "
        "you ask as AGENCY_COUNSELLOR of the borrowers"
    )
    assert "lotte" not in str(refused.value)
    assert not POLICY.permits(caller(Role.AGENCY_COUNSELLOR), "lend", {"BORROWER"})


def test_another_party_is_told_whose_the_action_is() -> None:
    """A role that may something else, in a relation that may not."""
    with pytest.raises(Forbidden) as refused:
        POLICY.require(caller(Role.AGENCY_COUNSELLOR), "browse", {"BORROWER"})
    assert refused.value.code == "PARTY_NOT_ALLOWED"


def test_roles_and_relations_of_different_rules_do_not_add_up() -> None:
    """The team lead may lend as borrower only, and stands in no relation that may browse."""
    with pytest.raises(Forbidden):
        POLICY.require(caller(Role.AGENCY_TEAM_LEAD), "browse", {"OWNER", "BORROWER"})
    with pytest.raises(Hidden):
        POLICY.require(caller(Role.AGENCY_TEAM_LEAD), "lend", {"OWNER"})


def test_a_role_that_may_nothing_where_it_stands_is_a_stranger() -> None:
    """Somebody of the owner's whose role does nothing with books is not told that there is one: 404 and not 403."""
    for role in set(Role) - LIBRARIANS - {Role.AGENCY_CONTROL}:
        for action in ("lend", "read", "browse"):
            if role not in (Role.AGENCY_COUNSELLOR, Role.AGENCY_TEAM_LEAD):
                assert met(caller(role), action, "BORROWER") is Verdict.HIDDEN
            assert met(caller(role), action, "OWNER") is Verdict.HIDDEN
            # The denial tells that there was a book, and so is for those alone who knew of it.
            assert met(caller(role), action, "FORMER_OWNER") is Verdict.HIDDEN
    with pytest.raises(Hidden):
        POLICY.require(caller(Role.MENTEE), "read", ("FORMER_OWNER", "BORROWER"))


def test_where_nothing_is_concealed_everybody_is_told_the_rule() -> None:
    """A relation that follows from the caller's token, or from what everybody reads, makes nobody a stranger."""
    for role in Role:
        assert met(caller(role), "lend", "VISITOR") is Verdict.FORBIDDEN


def test_a_field_is_reserved_from_all_but_its_relation() -> None:
    """Also from those who may do the action; and from a role that the relation's own rule does not permit."""
    price = frozenset({"price", EXISTENCE})
    assert POLICY.reserved(caller(Role.NGO_LEAD), "lend", ("OWNER",)) == Reserved()
    assert POLICY.reserved(caller(Role.NGO_LEAD), "lend", ("BORROWER", "OWNER")) == Reserved()
    for role, relations in (
        (Role.AGENCY_TEAM_LEAD, ("BORROWER",)),
        (Role.AGENCY_TEAM_LEAD, ("OWNER",)),
        (Role.NGO_LEAD, ()),
    ):
        assert POLICY.reserved(caller(role), "lend", relations).fields == price
    assert POLICY.reserved(caller(Role.AGENCY_COUNSELLOR), "read", ("BORROWER",)) == Reserved()


def test_a_reserved_field_may_be_named_as_it_stands_and_not_otherwise() -> None:
    """The refusal is one of rights, and lists each such field, the making of the whole thing by the empty pointer."""
    reserved = POLICY.reserved(caller(Role.AGENCY_TEAM_LEAD), "lend", ("BORROWER",))
    reserved.check({"price": 3, "colour": "red"}, {"price": 3, "colour": "blue"})
    reserved.check({"colour": "red"}, {})
    with pytest.raises(Refused) as refused:
        reserved.check({EXISTENCE: True, "colour": "red", "price": None}, {})
    assert (refused.value.code, refused.value.because) == ("OWNERS_FIELD", Because.RIGHTS)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("", "OWNERS_FIELD"),
        ("/price", "OWNERS_FIELD"),
    ]
    with pytest.raises(Refused):
        reserved.check({"price": 3}, {"price": 4})


@pytest.mark.parametrize(
    "fields",
    [
        [
            FieldRule("lend", frozenset({"a"}), "OWNER", "A", "a"),
            FieldRule("lend", frozenset({"b"}), "OWNER", "B", "b"),
        ],
        [FieldRule("lend", frozenset({"a"}), "NOBODY", "A", "a")],
        [FieldRule("sell", frozenset({"a"}), "OWNER", "A", "a")],
    ],
)
def test_fields_that_are_nobodys_or_twice_somebodys_are_not_built(fields: list[FieldRule]) -> None:
    """Nobody could ever set such a field, or it would not be said who may."""
    with pytest.raises(ValueError, match="fields of"):
        Policy(RULES, bars=BARS, fields=fields, words=WORDS)


@pytest.mark.parametrize("relations", [(), (STRANGER,)])
def test_a_stranger_is_not_told_that_there_is_anything(relations: tuple[str, ...]) -> None:
    """404 rather than 403, and the same words whatever the action."""
    for action in ("lend", "read"):
        with pytest.raises(Hidden) as hidden:
            POLICY.require(caller(Role.NGO_LEAD), action, relations)
        assert action not in hidden.value.detail


@pytest.mark.parametrize("relations", [(), (STRANGER,)])
def test_a_rule_may_be_for_strangers(relations: tuple[str, ...]) -> None:
    """What anybody of a role may see is declared like everything else."""
    POLICY.require(caller(Role.NGO_COORDINATOR), "browse", relations)
    with pytest.raises(Hidden):
        POLICY.require(caller(Role.DPO), "browse", relations)


def test_a_former_party_is_told_the_code_of_its_own_rule() -> None:
    """The service says what a relation is told in place of the general answer."""
    with pytest.raises(Forbidden) as refused:
        POLICY.require(caller(Role.NGO_LEAD), "lend", {"FORMER_OWNER"})
    assert (refused.value.code, refused.value.detail) == ("BOOK_SOLD", "the book was sold; only its owner acts on it")


@pytest.mark.parametrize("relations", [("OWNER",), ("BORROWER",), (STRANGER,), ()])
def test_control_is_refused_before_anything_else(relations: tuple[str, ...]) -> None:
    """Not even whether something exists is told to the role that sanctions."""
    control = caller(Role.AGENCY_CONTROL)
    for action in ("lend", "browse", "an action that no rule speaks of"):
        with pytest.raises(Forbidden) as refused:
            POLICY.require(control, action, relations)
        assert refused.value.code == "NO_ACCESS_FOR_CONTROL"
        assert not POLICY.permits(control, action, relations)
    with pytest.raises(Forbidden):
        admit(control, BARS)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AGENCY_CONTROL])
def test_every_other_role_is_admitted(role: Role) -> None:
    """What it may do then, the rules say."""
    admit(caller(role), BARS)


def test_an_action_that_no_rule_speaks_of_is_a_mistake_of_the_program() -> None:
    """Nobody may do it, and nobody is told a misspelt rule."""
    with pytest.raises(LookupError, match="lnd"):
        POLICY.require(caller(Role.NGO_LEAD), "lnd", {"OWNER"})


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((*RULES, Rule("lend", frozenset({Role.DPO}), "OWNER")), "declared twice"),
        ((Rule("lend", frozenset(), "OWNER"),), "permits nobody"),
        ((Rule("lend", frozenset({Role.AGENCY_CONTROL}), "OWNER"),), "refused everywhere"),
    ],
)
def test_a_table_that_contradicts_itself_is_not_built(rules: tuple[Rule, ...], told: str) -> None:
    """A second rule for the same cell would be read by nobody; so would one for a barred role."""
    with pytest.raises(ValueError, match=told):
        Policy(rules, bars=BARS, words=WORDS)


def test_two_denials_for_one_relation_are_not_built() -> None:
    """Only one of them could be told."""
    with pytest.raises(ValueError, match="BORROWER"):
        Policy(
            RULES,
            [Denial("BORROWER", LIBRARIANS, "A", "a"), Denial("BORROWER", LIBRARIANS, "B", "b")],
            bars=BARS,
            words=WORDS,
        )


def test_a_relation_without_words_is_not_built() -> None:
    """A refusal would have nothing but its name to say."""
    with pytest.raises(ValueError, match="no words say how somebody stands as VISITOR"):
        Policy(RULES, bars=BARS, unconcealed=["VISITOR"], words={"OWNER": "of the owner", "BORROWER": "of a borrower"})


def test_who_is_refused_later_is_not_named_as_one_who_may() -> None:
    """The decision answers them with the rule that keeps them from it."""
    rules = (*RULES, Rule("lend", LIBRARIANS, "FORMER_OWNER", refused_later=True))
    policy = Policy(rules, bars=BARS, words=WORDS)
    policy.require(caller(Role.NGO_LEAD), "lend", ("FORMER_OWNER",))
    with pytest.raises(Forbidden) as refused:
        policy.require(caller(Role.AGENCY_COUNSELLOR), "lend", ("BORROWER",))
    assert WORDS["OWNER"] in refused.value.detail
    assert WORDS["FORMER_OWNER"] not in refused.value.detail


def test_the_matrix_shows_every_cell_and_agrees_with_what_is_enforced() -> None:
    """Every action, role and relation once, each with the verdict that a request would meet."""
    cells = list(POLICY.matrix())
    assert len({(cell.action, cell.role, cell.relation) for cell in cells}) == len(cells) == 3 * len(Role) * 4
    reserved = {(cell.role, cell.relation) for cell in cells if cell.reserved}
    assert reserved == {(Role.AGENCY_TEAM_LEAD, "BORROWER")}
    assert Cell("read", Role.AGENCY_COUNSELLOR, "BORROWER", Verdict.PERMITTED) in cells
    assert Cell("browse", Role.AGENCY_CONTROL, STRANGER, Verdict.FORBIDDEN) in cells
    for cell in cells:
        assert met(caller(cell.role), cell.action, cell.relation) is cell.verdict
        assert POLICY.permits(caller(cell.role), cell.action, (cell.relation,)) is (cell.verdict is Verdict.PERMITTED)


def met(asking: Caller, action: str, relation: str) -> Verdict:
    """What a request would meet."""
    try:
        POLICY.require(asking, action, (relation,))
    except Forbidden:
        return Verdict.FORBIDDEN
    except Hidden:
        return Verdict.HIDDEN
    return Verdict.PERMITTED


def test_who_may_is_said_without_a_caller() -> None:
    """For the list of blocked actions, which names who can unblock."""
    assert POLICY.who_may("read") == ("AGENCY_COUNSELLOR", "NGO_COORDINATOR", "NGO_LEAD")
    assert POLICY.actions == {"lend", "read", "browse"}


def test_a_permission_costs_less_than_five_microseconds() -> None:
    """It is asked once per action for every read."""
    lead = caller(Role.NGO_LEAD)
    best = (
        min(
            timeit.repeat(
                lambda: POLICY.permits(lead, "lend", ("OWNER",)), timer=time.process_time, number=2000, repeat=7
            )
        )
        / 2000
    )
    assert best < 5e-6
