"""Keyed hashes and encryption of single fields; the keys come from files and never leave this object."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class Unreadable(Exception):  # noqa: N818 - the field's words, as with the errors of rules
    """What was sealed does not open: another key sealed it, or it is damaged, or it is not what it should be."""


class Keys:
    """`index` makes searchable keyed hashes, `seal`/`open` AES-256-GCM texts, `audit_mac` the seal of a record.

    Each key is 32 bytes. A sealed text is base64 of nonce and ciphertext; `about` binds it to its field, so
    that a value copied into another field does not open.
    """

    def __init__(self, *, data: bytes, index: bytes, audit: bytes) -> None:
        for key in (data, index, audit):
            if len(key) != KEY_BYTES:
                raise ValueError(f"a key must have {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(data)
        self._index = index
        self._audit = audit

    def index(self, about: str, value: str) -> str:
        """A keyed SHA-256 of `value` as 64 hex digits; the same value under another `about` differs."""
        return hmac.new(self._index, f"{about}\0{value}".encode(), hashlib.sha256).hexdigest()

    def audit_mac(self, record: bytes) -> str:
        return hmac.new(self._audit, record, hashlib.sha256).hexdigest()

    def seal(self, about: str, value: str) -> str:
        return base64.b64encode(self.seal_bytes(about, value.encode())).decode()

    def open(self, about: str, sealed: str) -> str:
        """Raises Unreadable."""
        try:
            return self.open_bytes(about, base64.b64decode(sealed)).decode()
        except ValueError as error:
            raise Unreadable(about) from error

    def seal_bytes(self, about: str, value: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, about.encode())

    def open_bytes(self, about: str, sealed: bytes) -> bytes:
        """Raises Unreadable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable(about) from error
