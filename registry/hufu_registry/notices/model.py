"""A notice: a text from a template to one mailbox, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Template(StrEnum):
    MAILBOX_CODE = "mailbox_code"
    CASE_RECEIVED = "case_received"
    CASE_APPROVED = "case_approved"
    CASE_REJECTED = "case_rejected"
    CASE_WITHDRAWN = "case_withdrawn"
    NAME_COLLISION = "name_collision"
    CASE_WAITING = "case_waiting"  # to the managers who may decide


@dataclass(frozen=True, slots=True)
class Notice:
    """`values` fill the template; they are kept encrypted until the mail is sent, and wiped then."""

    id: UUID
    template: Template
    language: str
    recipient: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mail:
    recipient: str
    subject: str
    text: str
