"""What worker, relay and scheduler count, beside how they are."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hufu_registry.health import Heart, serving
from hufu_registry.kernel.paging import MOST_COUNTED

__all__ = ["Heart", "Metrics", "serving"]


class Metrics:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rows = Counter("hufu_sync_rows", "Rows worked on", ["target", "outcome"], registry=self.registry)
        self.seconds = Histogram("hufu_sync_row_seconds", "Time for one row", ["target"], registry=self.registry)
        self.waited = Histogram(
            "hufu_sync_wait_seconds",
            "From the wish to its being done",
            ["target"],
            registry=self.registry,
            buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 900, 3600),
        )
        self.up = Gauge("hufu_sync_target_up", "1 while the target answers", ["target"], registry=self.registry)
        self.queue = Gauge(
            "hufu_sync_queue",
            f"Rows in the outbox, counted to {MOST_COUNTED}",
            ["target", "state"],
            registry=self.registry,
        )
        self.events = Counter("hufu_sync_sign_in_events", "Sign-in events kept", registry=self.registry)
        self.failures = Counter("hufu_sync_loop_failures", "Rounds that failed", ["part"], registry=self.registry)
