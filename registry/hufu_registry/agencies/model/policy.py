"""What may be set about agencies and their import."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hufu_registry.bell.model import BellPolicy
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.policy import setting
from hufu_registry.kernel.texts import is_shown

MOST_DOMAINS = 50
LONGEST_TEXT = 10_000
DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# Anybody may have a name below these, so a mailbox there says nothing; only agencies, schools and forces have one
# below gov.tw, edu.tw and mil.tw.
ANYBODYS = frozenset(f"{name}.tw" for name in ("club", "com", "ebiz", "game", "idv", "net", "org"))


def check_domains(domains: tuple[str, ...]) -> None:
    """Raises Invalid(value="mail_domains_many", "mail_domain_shape" or "mail_domain_anybodys")."""
    if len(domains) > MOST_DOMAINS:
        raise Invalid(fields={"value": "mail_domains_many"}, most=MOST_DOMAINS)
    for domain in domains:
        if not DOMAIN.fullmatch(domain):
            raise Invalid(fields={"value": "mail_domain_shape"}, domain=domain[:63])
        if domain in ANYBODYS:
            raise Invalid(fields={"value": "mail_domain_anybodys"}, domain=domain)


def check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise Invalid(fields={"value": "too_long"})
    if not all(character == "\n" or is_shown(character) for character in text):
        raise Invalid(fields={"value": "control_character"})


@dataclass(frozen=True)
class AgencyPolicy(BellPolicy):
    import_close_limit_percent: int = setting(5, minimum=0, maximum=100)
    # Where there are none, nobody has an official mailbox: anybody's could be put into a token.
    official_mail_domains: tuple[str, ...] = setting((), per_agency=True, check=check_domains)
    # What applicants are told of their data (個資法第 8 條) instead of the usual text; an empty line ends a paragraph.
    privacy_notice: str = setting("", per_agency=True, check=check_text)
