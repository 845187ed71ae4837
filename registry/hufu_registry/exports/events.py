"""What the audit records of lists say was done."""

from __future__ import annotations

EVENTS = ("list.exported",)
