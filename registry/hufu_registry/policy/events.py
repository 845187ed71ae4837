"""What the audit records of settings say was done."""

from __future__ import annotations

EVENTS = ("setting.changed",)
