"""Approximate durations of Google's operations in seconds, which are multiplied by EMULATOR_LATENCY."""

import asyncio

from emulator.core.ids import ADDRESS, ATTACHMENT, DISK, INSTANCE, SNAPSHOT

SECONDS = {
    ("create", INSTANCE): 4.0,
    ("update", INSTANCE): 2.0,
    ("delete", INSTANCE): 3.0,
    ("start", INSTANCE): 3.0,
    ("stop", INSTANCE): 2.5,
    ("reset", INSTANCE): 1.5,
    ("boot", INSTANCE): 2.0,
    ("create", DISK): 1.5,
    ("update", DISK): 1.0,
    ("delete", DISK): 1.0,
    ("create", SNAPSHOT): 3.0,
    ("delete", SNAPSHOT): 1.0,
    ("create", ADDRESS): 1.0,
    ("update", ADDRESS): 1.0,
    ("delete", ADDRESS): 1.0,
    ("create", ATTACHMENT): 1.5,
    ("delete", ATTACHMENT): 1.5,
    ("create", "google_sql_database_instance"): 12.0,
    ("create", "google_container_cluster"): 12.0,
    ("delete", "google_sql_database_instance"): 4.0,
    ("delete", "google_container_cluster"): 6.0,
}
OTHERS = {"create": 0.6, "update": 0.5, "delete": 0.5}


class Latency:
    def __init__(self, factor: float) -> None:
        self._factor = factor

    def seconds(self, op: str, type_: str) -> float:
        return SECONDS.get((op, type_), OTHERS.get(op, 0.0)) * self._factor

    async def wait(self, op: str, type_: str, share: float = 1.0) -> None:
        """Wait for the operation's duration, or for a share of it."""
        await asyncio.sleep(self.seconds(op, type_) * share)
