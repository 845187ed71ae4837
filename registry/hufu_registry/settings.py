"""What the registry reads from the environment, checked once at start. Secrets are paths to files."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Setting

SETTINGS = {setting.key: setting for feature in FEATURES for setting in feature.settings}


def _default_of(setting: Setting) -> Any:
    """HUFU_<KEY>, written as `hufu settings set` takes it; what is empty is the code's own default."""

    def read(text: str) -> Any:
        try:
            return setting.read(text) if text else setting.default
        except Invalid as fault:
            raise ValueError(fault.fields["value"]) from fault

    return Annotated[Any, BeforeValidator(read)], ""


def secret(path: Path) -> SecretStr:
    """The text of a secret file without its line end."""
    return SecretStr(path.read_text(encoding="utf-8").strip())


def key(path: Path) -> bytes:
    return base64.b64decode(secret(path).get_secret_value())


def names_of(fault: ValidationError) -> str:
    """The variables that are missing or wrong."""
    return ", ".join(f"HUFU_{str(error['loc'][0]).upper()}" for error in fault.errors() if error["loc"])


if TYPE_CHECKING:
    _Defaults = BaseSettings
else:
    _Defaults = create_model(
        "_Defaults", __base__=BaseSettings, **{key: _default_of(setting) for key, setting in SETTINGS.items()}
    )


class RegistrySettings(_Defaults):
    """Every process of ours starts from these, and from a default for each setting."""

    model_config = SettingsConfigDict(env_prefix="HUFU_", extra="ignore")

    database_url: str
    database_password_file: Path
    data_key_file: Path
    index_key_file: Path
    audit_key_file: Path
    console_url: str
    directory: Literal["ad", "none"] = "ad"

    def keys(self) -> Keys:
        return Keys(data=key(self.data_key_file), index=key(self.index_key_file), audit=key(self.audit_key_file))

    def policy(self) -> Policy:
        return Policy(with_directory=self.directory == "ad", **{name: getattr(self, name) for name in SETTINGS})
