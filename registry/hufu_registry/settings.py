"""What the registry reads from the environment, checked once at start. Secrets are paths to files."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Policy

USUAL = Policy()


def secret(path: Path) -> SecretStr:
    """The text of a secret file without its line end."""
    return SecretStr(path.read_text(encoding="utf-8").strip())


def key(path: Path) -> bytes:
    return base64.b64decode(secret(path).get_secret_value())


def names_of(fault: ValidationError) -> str:
    """The variables that are missing or wrong."""
    return ", ".join(f"HUFU_{str(error['loc'][0]).upper()}" for error in fault.errors() if error["loc"])


class RegistrySettings(BaseSettings):
    """Every process of ours starts from these."""

    model_config = SettingsConfigDict(env_prefix="HUFU_", extra="ignore")

    database_url: str
    database_password_file: Path
    data_key_file: Path
    index_key_file: Path
    audit_key_file: Path
    console_url: str
    directory: Literal["ad", "none"] = "ad"
    official_mail_domains: str = "gov.tw edu.tw mil.tw"
    guard_most: int = Field(default=USUAL.guard_most, ge=0)
    guard_agency_more_than: int = Field(default=USUAL.guard_agency_more_than, ge=0)
    guard_agency_percent: int = Field(default=USUAL.guard_agency_percent, ge=0, le=100)
    destructive_steps_per_hour: int = Field(default=USUAL.destructive_steps_per_hour, ge=1)
    deletion_wait_days: int = Field(default=USUAL.deletion_wait.days, ge=0)

    def keys(self) -> Keys:
        return Keys(data=key(self.data_key_file), index=key(self.index_key_file), audit=key(self.audit_key_file))

    def policy(self) -> Policy:
        return Policy(
            with_directory=self.directory == "ad",
            official_mail_domains=tuple(self.official_mail_domains.lower().split()),
            guard_most=self.guard_most,
            guard_agency_more_than=self.guard_agency_more_than,
            guard_agency_percent=self.guard_agency_percent,
            destructive_steps_per_hour=self.destructive_steps_per_hour,
            deletion_wait=timedelta(days=self.deletion_wait_days),
        )
