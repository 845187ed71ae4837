"""A Samba domain controller that stands in for Active Directory."""

import base64
import datetime as dt
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hufu_stack import authority
from hufu_stack.layout import BASE_DN, Profile
from hufu_stack.secret_files import read_secret
from hufu_stack.server import PATH, Server, ServerError, base_environment
from hufu_stack.superuser import as_root, prefix

DOMAIN_DN = "DC=agency,DC=test"
USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
PWD_LAST_SET = "bf967a0a-0de6-11d0-a285-00aa003049e2"
NORMAL_ACCOUNT_NO_EXPIRY = 66048
PROGRAMS = ("samba", "samba-tool", "ldbadd", "ldbmodify", "ldbsearch")
# Anonymous simple bind, LDAPv3, message 1: the smallest question a directory answers.
ANONYMOUS_BIND = bytes.fromhex("300c020101600702010304008000")

# Who may do what below OU=Hufu; none of them may do anything elsewhere, and nobody else anything there: nothing is
# inherited from the domain, and the worker leaves out what the schema would give everybody on each object it makes.
ADMINISTRATORS = "(A;CI;GA;;;SY)(A;CI;GA;;;DA)(A;CI;GA;;;EA)(A;CI;GA;;;BA)"
DELEGATIONS = {
    "hufu-sync": "(A;CI;GA;;;{sid})",
    "hufu-keycloak": (
        "(A;CI;GR;;;{sid})"
        f"(OA;CIIO;CR;{RESET_PASSWORD};{USER_CLASS};{{sid}})"
        f"(OA;CIIO;RPWP;{PWD_LAST_SET};{USER_CLASS};{{sid}})"
    ),
    "hufu-reader": "(A;CI;GR;;;{sid})",
}
# The bind accounts themselves: everybody may find their names, and they write nothing of their own.
BIND_ACCOUNT = (
    "D:PAI(A;;GA;;;SY)(A;;GA;;;DA)(A;;RC;;;AU)"
    "(OA;;RP;59ba2f42-79a2-11d0-9020-00c04fc2d3cf;;AU)(OA;;RP;e48d0154-bcf8-11d1-8702-00c04fb96050;;AU)"
)
# Above Keycloak's five, so that a person meets Keycloak's page and its time first.
LOCKOUT = ("--account-lockout-threshold=10", "--account-lockout-duration=15", "--reset-account-lockout-after=15")
# What every new domain lets any account do in DNS: make records in a zone.
MAKE_RECORDS = "(A;;CC;;;AU)"
SECRETS = {
    "hufu-sync": "ldap-sync-password",
    "hufu-keycloak": "ldap-keycloak-password",
    "hufu-reader": "ldap-reader-password",
}


def bind_dn(account: str) -> str:
    return f"CN={account},CN=Users,{DOMAIN_DN}"


def obstacle(profile: Profile) -> str | None:
    """Say why no domain controller can be had here, or None."""
    if profile.directory_address is None:
        return None
    if prefix() is None:
        return "a domain controller needs root (or sudo without a password) for ports 389 and 636"
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return None


@dataclass(frozen=True, slots=True)
class Directory(Server):
    name: ClassVar[str] = "directory"
    # Its forked processes end only with the whole group.
    stops_whole_tree: ClassVar[bool] = True

    @property
    def folder(self) -> Path:
        return self.profile.data(self.name)

    @property
    def _controller(self) -> Path:
        """Samba's own files; they belong to root, the folder around them to us."""
        return self.folder / "dc"

    @property
    def _key(self) -> Path:
        """A copy of the key: Samba takes only one that root owns."""
        return self.folder / "key.pem"

    @property
    def address(self) -> str:
        if self.profile.directory_address is None:
            raise ValueError(f"the profile {self.profile.name} has no directory")
        return self.profile.directory_address

    @property
    def _config(self) -> Path:
        return self.folder / "hufu.conf"

    @property
    def _database(self) -> str:
        return str(self._controller / "private" / "sam.ldb")

    def environment(self) -> Mapping[str, str]:
        return base_environment() | {"PATH": PATH}

    def prepare(self) -> None:
        reason = obstacle(self.profile)
        if reason is not None:
            raise ServerError(self, reason)
        done = self.folder / "dc-provisioned"
        if not done.exists():
            self.erase()
            self.folder.mkdir(parents=True, mode=0o700)
            self._provision()
            self._config.write_text(self._settings())
            self._apply_password_rules()
            self._add_accounts()
            self._delegate()
            self._take_from_everybody()
            done.touch()
        self._config.write_text(self._settings())
        self._run("install", "--mode=600", str(self.profile.certificate_key("directory")), str(self._key))

    def erase(self) -> None:
        if self.folder.exists():
            self._run("rm", "--recursive", "--force", str(self.folder))

    def ensure_certificate(self) -> None:
        now = dt.datetime.now(dt.UTC)
        authority.ensure_authority(*self._pair("ca"), now=now)
        if authority.expires_within(self.profile.certificate(self.name), dt.timedelta(days=30), now=now):
            self.issue_certificate(authority.SERVER_LIFETIME)

    def issue_certificate(self, lifetime: dt.timedelta) -> None:
        """A new certificate, taken at the directory's own next start; Stack.start renews one that ends soon."""
        authority.issue(*self._pair("ca"), *self._pair(self.name), now=dt.datetime.now(dt.UTC), lifetime=lifetime)

    def _pair(self, name: str) -> tuple[Path, Path]:
        return self.profile.certificate(name), self.profile.certificate_key(name)

    def _provision(self) -> None:
        # Without --adminpass it makes one up; nobody needs it, as we write to its files directly.
        self._run(
            "samba-tool",
            "domain",
            "provision",
            f"--targetdir={self._controller}",
            "--realm=AGENCY.TEST",
            "--domain=AGENCY",
            "--server-role=dc",
            "--use-rfc2307",
            "--dns-backend=SAMBA_INTERNAL",
            "--host-name=HUFUDC",
            f"--host-ip={self.address}",
            f"--option=interfaces={self.address}/8",
            "--option=bind interfaces only=yes",
            "--option=log level=0",
            *(f"--option={name}={value}" for name, value in self.own_settings().items()),
        )

    def own_settings(self) -> Mapping[str, str]:
        """What this machine needs of Samba beside what every one does."""
        return {}

    def _settings(self) -> str:
        folder = self._controller
        settings = {
            "netbios name": "HUFUDC",
            "realm": "AGENCY.TEST",
            "workgroup": "AGENCY",
            "server role": "active directory domain controller",
            "server services": "ldap",
            "dcerpc endpoint servers": "",
            "interfaces": f"{self.address}/8",
            "bind interfaces only": "yes",
            "private dir": folder / "private",
            "state directory": folder / "state",
            "cache directory": folder / "cache",
            "lock directory": folder,
            "pid directory": folder,
            "binddns dir": folder / "bind-dns",
            "ncalrpc dir": folder / "ncalrpc",
            "logging": "file",
            "log file": self.profile.log(self.name),
            "log level": "1",
            "idmap_ldb:use rfc2307": "yes",
            # A password that was changed is over, at once.
            "old password allowed period": "0",
            "tls enabled": "yes",
            "tls keyfile": self._key,
            "tls certfile": self.profile.certificate("directory"),
            "tls cafile": self.profile.certificate("ca"),
            "tls priority": "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3",
            **self.own_settings(),
        }
        lines = [f"\t{key} = {value}" for key, value in settings.items()]
        shares = f"[sysvol]\n\tpath = {folder}/state/sysvol\n\tread only = No\n"
        return "[global]\n" + "\n".join(lines) + "\n" + shares

    def _apply_password_rules(self) -> None:
        # Keycloak counts failures and asks for more than this; here only what must never get in, and an end to guessing
        # for whoever goes round it.
        rules = ("--complexity=on", "--min-pwd-length=8", "--min-pwd-age=0", "--max-pwd-age=0")
        self._tool("domain", "passwordsettings", "set", *rules, *LOCKOUT)

    def _add_accounts(self) -> None:
        entries = []
        for account, secret in SECRETS.items():
            quoted = f'"{read_secret(self.profile, secret)}"'.encode("utf-16-le")
            entries.append(
                f"dn: {bind_dn(account)}\nobjectClass: user\nsAMAccountName: {account}\n"
                f"userPrincipalName: {account}@agency.test\nuserAccountControl: {NORMAL_ACCOUNT_NO_EXPIRY}\n"
                f"nTSecurityDescriptor: {BIND_ACCOUNT}\n"
                f"unicodePwd:: {base64.b64encode(quoted).decode()}\n"
            )
        # By standard input, so that no password shows in the list of processes.
        self._ldb("ldbadd", *entries)
        # Whoever knows their names could lock them, and all of us out; their passwords are long and random.
        rules = ("--account-lockout-threshold=0", "--complexity=on", "--min-pwd-length=8")
        self._tool("domain", "passwordsettings", "pso", "create", "hufu-services", "1", *rules)
        for account in SECRETS:
            self._tool("domain", "passwordsettings", "pso", "apply", "hufu-services", account)

    def _delegate(self) -> None:
        rights = "".join(rights.format(sid=self._sid(account)) for account, rights in DELEGATIONS.items())
        self._ldb(
            "ldbadd",
            f"dn: {BASE_DN}\nobjectClass: organizationalUnit\nnTSecurityDescriptor: D:PAI{ADMINISTRATORS}{rights}\n",
        )

    def _take_from_everybody(self) -> None:
        """What a new domain lets any account do, an official's too: make computers and DNS records."""
        changes = [
            f"dn: {DOMAIN_DN}\nchangetype: modify\nreplace: ms-DS-MachineAccountQuota\nms-DS-MachineAccountQuota: 0\n"
        ]
        for place in (f"DC=DomainDnsZones,{DOMAIN_DN}", f"DC=ForestDnsZones,{DOMAIN_DN}", f"CN=System,{DOMAIN_DN}"):
            for zone in self._values(place, "(objectClass=dnsZone)", "dn"):
                rules = self._tool("dsacl", "get", f"--objectdn={zone}").splitlines()[-1]
                changes.append(
                    f"dn: {zone}\nchangetype: modify\nreplace: nTSecurityDescriptor\n"
                    f"nTSecurityDescriptor: {rules.replace(MAKE_RECORDS, '')}\n"
                )
        self._ldb("ldbmodify", *changes)

    def _sid(self, account: str) -> str:
        return self._values(bind_dn(account), "(objectClass=user)", "objectSid")[0]

    def _values(self, base: str, query: str, name: str) -> list[str]:
        command = ("ldbsearch", "-H", self._database, f"--configfile={self._config}", f"--basedn={base}", query, name)
        return [
            line.removeprefix(f"{name}: ") for line in self._run(*command).splitlines() if line.startswith(f"{name}: ")
        ]

    def _ldb(self, program: str, *entries: str) -> None:
        self._run(program, "-H", self._database, f"--configfile={self._config}", given="\n".join(entries))

    def _tool(self, *arguments: str) -> str:
        return self._run("samba-tool", *arguments, "-H", self._database, f"--configfile={self._config}")

    def _run(self, *command: str, given: str = "") -> str:
        done = subprocess.run(
            as_root(*command), input=given, capture_output=True, text=True, check=False, env=dict(self.environment())
        )
        if done.returncode != 0:
            with self.process.log.open("a") as log:
                log.write(done.stdout + done.stderr)
            raise ServerError(self, f"`{' '.join(command[:3])}` failed")
        return done.stdout

    def command(self) -> Sequence[str]:
        settings = f"--configfile={self._config}"
        return as_root("samba", "--foreground", "--no-process-group", "--model=prefork", settings)

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(self.address, 389), (self.address, 636)]

    def probe(self) -> bool:
        """Bind anonymously over verified TLS: this also fails when the certificate does."""
        context = ssl.create_default_context(cafile=str(self.profile.certificate("ca")))
        with (
            socket.create_connection((self.address, 636), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname=self.address) as connection,
        ):
            connection.sendall(ANONYMOUS_BIND)
            return connection.recv(64)[:1] == b"\x30"
