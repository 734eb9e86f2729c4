"""Whatever kind of stream a fold goes on with from a snapshot, it becomes what it becomes without one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import pytest

from services.casefile.events import EVENT_TYPES as CASEFILE
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.snapshots import Codec
from services.chassis.log.metadata import Recorded
from services.chassis.log.snapshots import Snapshot
from services.notifications.events import EVENT_TYPES as NOTIFICATIONS
from services.referral.domain.referral_state import Referral
from services.referral.events import EVENT_TYPES as REFERRAL
from tests.support.golden import corpus
from tests.test_folds_stay_cheap import ENTITIES, takes

TYPES: Final = {"referral": REFERRAL, "casefile": CASEFILE, "notifications": NOTIFICATIONS}


def streams(service: str) -> list[list[Recorded]]:
    """The stored streams of a service, and one of every event that it has ever stored."""
    types, golden = TYPES[service], corpus(service)
    found: defaultdict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for file in sorted(golden.directory.glob("streams/*.tsv")):
        for recorded in golden.story(file.stem, types):
            found[file.stem, recorded.stream].append(recorded)
    samples = [
        Recorded(number, "samples", number, topic, *types.decode(topic, state), state)
        for number, (topic, state) in enumerate(sorted(golden.samples().items()), start=1)
    ]
    return [*found.values(), samples]


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_a_fold_from_a_snapshot_at_any_event_is_the_fold_of_the_whole_stream(name: str) -> None:
    """Every stored stream, with a snapshot behind each of its events; of referrals there is none once they are sent."""
    service, entity = ENTITIES[name]
    codec = Codec.of(entity)
    assert codec is not None
    without, tried = set[Any](), 0
    for stream in streams(service):
        whole: Folded[Any] = Folded(entity.initial)
        begun: list[Folded[Any]] = []
        for recorded in (one for one in stream if takes(entity, one.event)):
            whole.take(entity, recorded)
            for folded in begun:
                folded.take(entity, recorded)
            if (state := codec.written(recorded.stream, whole)) is None:
                without.add(type(whole.state))
                continue
            restored = codec.read(Snapshot(recorded.stream, codec.topic, codec.made_by, whole.version, state))
            assert restored is not None
            begun.append(restored)
            tried += 1
        for folded in begun:
            assert folded == whole
    assert tried, "no stored stream is of this kind"
    assert without <= {Referral}
