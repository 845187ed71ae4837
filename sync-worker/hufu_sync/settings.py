"""What worker, relay and scheduler read from the environment, checked once at start. Secrets are paths to files."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from hufu_registry.settings import RegistrySettings, secret
from hufu_registry.sync.model import ACTIVATION_LINK_LIFETIME
from hufu_sync.targets.keycloak_connection import KeycloakSettings
from hufu_sync.targets.ldap_connection import DirectorySettings
from hufu_sync.targets.mail import MailSettings


class SyncSettings(RegistrySettings):
    """`lease_seconds` is how long rows are held; every call to a target must end well before. A target is written by
    so many lanes at once, each with up to `batch_rows` in hand.
    """

    redis_url: str
    redis_password_file: Path
    keycloak_url: str
    realm: str = "hufu"
    keycloak_client_id: str = "hufu-sync"
    keycloak_client_secret_file: Path
    activation_client_id: str = "hufu-console"
    ldap_url: str = ""
    ldap_ca_file: Path | None = None
    ldap_bind_dn: str = ""
    ldap_bind_password_file: Path | None = None
    ldap_base_dn: str = ""
    smtp_host: str
    smtp_port: int = 25
    smtp_starttls: bool = False
    smtp_tls: bool = False
    smtp_user: str = ""
    smtp_password_file: Path | None = None
    mail_from: str
    health_port: int
    health_host: str = "127.0.0.1"
    ad_lanes: int = Field(default=4, ge=1)
    keycloak_lanes: int = Field(default=4, ge=1)
    batch_rows: int = Field(default=32, ge=1)
    lease_seconds: int = 30
    call_seconds: int = 8
    probe_seconds: float = 2.0
    paused_probe_seconds: float = 30.0
    feed_seconds: float = 2.0
    changes_seconds: float = 20.0

    @model_validator(mode="after")
    def check(self) -> SyncSettings:
        if self.call_seconds * 2 > self.lease_seconds:
            raise ValueError("call_seconds must be at most half of lease_seconds")
        if self.directory == "ad" and not (
            self.ldap_url.startswith("ldaps://")
            and self.ldap_ca_file
            and self.ldap_bind_dn
            and self.ldap_bind_password_file
            and self.ldap_base_dn
        ):
            raise ValueError(
                "a directory needs HUFU_LDAP_URL (ldaps), _CA_FILE, _BIND_DN, _BIND_PASSWORD_FILE, _BASE_DN"
            )
        return self

    def directory_settings(self) -> DirectorySettings | None:
        if self.directory == "none" or self.ldap_ca_file is None or self.ldap_bind_password_file is None:
            return None
        return DirectorySettings(
            url=self.ldap_url,
            ca_file=self.ldap_ca_file,
            bind_dn=self.ldap_bind_dn,
            bind_password=secret(self.ldap_bind_password_file).get_secret_value(),
            base_dn=self.ldap_base_dn,
            connect_seconds=min(3, self.call_seconds),
            call_seconds=min(5, self.call_seconds),
        )

    def keycloak_settings(self) -> KeycloakSettings:
        return KeycloakSettings(
            url=self.keycloak_url,
            realm=self.realm,
            client_id=self.keycloak_client_id,
            client_secret=secret(self.keycloak_client_secret_file).get_secret_value(),
            with_directory=self.directory == "ad",
            activation_client=self.activation_client_id,
            activation_redirect=f"{self.console_url}/welcome",
            activation_seconds=int(ACTIVATION_LINK_LIFETIME.total_seconds()),
            call_seconds=self.call_seconds,
        )

    def mail_settings(self) -> MailSettings:
        word = self.smtp_password_file
        return MailSettings(
            host=self.smtp_host,
            port=self.smtp_port,
            sender=self.mail_from,
            starttls=self.smtp_starttls,
            tls=self.smtp_tls,
            user=self.smtp_user,
            password="" if word is None else secret(word).get_secret_value(),
            call_seconds=self.call_seconds,
            mail_seconds=self.lease_seconds / 2,
        )
