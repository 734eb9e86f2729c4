"""What counts as the same as a document shows, and what does not."""

from __future__ import annotations

import pytest

from tests.docs.likeness import differences

ID, OTHER_ID = "d3213504-4f93-5f20-86bc-4ef3b39bd3b4", "86afde7f-7019-50df-bb9e-89aff3744ded"


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ('{"a": 1, "…": "…"}', '{"b": 2, "a": 1}'),
        ('{"a": "…"}', '{"a": [1, 2]}'),
        ('["…", 2, "…"]', "[1, 2, 3, 4]"),
        ('["…", 2]', "[2]"),
        (f'{{"id": "{ID}"}}', f'{{"id": "{OTHER_ID}"}}'),
        ('{"at": "2026-07-06T09:00:00.042870Z"}', '{"at": "2026-07-06T09:03:11Z"}'),
    ],
)
def test_json_may_differ_in_what_is_left_out_and_in_ids_and_moments(shown: str, given: str) -> None:
    """What a document leaves out may be anything; ids and moments of one day are interchangeable."""
    assert differences(shown, "json", given) == []


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ('{"a": 1, "b": 2, "…": "…"}', '{"a": 1}'),
        ('["…", 5, "…"]', "[1, 2, 3]"),
        ("[1, 2]", "[1, 2, 3]"),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": null}', '{"a": 0}'),
        ('{"at": "2026-07-06T09:00:00Z"}', '{"at": "2026-07-07T09:00:00Z"}'),
        (f'{{"id": "{ID}"}}', '{"id": "133046cf"}'),
    ],
)
def test_json_differs_in_everything_else(shown: str, given: str) -> None:
    """Another value, a member more or less, another day: the document is wrong."""
    assert differences(shown, "json", given) != []


def test_lines_may_be_left_out_where_the_document_says_so() -> None:
    """`…` stands for anything within a line, and alone on a line for lines."""
    assert differences("one\n…\nfour: …\n", "text", "one\r\ntwo\r\nthree\r\nfour: 4\r\n") == []
    assert differences("one\n…\n", "text", "one\n") == []


@pytest.mark.parametrize("given", ["one\nfour\n", "one\ntwo\n", "two\nthree\n", ""])
def test_lines_are_those_that_are_shown(given: str) -> None:
    """A line more, another one, or none at all: the document is wrong."""
    assert differences("one\n", "text", given) != []
