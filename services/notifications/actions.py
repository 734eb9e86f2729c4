"""A row per action on a subscription, and per command that what delivers gives, with the decision of the domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from contracts.codes import Role
from contracts.fields import Body, NothingBody
from contracts.staff import AGENCY_LEADS, COORDINATORS
from contracts.subscription_codes import SubscriptionState
from services.chassis.http.request.stamp import same_fields
from services.chassis.modelling.decider import Command
from services.notifications import stamping
from services.notifications.domain import subscribing, subscription_course
from services.notifications.domain.subscription import Decided, SubscriptionContext
from services.notifications.routes import requests
from services.notifications.stamping import Stamp

C = TypeVar("C", bound=Command)

Decide = Callable[[C, SubscriptionContext], Decided]
"""A decision of the domain: what follows from the command; nothing where it is so already. Raises Refused."""

MANAGERS: Final[frozenset[Role]] = AGENCY_LEADS | COORDINATORS
"""Who manages the subscriptions of an organisation."""
_S = SubscriptionState
_ANY: Final = frozenset(SubscriptionState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[C]):
    """An action: `POST /v1/subscriptions/{subscription_id}/{name}` with a body `request`, or the resource's `method`.

    `build` makes the command of the body; without it, the command takes the fields of its own names from the body.
    `decide` is the domain's decision, possible in `states`. `refuses` are the codes of its decision, beside those that
    any action may meet (`contracts/refusals.json`).
    """

    name: str
    summary: str
    request: type[Body]
    command: type[C]
    decide: Decide[C]
    states: AbstractSet[SubscriptionState] = _ANY
    refuses: AbstractSet[str] = frozenset()
    build: Callable[[Any, Stamp], C] | None = None
    method: Literal["POST", "PUT", "DELETE"] = "POST"

    def command_of(self, body: Body, stamp: Stamp) -> C:
        """The command that the body asks for."""
        return (self.build or same_fields(self.command))(body, stamp)


_CHOICES: Final = frozenset(
    {
        "EMAIL_NOT_SET_UP",
        "HEADER_NOT_ALLOWED",
        "NOT_EXPECTED",
        "NOT_YOUR_MAILBOX",
        "REQUIRED",
        "ROLE_READS_NOTHING",
        "UNKNOWN_TYPE",
        "URL_NOT_ALLOWED",
    }
)
"""What is refused of the choices of a subscriber."""

# fmt: off
_ROWS: Final[tuple[Action[Any], ...]] = (
    Action(name="change", summary="Replace what was chosen.", method="PUT",
           request=requests.ChangeSubscriptionBody,
           command=subscribing.ChangeSubscription, decide=subscribing.change, build=stamping.change,
           refuses=_CHOICES | {"CHANNEL_FIXED"}),
    Action(name="delete", summary="End the subscription.", method="DELETE",
           request=NothingBody, command=subscribing.DeleteSubscription, decide=subscribing.delete,
           refuses={"NOT_YOUR_MAILBOX"}),
    Action(name="verify", summary="Send the challenge, or the e-mail that asks for confirmation, again.",
           request=NothingBody, command=subscribing.VerifySubscription, decide=subscribing.verify),
    Action(name="pause", summary="Send nothing until it is resumed; what comes meanwhile waits.",
           request=NothingBody, command=subscribing.PauseSubscription, decide=subscribing.pause,
           states={_S.ACTIVE},
           refuses={"NOT_YOUR_MAILBOX"}),
    Action(name="resume", summary="Go on where it was paused.",
           request=NothingBody, command=subscribing.ResumeSubscription, decide=subscribing.resume,
           states={_S.PAUSED},
           refuses={"NOT_YOUR_MAILBOX"}),
    Action(name="test", summary="Send a test event.",
           request=NothingBody, command=subscribing.RequestDeliveryTest, decide=subscribing.request_test,
           build=stamping.request_test,
           states={_S.ACTIVE}),
    Action(name="rotate-secret", summary="Sign with a new secret and a new key, and for a time with the old ones too.",
           request=requests.RotateSecretBody, command=subscribing.RotateSecret, decide=subscribing.rotate_secret,
           build=stamping.rotate_secret,
           refuses={"TOO_MANY_SECRETS", "WEBHOOK_ONLY"}),
    Action(name="replay", summary="Send again what came in a span of time.",
           request=requests.ReplayBody, command=subscribing.ReplaySubscription, decide=subscribing.replay,
           states={_S.ACTIVE, _S.PAUSED},
           refuses={"IN_THE_FUTURE", "NOT_EXPECTED", "RANGE_BACKWARDS", "REPLAY_RUNNING", "REQUIRED", "WEBHOOK_ONLY"}),
)
# fmt: on
ACTIONS: Final[Mapping[str, Action[Any]]] = {row.name: row for row in _ROWS}
"""The actions on a subscription, each by its name, in the order in which an answer offers them."""
STATES: Final[Mapping[str, tuple[SubscriptionState, ...]]] = {
    row.name: tuple(state for state in SubscriptionState if state in row.states) for row in _ROWS
}
"""From which states each is possible, for the domain's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCommand(Generic[C]):
    """A command on a subscription that is no action of its own: who sends it, what decides it."""

    command: type[C]
    decide: Decide[C]
    sender: str


_DELIVERS: Final = "what delivers"
OTHER_COMMANDS: Final[tuple[OtherCommand[Any], ...]] = (
    OtherCommand(command=subscribing.CreateSubscription, decide=subscribing.create, sender="POST /v1/subscriptions"),
    OtherCommand(
        command=subscription_course.RecordChallenge, decide=subscription_course.record_challenge, sender=_DELIVERS
    ),
    OtherCommand(command=subscription_course.DisableSubscription, decide=subscription_course.disable, sender=_DELIVERS),
    OtherCommand(command=subscription_course.WarnAboutSubscription, decide=subscription_course.warn, sender=_DELIVERS),
    OtherCommand(
        command=subscription_course.RecordRecovery, decide=subscription_course.record_recovery, sender=_DELIVERS
    ),
    OtherCommand(command=subscription_course.FinishReplay, decide=subscription_course.finish_replay, sender=_DELIVERS),
)
"""The commands on a subscription that are no actions."""
CREATE_REFUSES: Final = _CHOICES | {"TOO_MANY_SUBSCRIPTIONS"}

_DECISIONS: Final[Mapping[type[Command], Decide[Any]]] = {
    **{action.command: action.decide for action in ACTIONS.values()},
    **{other.command: other.decide for other in OTHER_COMMANDS},
}


def decide(command: Command, context: SubscriptionContext) -> Decided:
    """What follows from a command on a subscription; nothing where it is so already. Raises Refused."""
    return _DECISIONS[type(command)](command, context)
