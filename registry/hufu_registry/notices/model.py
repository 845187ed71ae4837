"""A notice: a mail from templates to one mailbox, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """`values` fill the templates; they are kept encrypted until the mail is sent, and wiped then.

    `joins` says that it may go in one mail with others.
    """

    id: UUID
    template: str
    language: str
    recipient: str
    values: Mapping[str, str]
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """The same said twice, as text and as HTML."""

    recipient: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
