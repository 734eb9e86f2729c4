"""Follows what one organisation may see, over Kafka: prints every CloudEvent once, as a line of JSON.

    ORGANISATION=brugwerk KAFKA_SERVERS=kafka-1.example.org:9093 KAFKA_SECURITY_PROTOCOL=SASL_SSL \
    KAFKA_SASL_MECHANISM=SCRAM-SHA-512 KAFKA_USERNAME=brugwerk KAFKA_PASSWORD=… python subscribe.py

Needs nothing but Kafka's client: `pip install kafka-python`. Any other client does the same. Messages come at least
once, so what was handled is remembered by its id. A system of your own remembers it in the transaction that keeps what
it made of the message; a line that was printed cannot be taken back.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from typing import Any

from kafka import KafkaConsumer


def cloud_event(record: Any) -> dict[str, Any]:
    """A record in binary mode: attributes in headers that begin with ce_, the data as the value."""
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "data": json.loads(record.value)}


def main() -> None:
    """Runs until SIGINT or SIGTERM."""
    organisation = os.environ["ORGANISATION"]
    consumer: Any = KafkaConsumer(
        # The part behind `caserelay.` is what the operator named it; the group has to begin with the organisation's id.
        f"{os.environ.get('KAFKA_PREFIX', '')}caserelay.organisation.{organisation}.v1",
        bootstrap_servers=os.environ.get("KAFKA_SERVERS", "localhost:9094").split(","),
        group_id=f"{organisation}.{os.environ.get('GROUP', 'example')}",
        security_protocol=os.environ.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
        sasl_mechanism=os.environ.get("KAFKA_SASL_MECHANISM"),
        sasl_plain_username=os.environ.get("KAFKA_USERNAME"),
        sasl_plain_password=os.environ.get("KAFKA_PASSWORD"),
        ssl_cafile=os.environ.get("KAFKA_CAFILE"),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        # Until then a subscriber that was killed keeps its place in the group, and the next one waits.
        session_timeout_ms=10_000,
    )
    handled = sqlite3.connect(os.environ.get("HANDLED", "handled.db"))
    handled.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY)")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            for records in consumer.poll(timeout_ms=1000).values():
                for record in records:
                    event = cloud_event(record)
                    with handled:
                        if handled.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],)).rowcount:
                            print(json.dumps(event, ensure_ascii=False), flush=True)
                # Only now: after a crash before this it comes again.
                consumer.commit()
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
        handled.close()


if __name__ == "__main__":
    main()
