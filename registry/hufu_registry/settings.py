"""What the registry reads from the environment, checked once at start. Secrets are paths to files."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.keys import Keys

SETTINGS = {setting.key: setting for feature in FEATURES for setting in feature.settings}


def bounded(key: str) -> Any:
    """A number whose default and bounds are the setting's."""
    declared = SETTINGS[key]
    return Field(default=declared.default, ge=declared.minimum, le=declared.maximum)


def bounded_days(key: str) -> Any:
    declared = SETTINGS[key]
    return Field(default=declared.default.days, ge=declared.minimum.days, le=declared.maximum.days)


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
    official_mail_domains: str = " ".join(SETTINGS["official_mail_domains"].default)
    guard_most: int = bounded("guard_most")
    guard_agency_more_than: int = bounded("guard_agency_more_than")
    guard_agency_percent: int = bounded("guard_agency_percent")
    destructive_steps_per_hour: int = bounded("destructive_steps_per_hour")
    deletion_wait_days: int = bounded_days("deletion_wait")

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
