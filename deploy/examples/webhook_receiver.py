"""Receives webhooks: answers the challenge, checks signatures, and prints every CloudEvent once, as a line of JSON.

    WEBHOOK_SECRET=whsec_… python webhook_receiver.py

Needs `pip install standardwebhooks`. It listens on PORT (9000) of HOST (127.0.0.1): put your own web server with TLS in
front. An event comes again until it was answered with 2xx, so what was handled is remembered by its id. A system of
your own remembers it in the transaction that keeps what it made of the event, and answers after that.
"""

from __future__ import annotations

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

VERIFICATION = "org.caserelay.subscription.verification.v1"
WEBHOOK = Webhook(os.environ["WEBHOOK_SECRET"])
HANDLED = os.environ.get("HANDLED", "handled.db")


class Receiver(BaseHTTPRequestHandler):
    """Answers 200 to what it has taken, 400 to what it cannot believe."""

    def do_POST(self) -> None:
        """One event. Its signature is that of the bytes as they came, so these are checked before they are read."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            event = WEBHOOK.verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError):
            self.answer(400, {"error": "the signature is not that of our secret, or too old"})
            return
        if event["type"] == VERIFICATION:
            self.answer(200, {"challenge": event["data"]["challenge"]})
            return
        with sqlite3.connect(HANDLED) as handled:
            if handled.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],)).rowcount:
                print(json.dumps(event, ensure_ascii=False), flush=True)
        handled.close()
        self.answer(200, {})

    def answer(self, status: int, content: dict[str, str]) -> None:
        """Sends a JSON body."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with sqlite3.connect(HANDLED) as table:
        table.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY)")
    table.close()
    ThreadingHTTPServer(
        (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "9000"))), Receiver
    ).serve_forever()
