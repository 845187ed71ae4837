"""What the audit records of agencies say was done."""

from __future__ import annotations

EVENTS = (
    "agencies.imported",
    "agency.closed",
    "agency.history_linked",
    "agency.mail_domains_set",
    "agency.merged",
    "agency.moved",
    "agency.renamed",
    "agency.reopened",
    "agency.short_names_set",
    "agency.unit_added",
)
