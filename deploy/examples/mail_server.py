"""A mail server to try e-mail with: prints every letter as text, and delivers none.

    python mail_server.py

Needs `pip install aiosmtpd`. It listens on PORT (1025) of 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import os
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session


class Printing:
    """Takes every letter and prints it."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """One letter: to whom, about what, and its text."""
        letter = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = letter.get_body(("plain",))
        lines = body.get_content().splitlines() if body is not None else []
        print(f"To: {letter['To']}", f"Subject: {letter['Subject']}", "", *lines, sep="\n", flush=True)
        return "250 2.0.0 printed"


async def main() -> None:
    """Runs until it is ended."""
    port = int(os.environ.get("PORT", "1025"))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Printing()), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
