"""The free texts that events refer to, for those who may read them: they stand in the vault and in no event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from services.chassis.http.response.rendering import Json, camel
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.plain import members
from services.chassis.vault.vault import Vault

_SUFFIX: Final = "_ref"


def _references(value: Any, code: str | None = None) -> Iterator[tuple[str, str | None, str]]:
    """Each (name, code, reference) in the plain data of an event; the code is that of the answer it belongs to."""
    if (names := members(type(value))) is not None:
        code = getattr(value, "code", code)
        for name in names:
            held = getattr(value, name)
            if name.endswith(_SUFFIX) and isinstance(held, str):
                yield camel(name.removesuffix(_SUFFIX)), code, held
            else:
                yield from _references(held, code)
    elif isinstance(value, tuple):
        for part in value:
            yield from _references(part, code)


async def texts_of(records: Sequence[Recorded], vault: Vault, *, leave_out: Collection[str] = ()) -> list[Json]:
    """The texts of these events, in their order; one that was forgotten is not there any more."""
    found: list[Json] = []
    for recorded in records:
        for name, code, ref in _references(recorded.event):
            record = await vault.read(ref) if name not in leave_out else None
            if record is None:
                continue
            texts = record.get("texts") or [record.get("text")]
            found.extend(
                {
                    "event": recorded.meta.event_id,
                    "type": type(recorded.event).__name__,
                    "field": name,
                    "code": code,
                    "text": text,
                }
                for text in texts
            )
    return found
