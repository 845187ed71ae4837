"""What the registry reads from the environment, checked once at start. Secrets are paths to files."""

from __future__ import annotations

import base64
import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, SecretStr, ValidationError, create_model, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Setting, check_together

# So alike no two variables of the house are: tests/unit/test_policy.py looks.
NEAR = 0.8
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
    """The variables that are missing or wrong; what is wrong, where it is more than one."""
    return ", ".join(
        variable(str(error["loc"][0])) if error["loc"] else error["msg"].removeprefix("Value error, ")
        for error in fault.errors()
    )


def variable(key: str) -> str:
    return f"HUFU_{key.upper()}"


def check_names(given: Iterable[str]) -> None:
    """Raises ValueError for a variable that is called nearly as a setting: one that was renamed, or mistyped."""
    prefix = variable("")
    for name in sorted(name.removeprefix(prefix).lower() for name in given if name.startswith(prefix)):
        near = [] if name in SETTINGS else difflib.get_close_matches(name, SETTINGS, 1, NEAR)
        if near:
            raise ValueError(f"{variable(name)} is not read; is {variable(near[0])} meant?")


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

    @model_validator(mode="after")
    def check_settings(self) -> Self:
        check_names(os.environ)
        try:
            check_together(self.policy(), SETTINGS.values())
        except Invalid as fault:
            less, more = (variable(str(fault.context[name])) for name in ("less", "more"))
            raise ValueError(f"{less} may not be less than {more}") from fault
        return self

    def keys(self) -> Keys:
        return Keys(data=key(self.data_key_file), index=key(self.index_key_file), audit=key(self.audit_key_file))

    def policy(self) -> Policy:
        return Policy(with_directory=self.directory == "ad", **{name: getattr(self, name) for name in SETTINGS})
