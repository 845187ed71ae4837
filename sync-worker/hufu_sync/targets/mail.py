"""Mail by SMTP. The only file that knows smtplib; its errors end here."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from hufu_registry.sync.model import Code
from hufu_sync.errors import Misconfigured, Refused, Transient, Unreachable


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


class SmtpPost:
    """A connection for each mail: they are few, and servers close idle ones."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def probe(self) -> None:
        with self._connected() as server:
            server.noop()

    def send(self, *, message_id: str, recipient: str, subject: str, text: str) -> None:
        """The same `message_id` at a repeat lets the receiver's side see that it is the same mail."""
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = recipient
        message["Subject"] = subject
        message["Message-ID"] = f"<{message_id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, charset="utf-8", cte="base64")
        with self._connected() as server:
            server.send_message(message)

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
        if self._settings.tls:
            return smtplib.SMTP_SSL(host, port, timeout=patience, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=patience)
