"""Messages that come back of letters, as mail servers write them."""

from __future__ import annotations

from typing import Final

REPLY: Final = "smtp; 550 5.1.1 <lotte@brugwerk.example>: Recipient address rejected: Lotte Maes has left"


def report(to: str, action: str = "failed", status: str = "5.1.1", diagnostic: str = REPLY) -> str:
    """A report as Postfix writes it, to the return path of a letter."""
    return "\r\n".join(
        [
            "Return-Path: <>",
            "Date: Mon, 12 Jan 2026 10:00:00 +0100 (CET)",
            "From: MAILER-DAEMON@mail.example.org (Mail Delivery System)",
            "Subject: Undelivered Mail Returned to Sender",
            f"To: {to}",
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="4A1B2.1/mail.example.org"',
            "",
            "This is a MIME-encapsulated message.",
            "",
            "--4A1B2.1/mail.example.org",
            "Content-Description: Notification",
            "Content-Type: text/plain; charset=us-ascii",
            "",
            "I'm sorry to have to inform you that your message could not be delivered.",
            "",
            "--4A1B2.1/mail.example.org",
            "Content-Description: Delivery report",
            "Content-Type: message/delivery-status",
            "",
            "Reporting-MTA: dns; mail.example.org",
            "X-Postfix-Queue-ID: 4A1B2",
            "Arrival-Date: Mon, 12 Jan 2026 09:59:58 +0100 (CET)",
            "",
            "Final-Recipient: rfc822; lotte@brugwerk.example",
            "Original-Recipient: rfc822;lotte@brugwerk.example",
            f"Action: {action}",
            f"Status: {status}",
            "Remote-MTA: dns; mx.brugwerk.example",
            f"Diagnostic-Code: {diagnostic}",
            "",
            "--4A1B2.1/mail.example.org",
            "Content-Description: Undelivered Message",
            "Content-Type: message/rfc822",
            "",
            "From: Caserelay <caserelay@example.org>",
            "To: lotte@brugwerk.example",
            "Subject: Something happened",
            "",
            "Action: failed",
            "Status: 5.1.1",
            "",
            "--4A1B2.1/mail.example.org--",
            "",
        ]
    )


def away(to: str) -> str:
    """What somebody's program answers who is on holiday (RFC 3834)."""
    return "\r\n".join(
        [
            "From: lotte@brugwerk.example",
            f"To: {to}",
            "Subject: Out of office",
            "Auto-Submitted: auto-replied (vacation)",
            "Content-Type: text/plain; charset=utf-8",
            "",
            "Action: failed",
            "Status: 5.1.1",
            "I am back on Monday.",
            "",
        ]
    )
