"""What may be set about agencies and their import."""

from __future__ import annotations

from dataclasses import dataclass

from hufu_registry.kernel.policy import Policy, setting


@dataclass(frozen=True)
class AgencyPolicy(Policy):
    import_close_limit_percent: int = setting(5, minimum=0, maximum=100)
    official_mail_domains: tuple[str, ...] = setting(("gov.tw", "edu.tw", "mil.tw"), per_agency=True)
