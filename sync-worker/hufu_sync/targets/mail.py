"""Mail by SMTP. The only file that knows smtplib; its errors end here."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from time import monotonic
from typing import TYPE_CHECKING

from hufu_registry.notices.model import Mail
from hufu_registry.sync.model import Code
from hufu_sync.errors import Misconfigured, Refused, Transient, Unreachable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


@dataclass(frozen=True, slots=True)
class MailSettings:
    host: str
    port: int
    sender: str
    starttls: bool = False
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    call_seconds: int = 8
    # All of one mail: less than what is left of a lease.
    mail_seconds: float = 15.0


class _Hurried(smtplib.SMTP):
    """All that is said for one mail ends by a time, though each exchange by itself be quick enough."""

    ends_at: float = float("inf")

    def send(self, s: Buffer | str) -> None:
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TimeoutError
        if self.sock is not None:
            self.sock.settimeout(min(left, self.timeout))
        super().send(s)


class _HurriedOverTls(_Hurried, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class SmtpPost:
    """A connection for each mail: they are few, and servers close idle ones."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def probe(self) -> None:
        with self._connected() as server:
            server.noop()

    def send(self, mail: Mail, *, message_id: str) -> None:
        if {"\r", "\n"} & {*mail.recipient, *mail.subject}:
            # EmailMessage raises for some of these, and takes others.
            raise Refused(Code.MAIL_ADDRESS_REFUSED, "line break")
        message = self._message(mail, message_id)
        with self._connected() as server:
            server.send_message(message, to_addrs=[mail.recipient])

    def _message(self, mail: Mail, message_id: str) -> EmailMessage:
        """Text and HTML as alternatives, base64 so that no server on its way breaks a line."""
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Message-ID"] = f"<{message_id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, charset="utf-8", cte="base64")
        message.add_alternative(mail.html, subtype="html", charset="utf-8", cte="base64")
        for attachment in mail.attachments:
            maintype, _, subtype = attachment.media_type.partition("/")
            message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.filename)
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        try:
            with self._open() as server:
                if settings.starttls:
                    server.starttls(context=ssl.create_default_context())
                if settings.user:
                    server.login(settings.user, settings.password)
                yield server
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            if all(code >= 500 for code in codes):
                raise Refused(Code.MAIL_ADDRESS_REFUSED, str(max(codes))) from error
            raise Transient(Code.MAIL_LATER, str(min(codes))) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            raise Misconfigured(Code.MAIL_REFUSED_US, type(error).__name__) from error
        except smtplib.SMTPConnectError as error:
            raise Unreachable(Code.MAIL_UNREACHABLE, str(error.smtp_code)) from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 500:
                raise Refused(Code.MAIL_ADDRESS_REFUSED, str(error.smtp_code)) from error
            raise Transient(Code.MAIL_LATER, str(error.smtp_code)) from error
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured(Code.MAIL_REFUSED_US, type(error).__name__) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(Code.MAIL_UNREACHABLE, type(error).__name__) from error

    def _open(self) -> smtplib.SMTP:
        host, port, patience = self._settings.host, self._settings.port, self._settings.call_seconds
        ends_at = monotonic() + self._settings.mail_seconds
        server: _Hurried
        if self._settings.tls:
            server = _HurriedOverTls(host, port, timeout=patience, context=ssl.create_default_context())
        else:
            server = _Hurried(host, port, timeout=patience)
        server.ends_at = ends_at
        return server
