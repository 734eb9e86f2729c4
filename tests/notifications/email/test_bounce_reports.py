"""What comes back of a letter is read as RFC 3464 and RFC 3463 have it, and nothing else is believed."""

from __future__ import annotations

import time

import pytest

from services.notifications.email.bounce_reports import Report, receivers_of, report_of
from tests.notifications.email.reports import away, report

TO = "bounces+abc@example.org"
BOUNCED, NOTHING = Report(bounced=True, status=550), Report(bounced=False)


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", BOUNCED),
        ("Failed", " 5.2.1 (mailbox closed)", BOUNCED),
        ("failed", "5.0.0", BOUNCED),
        ("failed", "5.4.4", BOUNCED),
        # A policy is no matter of the address, as where a server says so while it takes a letter.
        ("failed", "5.7.1", NOTHING),
        # Nor what is about the letter, its size or its sender: that is so wherever it goes.
        ("failed", "5.6.1", NOTHING),
        ("failed", "5.3.4", NOTHING),
        ("failed", "5.2.3", NOTHING),
        ("failed", "5.1.7", NOTHING),
        ("failed", "5.1.8 (sender's domain not found)", NOTHING),
        ("failed", "5.3.0", BOUNCED),
        ("failed", "5.2.2", BOUNCED),
        ("failed", "5.1.10", BOUNCED),
        ("failed", "4.4.7", NOTHING),
        ("delayed", "4.4.1", NOTHING),
        ("delayed", "5.1.1", NOTHING),
        ("delivered", "2.0.0", NOTHING),
        ("relayed", "2.0.0", NOTHING),
        ("expanded", "2.0.0", NOTHING),
        ("failed", "", NOTHING),
        ("failed", "5", NOTHING),
        ("failed", "5.1.1.1", NOTHING),
        ("failed", "55.1.1", NOTHING),
    ],
)
def test_a_letter_is_bounced_that_failed_for_good(action: str, status: str, expected: Report) -> None:
    """By the fields of its recipient alone: what is quoted of the letter says nothing."""
    assert report_of(report(TO, action, status)) == expected


@pytest.mark.parametrize(
    ("diagnostic", "status"),
    [
        ("smtp; 554 5.1.1 no", 554),
        ("SMTP;550", 550),
        ("X-Postfix; unknown host", None),
        ("smtp; 450 4.2.2 full", None),
        ("smtp; 5500", None),
        ("smtp; no such user", None),
        ("", None),
    ],
)
def test_of_what_the_server_said_the_status_is_kept(diagnostic: str, status: int | None) -> None:
    """A number of 500 and more, if a server of SMTP said it, and no word."""
    assert report_of(report(TO, diagnostic=diagnostic)) == Report(bounced=True, status=status)


def test_one_recipient_that_failed_is_enough() -> None:
    """Behind one to whom it was relayed: a report may be of several."""
    relayed = "Final-Recipient: rfc822; list@brugwerk.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\n"
    two = report(TO).replace("Final-Recipient: rfc822; lotte", f"{relayed}Final-Recipient: rfc822; lotte", 1)
    assert report_of(two) == BOUNCED


def test_lines_may_end_as_they_do_in_a_pipe() -> None:
    """Postfix hands messages over with LF alone."""
    assert report_of(report(TO).replace("\r\n", "\n")) == BOUNCED


def test_an_automatic_answer_is_nothing() -> None:
    """Whatever stands in it."""
    assert report_of(away(TO)) == NOTHING


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no message",
        away(TO).replace("Auto-Submitted: auto-replied (vacation)\r\n", ""),
        away(TO).replace("auto-replied (vacation)", "no"),
        report(TO).replace("multipart/report", "multipart/mixed").replace("Auto-Submitted: auto-replied\r\n", ""),
        report(TO).replace("message/delivery-status", "text/plain").replace("Auto-Submitted: auto-replied\r\n", ""),
        "Content-Type: multipart/report; boundary=x\r\n\r\n",
        "Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n--x--"[
            :70
        ],
    ],
)
def test_what_is_no_report_is_none(message: str) -> None:
    """Written by hand, of another kind, or cut off before it says anything."""
    assert report_of(message) is None


def test_a_report_within_a_report_is_none_of_ours() -> None:
    """What a server returns may itself be a report, about somebody else's letter."""
    quoted = report("somebody@elsewhere.example")
    outer = report(TO, "delayed", "4.4.1").replace("From: Caserelay <caserelay@example.org>", quoted, 1)
    assert report_of(outer) == NOTHING


def test_parts_within_parts_without_end_are_not_read() -> None:
    """In a moment, and without an error: anybody may write it who has had a letter."""
    depth = 5000
    nested = "".join(f"Content-Type: multipart/report; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    began = time.monotonic()
    assert report_of(f"To: {TO}\n{nested}") is None
    assert time.monotonic() - began < 2


def test_letters_within_letters_without_end_are_not_read() -> None:
    """These need no boundary."""
    assert report_of(f"To: {TO}\n" + "Content-Type: message/rfc822\n\n" * 30_000) is None


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "no\0charset", "unheard-of"])
def test_a_boundary_in_a_charset_that_fails_is_none(charset: str) -> None:
    """It is RFC 2231 that lets a sender name one."""
    assert report_of(f"To: {TO}\nContent-Type: multipart/report; boundary*={charset}''%80%ff\n\n--x\n") is None


def test_what_is_not_ascii_spoils_nothing() -> None:
    """Bytes of the letter that a pipe could not read, and halves of pairs: around the fields and in them."""
    odd = "\ufffd\ud800\udc80\u017f\u00e9"
    spoilt = report(TO, diagnostic=f"smtp; 550 5.1.1 {odd}").replace("Subject: U", f"Subject: {odd} U")
    assert report_of(spoilt) == BOUNCED
    assert TO in receivers_of(f"Delivered-To: {odd}\n{spoilt}")
    assert report_of(away(TO).replace("auto-replied", odd)) == NOTHING


def test_a_letter_that_is_returned_whole_changes_nothing() -> None:
    """However long it is, and a report is read in a moment, whatever stands in it."""
    assert report_of(report(TO) + "x" * 900_000) == BOUNCED
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(20))
    began = time.process_time()
    assert report_of(nested + "\n" * 990_000) is None
    assert time.process_time() - began < 1


def test_receivers_are_those_of_the_headers() -> None:
    """Of the server's as of the writer's, folded too, and nothing that stands below them."""
    headers = (
        "Delivered-To: a@x.example\r\nX-Original-To: b@x.example\r\nto: c@x.example,\r\n d@x.example\r\nCc: e@x.example"
    )
    found = receivers_of(f"{headers}\r\n\r\nTo: f@x.example\r\n")
    assert [name for name in "abcdef" if f"{name}@x.example" in found] == ["a", "b", "c", "d"]
