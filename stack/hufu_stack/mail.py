"""The mail catcher as a server."""

import smtplib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hufu_stack.server import Server, answers

ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Mail(Server):
    name: ClassVar[str] = "mail"

    def prepare(self) -> None:
        self.profile.data(self.name).mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        return [
            sys.executable,
            "-m",
            "hufu_stack.mail_catcher",
            f"--smtp-port={self.profile.port('mail')}",
            f"--http-port={self.profile.port('mail-http')}",
            f"--folder={self.profile.data(self.name)}",
        ]

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port("mail")), (ADDRESS, self.profile.port("mail-http"))]

    def probe(self) -> bool:
        try:
            with smtplib.SMTP(ADDRESS, self.profile.port("mail"), timeout=2) as connection:
                greeted = connection.noop()[0] == 250
        except smtplib.SMTPException:
            return False
        return greeted and answers(f"{self.profile.url('mail-http')}/healthz")
