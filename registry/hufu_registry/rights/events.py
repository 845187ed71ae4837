"""What the audit records of grants say was done."""

from __future__ import annotations

EVENTS = ("grant.ended", "grant.given")
