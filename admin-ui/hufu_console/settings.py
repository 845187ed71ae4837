"""The console's settings: from the environment, checked at start; secrets come from files."""

from __future__ import annotations

from pathlib import Path

from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """HUFU_ISSUER, HUFU_CONSOLE_URL and so on; an unset one without a default stops the start."""

    model_config = SettingsConfigDict(env_prefix="HUFU_", extra="ignore", frozen=True)

    console_url: AnyHttpUrl
    issuer: AnyHttpUrl
    oidc_client_id: str = "hufu-console"
    oidc_client_secret_file: Path
    session_key_file: Path
    redis_url: str = "memory://"
    redis_password_file: Path | None = None
    # How many proxies stand in front and set X-Forwarded-*; none by default, since anybody could send them.
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    # Cookies travel over TLS only; browsers count localhost as that. Off only for scripts that do not.
    cookie_secure: bool = True
    # Limits per address; off only where tests would run into them.
    limits: bool = True
    # The page that shows every part; for test builds.
    gallery: bool = False

    @property
    def https(self) -> bool:
        return self.console_url.scheme == "https"

    @property
    def base(self) -> str:
        return str(self.console_url).rstrip("/")

    @property
    def issuer_url(self) -> str:
        return str(self.issuer).rstrip("/")

    @property
    def issuer_origin(self) -> str:
        """Scheme, host and port of the sign-in server."""
        return self.issuer_url.partition("/realms/")[0]

    @property
    def session_key(self) -> str:
        return self.session_key_file.read_text().strip()

    @property
    def oidc_client_secret(self) -> str:
        return self.oidc_client_secret_file.read_text().strip()

    @property
    def limits_url(self) -> str:
        """The address of the limits' counters, with the password from its file."""
        if self.redis_password_file is None:
            return self.redis_url
        scheme, _, rest = self.redis_url.partition("://")
        return f"{scheme}://:{self.redis_password_file.read_text().strip()}@{rest}"


class ExportSettings(Settings):
    """The process that writes exports is the console without a door: it only says how it is."""

    redis_url: str
    health_port: int
    health_host: str = "127.0.0.1"
