"""The one choke point of authorisation: who may do what, to what they stand in which relation.

A service declares its table of rules; this is the only place that reads it. What relations there are, and which of
them a caller has to a resource, is the service's to say; here they are names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.modelling.decider import Reserved

STRANGER: Final = "STRANGER"
"""The relation of a caller who has no part in the resource. Having no relation at all means the same."""

Bars = Mapping[Role, tuple[str, str]]
"""Roles that are refused everywhere, each with the code and detail of its refusal."""


class Forbidden(Exception):  # noqa: N818 - what the act is, and not an error of the program
    """The caller's role or party may not do this (403). `code` is stable; `detail` names the rule, never the data."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Hidden(Exception):  # noqa: N818 - what the resource is, and not an error of the program
    """The caller has no part in the resource and is not told that it exists (404)."""

    code: Final = "NOT_FOUND"
    detail: Final = "no such resource, or you are not a party to it"


@dataclass(frozen=True, slots=True)
class Rule:
    """Callers with one of `roles` who stand in `relation` to the resource may do `action`.

    `refused_later`: the decision answers them with the rule that keeps them from it, so nobody is told that they may.
    """

    action: str
    roles: frozenset[Role]
    relation: str
    refused_later: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """What callers of `roles` in `relation` are told when no rule permits what they ask, and not the general answer.

    `roles` are those that had a part: to the others the resource is hidden, as it was before.
    """

    relation: str
    roles: frozenset[Role]
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Of what `action` sets, `fields` are for callers in `relation` alone; others may name them as they stand.

    `fields` are members of the body, and EXISTENCE (`chassis.modelling.decider`) for the making of the resource.
    """

    action: str
    fields: frozenset[str]
    relation: str
    code: str
    detail: str


class Verdict(StrEnum):
    """What a policy says of one caller, action and relation."""

    PERMITTED = "PERMITTED"
    FORBIDDEN = "FORBIDDEN"
    HIDDEN = "HIDDEN"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the whole table; `reserved` are the fields that a caller who may do the action may not set by it."""

    action: str
    role: Role
    relation: str
    verdict: Verdict
    reserved: frozenset[str] = frozenset()


def admit(caller: Caller, bars: Bars) -> None:
    """Raises Forbidden for a barred role, whatever it asks for and whether that exists."""
    barred = bars.get(caller.role)
    if barred is not None:
        raise Forbidden(*barred)


class Policy:
    """The table of one service. What no rule permits is refused.

    Whether a resource exists is told to those who have a part in it: callers whose role may do something, at least, in
    one of their relations to it. `unconcealed` are relations in which nobody is told anything by a refusal, since they
    follow from the caller's token or from what everybody may read.

    `words` say each relation as a caller knows it, behind a role ("of the organisation whose it is"), and `acts` each
    action that is no command with a route, whose name callers send ("reading the history").

    ValueError if a rule is declared twice, permits nobody, or permits a role that is refused everywhere; if two
    denials speak for one relation; if two rules about fields speak for one action, or one for nobody's; if a relation
    has no words.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        denials: Iterable[Denial] = (),
        *,
        bars: Bars,
        fields: Iterable[FieldRule] = (),
        unconcealed: Iterable[str] = (),
        words: Mapping[str, str],
        acts: Mapping[str, str] | None = None,
    ) -> None:
        rules, unconcealed = tuple(rules), frozenset(unconcealed)
        table: dict[str, dict[str, frozenset[Role]]] = {}
        parts: dict[str, frozenset[Role]] = {}
        for rule in rules:
            if not rule.roles:
                raise ValueError(f"the rule for {rule.action} as {rule.relation} permits nobody")
            if not rule.roles.isdisjoint(bars):
                raise ValueError(f"the rule for {rule.action} as {rule.relation} permits a role refused everywhere")
            relations = table.setdefault(rule.action, {})
            if rule.relation in relations:
                raise ValueError(f"{rule.action} as {rule.relation} is declared twice")
            relations[rule.relation] = rule.roles
            parts[rule.relation] = parts.get(rule.relation, frozenset()) | rule.roles
        denials_by_relation: dict[str, Denial] = {}
        for denial in denials:
            if denial.relation in denials_by_relation:
                raise ValueError(f"two denials speak for {denial.relation}")
            denials_by_relation[denial.relation] = denial
            parts[denial.relation] = parts.get(denial.relation, frozenset()) | denial.roles
        reserved: dict[str, FieldRule] = {}
        for field in fields:
            if field.action in reserved or field.relation not in table.get(field.action, ()):
                raise ValueError(f"the fields of {field.action} are {field.relation}'s by two rules, or by none at all")
            reserved[field.action] = field
        self._words, self._acts = _checked(words, parts.keys() | unconcealed), acts or {}
        self._later = frozenset((rule.action, rule.relation) for rule in rules if rule.refused_later)
        self._bars = bars
        self._table: Mapping[str, Mapping[str, frozenset[Role]]] = table
        self._denials: Mapping[str, Denial] = denials_by_relation
        self._reserved: Mapping[str, FieldRule] = reserved
        # What is for strangers gives nobody a part in anything.
        self._parts: Mapping[str, frozenset[Role]] = {
            **{relation: roles for relation, roles in parts.items() if relation != STRANGER},
            **dict.fromkeys(unconcealed, frozenset(Role)),
        }

    @property
    def wordless(self) -> frozenset[str]:
        """The actions that are called by their names."""
        return frozenset(self._table) - self._acts.keys()

    @property
    def actions(self) -> frozenset[str]:
        """Every action that the table knows."""
        return frozenset(self._table)

    def who_may(self, action: str) -> tuple[str, ...]:
        """The roles that may do an action in some relation, sorted. LookupError if the table does not know it."""
        return tuple(sorted({role.value for roles in self._relations(action).values() for role in roles}))

    def require(self, caller: Caller, action: str, relations: Collection[str]) -> None:
        """Return if the caller, who stands in `relations` to the resource, may do `action`; otherwise raise.

        Forbidden (403) for a party whose role or relation is not enough, Hidden (404) for a stranger; LookupError
        if the table does not know the action, which is a mistake in the program.
        """
        admit(caller, self._bars)
        match self._judge(caller.role, action, relations):
            case Verdict.FORBIDDEN:
                self._forbid(caller, action, relations)
            case Verdict.HIDDEN:
                raise Hidden

    def permits(self, caller: Caller, action: str, relations: Collection[str]) -> bool:
        """Whether `require` would return."""
        return caller.role not in self._bars and self._judge(caller.role, action, relations) is Verdict.PERMITTED

    def refusal(self, caller: Caller, action: str, relations: Collection[str]) -> Forbidden | None:
        """What `require` tells a party that may not do `action`; None where it may. Raises Hidden to a stranger."""
        try:
            self.require(caller, action, relations)
        except Forbidden as forbidden:
            return forbidden
        return None

    def reserved(self, caller: Caller, action: str, relations: Collection[str]) -> Reserved:
        """The fields of an action that the caller may only name as they stand: goes with the command.

        The decision holds it against the state that it is stored on (`services.chassis.modelling.decider.Reserved`).
        """
        return self._reserved_from(caller.role, action, relations)

    def _reserved_from(self, role: Role, action: str, relations: Collection[str]) -> Reserved:
        rule = self._reserved.get(action)
        if rule is None or (rule.relation in relations and role in self._table[action][rule.relation]):
            return Reserved()
        return Reserved(rule.fields, rule.code, rule.detail)

    def matrix(self) -> Iterator[Cell]:
        """Every action with every role in every single relation that the service names, STRANGER included."""
        relations = {relation for row in self._table.values() for relation in row} | set(self._denials) | {STRANGER}
        for action in sorted(self._table):
            for role in Role:
                for relation in sorted(relations):
                    barred = role in self._bars
                    verdict = Verdict.FORBIDDEN if barred else self._judge(role, action, (relation,))
                    permitted = verdict is Verdict.PERMITTED
                    reserved = self._reserved_from(role, action, (relation,)).fields if permitted else frozenset()
                    yield Cell(action, role, relation, verdict, reserved)

    def _relations(self, action: str) -> Mapping[str, frozenset[Role]]:
        try:
            return self._table[action]
        except KeyError:
            raise LookupError(f"no rule covers the action {action}") from None

    def _judge(self, role: Role, action: str, relations: Collection[str]) -> Verdict:
        row = self._relations(action)
        for relation in relations or (STRANGER,):
            if role in row.get(relation, ()):
                return Verdict.PERMITTED
        # A role that could do nothing at all is a stranger, wherever its organisation stands.
        has_part = any(role in self._parts.get(relation, ()) for relation in relations)
        return Verdict.FORBIDDEN if has_part else Verdict.HIDDEN

    def _forbid(self, caller: Caller, action: str, relations: Collection[str]) -> NoReturn:
        for relation in sorted(relations):
            denial = self._denials.get(relation)
            if denial is not None and caller.role in denial.roles:
                raise Forbidden(denial.code, denial.detail)
        row = self._relations(action)
        code = "PARTY_NOT_ALLOWED" if row.keys().isdisjoint(relations) else "ROLE_NOT_ALLOWED"
        listed = [relation for relation in row if (action, relation) not in self._later] or list(row)
        may = "; ".join(sorted(f"{', '.join(sorted(row[relation]))} {self._words[relation]}" for relation in listed))
        how = " and ".join(sorted(self._words[relation] for relation in relations))
        raise Forbidden(code, f"{self._acts.get(action, action)} is for {may}; you ask as {caller.role} {how}")


def _checked(words: Mapping[str, str], relations: Collection[str]) -> Mapping[str, str]:
    every = {STRANGER: "without a part in it", **words}
    if wordless := set(relations) - every.keys():
        raise ValueError(f"no words say how somebody stands as {', '.join(sorted(wordless))}")
    return every
