"""What a replay is called in its lanes: they have to know how far it goes when it has long been walked."""

from __future__ import annotations

from services.notifications.domain.subscription_events import ReplayRequested


def replay_name(replay: ReplayRequested) -> str:
    """What tells a replay from others, and its lanes how far they are told: also when it has long ended."""
    return f"{replay.replay}-{replay.through_position}"


def end_of_replay(name: str | None) -> int | None:
    """The position up to which a replay goes; None for what is no replay."""
    return None if name is None else int(name.partition("-")[2])


def number_of_replay(name: str | None) -> int | None:
    """The number of a replay of its subscription."""
    return None if name is None else int(name.partition("-")[0])
