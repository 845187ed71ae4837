"""Reading the caught mails as their reader would."""

from __future__ import annotations

import re
import time
from typing import Any

import requests

PATIENCE = 60.0
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
ACTION_LINK = "/login-actions/action-token"

Mail = dict[str, Any]


def mails(address: str, to: str) -> list[Mail]:
    """All mails to a mailbox, newest first."""
    caught: list[Mail] = requests.get(address, params={"to": to}, timeout=10).json()
    return caught


def newest(address: str) -> int:
    caught = requests.get(address, params={"limit": "1"}, timeout=10).json()
    return int(caught[0]["id"]) if caught else 0


def awaited(address: str, to: str, *, holding: str = "", after: int = 0) -> Mail:
    """The newest mail to `to` that holds a text and came after the mail of that number."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for mail in mails(address, to):
            if mail["id"] > after and holding in mail["subject"] + mail["text"]:
                return mail
        time.sleep(0.2)
    raise AssertionError(f"no mail to {to} that holds {holding!r}: {[mail['subject'] for mail in mails(address, to)]}")


def code_in(mail: Mail) -> str:
    code = CODE.search(mail["text"])
    assert code is not None, mail["text"]
    return code[0]


def activation_link(mail: Mail) -> str:
    return str(next(link for link in mail["links"] if ACTION_LINK in link))
