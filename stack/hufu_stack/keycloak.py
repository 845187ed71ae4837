"""Keycloak in production mode: one distribution, one build per set of providers, one server per profile."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hufu_stack.layout import PROJECT, TOOLS
from hufu_stack.secret_files import read_secret
from hufu_stack.server import Server, ServerError, answers, base_environment

ADDRESS = "127.0.0.1"
POM = PROJECT / "extensions" / "pom.xml"
ADMIN = "admin"
# Else every look at a starting server becomes a line in its log, and so does every failed sign-in, with the name that
# was typed (events are kept, and the registry reads them), and the whole address of a request with a malformed head.
LOG_LEVEL = "info,io.smallrye.health:warn,org.keycloak.events:off,io.quarkus.vertx.http.runtime.QuarkusErrorHandler:off"
BUILD_OPTIONS = (
    "--db=postgres",
    "--health-enabled=true",
    "--metrics-enabled=true",
    # Doors that nobody needs here, in no realm: they are not even built in.
    (
        "--features-disabled=account,account-api,admin-fine-grained-authz,authorization,ciba,device-flow,impersonation,"
        "jwt-authorization-grant,token-exchange-standard"
    ),
)
JAVA_HOMES = "/usr/lib/jvm"
BUILDS_KEPT = 3


def version(pom: Path = POM) -> str:
    """Read the one place that names Keycloak's version."""
    number = ET.parse(pom).getroot().findtext("{*}properties/{*}keycloak.version")
    if not number:
        raise ValueError(f"{pom} has no property keycloak.version")
    return number.strip()


def java_home(environment: Mapping[str, str], homes: Path = Path(JAVA_HOMES)) -> Path:
    """Return JAVA_HOME, else the newest JDK there is."""
    if environment.get("JAVA_HOME"):
        return Path(environment["JAVA_HOME"])
    jdks = [(_release(home), home) for home in homes.glob("*") if (home / "bin" / "java").exists()]
    if not jdks:
        raise FileNotFoundError(f"no JDK in {homes}: run `make setup`")
    return max(jdks)[1]


def _release(home: Path) -> int:
    match = re.search(r'JAVA_VERSION="(\d+)', _text(home / "release"))
    return int(match[1]) if match else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def provider_jars() -> list[Path]:
    jars = PROJECT.glob("extensions/*/target/*.jar")
    skipped = ("-sources.jar", "-javadoc.jar", "-tests.jar")
    return sorted(jar for jar in jars if not jar.name.endswith(skipped) and not jar.name.startswith("original-"))


def theme_files() -> list[Path]:
    return sorted(path for path in (PROJECT / "keycloak-config" / "themes").rglob("*") if path.is_file())


def fingerprint(release: str, files: Iterable[Path]) -> str:
    """Return a short hash of everything that goes into a build."""
    digest = hashlib.sha256("\0".join((release, *BUILD_OPTIONS)).encode())
    for path in files:
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def ensure_distribution(release: str) -> Path:
    """Unpack the distribution that Maven keeps, fetching it if need be."""
    home = TOOLS / f"keycloak-{release}"
    if home.exists():
        return home
    artifact = f"org.keycloak:keycloak-quarkus-dist:{release}:tar.gz"
    unpacked = TOOLS / f"keycloak-{release}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    subprocess.run(
        [
            "mvn",
            "--quiet",
            "--batch-mode",
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={unpacked}",
        ],
        check=True,
        cwd=TOOLS,
    )
    archive = next(unpacked.glob("*.tar.gz"))
    # Debian 12's own Python cannot yet unpack safely; its tar can.
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", unpacked], check=True)
    archive.unlink()
    (unpacked / f"keycloak-{release}").rename(home)
    unpacked.rmdir()
    return home


def ensure_build(log: Path) -> Path:
    """Return a Keycloak built with today's providers and themes; built once for each set of them."""
    release = version()
    jars, themes = provider_jars(), theme_files()
    home = TOOLS / "keycloak" / f"{release}-{fingerprint(release, [*jars, *themes])}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another profile may want the same build at the same time
        if not (home / "built").exists():
            _build(home, release, jars, themes, log)
    os.utime(home)
    return home


def _build(home: Path, release: str, jars: Sequence[Path], themes: Sequence[Path], log: Path) -> None:
    part = home.with_name(f"{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(ensure_distribution(release), part)
    for jar in jars:
        shutil.copy2(jar, part / "providers" / jar.name)
    for path in themes:
        target = part / "themes" / path.relative_to(PROJECT / "keycloak-config" / "themes")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    environment = base_environment() | {"JAVA_HOME": str(java_home(os.environ))}
    with log.open("ab") as output:
        subprocess.run(
            [str(part / "bin" / "kc.sh"), "build", *BUILD_OPTIONS],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            check=True,
        )
    (part / "built").touch()
    part.rename(home)
    _forget_old_builds(keep=home)


def _forget_old_builds(keep: Path) -> None:
    builds = [path for path in keep.parent.iterdir() if (path / "built").exists()]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    in_use = " ".join(_text(record) for record in PROJECT.glob(".*/run/keycloak.json"))
    for path in builds[BUILDS_KEPT:]:
        if path != keep and str(path) not in in_use:
            shutil.rmtree(path, ignore_errors=True)


def link_home(build: Path, home: Path) -> None:
    """Make `home` the build with a data folder of its own.

    Keycloak writes its truststore and its transaction logs there when it starts: two servers on one build would trust
    each other's directory instead of their own.
    """
    (home / "data").mkdir(parents=True, exist_ok=True)
    for entry in build.iterdir():
        if entry.name != "data":
            link = home / entry.name
            link.unlink(missing_ok=True)
            link.symlink_to(entry)


@dataclass(frozen=True, slots=True)
class Keycloak(Server):
    name: ClassVar[str] = "keycloak"
    needs: ClassVar[tuple[str, ...]] = ("postgres",)
    patience: ClassVar[float] = 300.0  # a first start on a busy machine

    def prepare(self) -> None:
        self.profile.log(self.name).parent.mkdir(parents=True, exist_ok=True)
        try:
            build = ensure_build(self.profile.log(self.name))
        except subprocess.CalledProcessError as failure:
            raise ServerError(self, f"building failed with code {failure.returncode}") from failure
        link_home(build, self.home)

    @property
    def home(self) -> Path:
        return self.profile.data(self.name)

    def environment(self) -> Mapping[str, str]:
        return base_environment() | {
            "JAVA_HOME": str(java_home(os.environ)),
            "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx640m",
            # The compiler that makes code fast in the long run costs the tests' short-lived servers more than it gives.
            "JAVA_OPTS_APPEND": "" if self.profile.durable else "-XX:TieredStopAtLevel=1",
            "KC_DB_PASSWORD": read_secret(self.profile, "keycloak-database-password"),
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": read_secret(self.profile, "keycloak-admin-password"),
        }

    def command(self) -> Sequence[str]:
        build = ensure_build(self.profile.log(self.name))
        database = f"jdbc:postgresql://{ADDRESS}:{self.profile.port('postgres')}/keycloak?logServerErrorDetail=false"
        command = [
            str(build / "bin" / "kc.sh"),
            "start",
            "--optimized",
            f"-Dkc.home.dir={self.home}",
            f"--db-url={database}",
            "--db-username=keycloak",
            "--http-enabled=true",
            f"--http-host={ADDRESS}",
            f"--http-port={self.profile.port('keycloak')}",
            f"--http-management-port={self.profile.port('keycloak-management')}",
            f"--hostname={self.profile.url('keycloak')}",
            # One node: the default would open cluster ports on the outer network.
            "--cache=local",
            f"--log-level={LOG_LEVEL}",
        ]
        if self.profile.directory_address is not None:
            command.append(f"--truststore-paths={self.profile.certificate('ca')}")
        return command

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port(name)) for name in ("keycloak", "keycloak-management")]

    def probe(self) -> bool:
        ready = answers(f"{self.profile.url('keycloak-management')}/health/ready")
        return ready and answers(f"{self.profile.url('keycloak')}/realms/master")
