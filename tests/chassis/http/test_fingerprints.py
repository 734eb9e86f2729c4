"""The mark of a command: the same for what is the same, however it is written, and another for anything else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from services.chassis.http.request.idempotency_key import fingerprint
from services.chassis.http.request.json_text import read_json
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents

APP = SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(vault=MemoryVault(MemoryVaultContents()))))
REQUEST = Request({"type": "http", "app": APP})


def mark(text: str) -> str:
    """The mark of a body."""
    body: Any = read_json(text.encode())
    return fingerprint(REQUEST, "POST /v1/things", body).mark


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("null", "1e400"),
        ("1e400", "-1e400"),
        ('{"a": [null]}', '{"a": [1e400]}'),
        ('[{"a": null}, 1]', '[{"a": 1e400}, 1]'),
    ],
)
def test_a_number_without_bounds_is_not_taken_for_another_body(one: str, other: str) -> None:
    """JSON has such numbers, and an encoder may write null for them."""
    assert mark(one) != mark(other)


@pytest.mark.parametrize(("one", "other"), [('{"a": 1, "b": null}', '{ "b":null,"a":1.0 }'), ("[1e400]", "[1E+400]")])
def test_a_body_that_is_written_differently_has_the_same_mark(one: str, other: str) -> None:
    """Order, spaces and the spelling of numbers do not count."""
    assert mark(one) == mark(other)
