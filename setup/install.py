"""Installs what is missing, and does nothing where nothing changed. Plain Python, because nothing is there yet.

Usage: install.py [--tests]   (--tests: also what only the browser tests need)
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOOLS = PROJECT / ".tools"
VENV = PROJECT / ".venv"
UV = TOOLS / "uv" / "bin" / "uv"
OLDEST_PYTHON = (3, 11)
OLDEST_JAVA = 17
PACKAGES = ("registry", "admin-ui", "sync-worker", "keycloak-config", "stack")
SAMBA = ("samba", "samba-ad-dc", "samba-ad-provision", "samba-dsdb-modules", "samba-vfs-modules", "winbind")
NGINX = ("nginx", "libnginx-mod-stream", "libnginx-mod-http-headers-more-filter")
# Services that Debian starts with a package.
STARTED = {"samba": ("smbd", "nmbd", "winbind", "samba-ad-dc"), "nginx": ("nginx",)}
BEGAN = time.monotonic()


class StepError(Exception):
    """A step failed: says which, its last lines, and where the whole log is."""


def say(step: str) -> None:
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {step}", flush=True)


def missing_packages(*, tests: bool) -> list[str]:
    """Return the Debian packages that would bring what this machine lacks."""
    missing = []
    if not any(_java_release(home) >= OLDEST_JAVA for home in _java_homes()):
        missing.append("openjdk-17-jdk-headless")
    if shutil.which("mvn") is None:
        missing.append("maven")
    if shutil.which("node") is None:
        missing.append("nodejs")
    if shutil.which("npm") is None:
        missing.append("npm")
    missing += [name for name in NGINX if not _installed(name)]
    try:
        __import__("ensurepip")
        __import__("venv")
    except ImportError:
        missing.append("python3-venv")
    # Without root no domain controller can run, whatever is installed.
    if as_root() is not None:
        missing += [name for name in (*SAMBA, "ldb-tools") if not _installed(name)]
    if tests:
        if shutil.which("chromium") is None:
            missing.append("chromium")
        if not _installed("fonts-noto-cjk"):
            missing.append("fonts-noto-cjk")
    return missing


def _java_homes() -> list[Path]:
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    return named or [home for home in Path("/usr/lib/jvm").glob("*") if (home / "bin" / "javac").exists()]


def _java_release(home: Path) -> int:
    try:
        lines = (home / "release").read_text().splitlines()
    except OSError:
        return 0
    releases = [line.split('"')[1] for line in lines if line.startswith("JAVA_VERSION=")]
    return int(releases[0].split(".")[0]) if releases else 0


def _installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f", "${Status}", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "install ok installed"


def as_root() -> list[str] | None:
    """Return what makes a command run as root, or None where nothing does without asking."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    asks = sudo is None or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode
    return None if asks else ["sudo", "-n"]


def install_packages(*, tests: bool) -> None:
    missing = missing_packages(tests=tests)
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    prefix = as_root()
    if prefix is None:
        raise StepError(f"packages are missing; run this, then again:\n\n    sudo {' '.join(install)}\n")
    say(f"installing Debian packages: {' '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("packages", [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "update"], quiet)
    run("packages", [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *install], quiet)
    if Path("/run/systemd/system").exists():
        # Debian starts what it installs, on every address; we only want the programs.
        for package, services in STARTED.items():
            if package in missing:
                run("packages", [*prefix, "systemctl", "disable", "--now", *services])


def run(step: str, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
    log = TOOLS / "logs" / f"{step}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(f"    | {line}" for line in log.read_text(errors="replace").splitlines()[-15:])
        raise StepError(f"{step}: `{' '.join(command[:3])}` failed\n{tail}\n    log: {log}")


def digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256(sys.version.encode())
    for path in sorted(paths):
        whole.update(str(path.relative_to(PROJECT)).encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def unchanged(step: str, inputs: str, result: Path) -> bool:
    stamp = TOOLS / "stamps" / step
    return result.exists() and stamp.exists() and stamp.read_text() == inputs


def remember(step: str, inputs: str) -> None:
    stamp = TOOLS / "stamps" / step
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs)


def install_uv() -> None:
    pins = PROJECT / "setup" / "uv.txt"
    inputs = digest([pins])
    if unchanged("uv", inputs, UV):
        return
    shutil.rmtree(TOOLS / "uv", ignore_errors=True)
    run("uv", [sys.executable, "-m", "venv", str(TOOLS / "uv")])
    python = str(TOOLS / "uv" / "bin" / "python")
    run("uv", [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", str(pins)])
    remember("uv", inputs)
    say("uv installed")


def install_python() -> None:
    """Fill .venv with exactly the locked packages, and ours as editable ones."""
    install_uv()
    requirements = PROJECT / "requirements" / "dev.txt"
    inputs = digest([requirements, *(PROJECT / name / "pyproject.toml" for name in PACKAGES)])
    if unchanged("python", inputs, VENV / "bin" / "hufu-stack"):
        return
    # The machine's own Python, never a downloaded one.
    own = {"UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(VENV)}
    if not (VENV / "bin" / "python").exists():
        run("python", [str(UV), "venv", "--python", sys.executable, str(VENV)], own)
    run("python", [str(UV), "pip", "sync", "--require-hashes", str(requirements)], own)
    editables = [argument for name in PACKAGES for argument in ("--editable", str(PROJECT / name))]
    run("python", [str(UV), "pip", "install", "--no-deps", "--no-build-isolation", *editables], own)
    remember("python", inputs)
    say("Python packages installed")


def install_pages() -> None:
    """Fetch what the pages take from npm."""
    inputs = digest([PROJECT / "package.json", PROJECT / "package-lock.json"])
    if unchanged("npm", inputs, PROJECT / "node_modules"):
        return
    run("npm", ["npm", "ci", "--no-audit", "--no-fund"])
    remember("npm", inputs)
    say("npm packages installed")


def build_extensions() -> None:
    """Compile the Keycloak providers."""
    folder = PROJECT / "extensions"
    sources = [path for path in folder.rglob("*") if path.is_file() and "target" not in path.parts]
    inputs = digest(sources)
    built = [module.parent / "target" for module in folder.glob("*/pom.xml")]
    if all(unchanged("extensions", inputs, target) for target in built):
        return
    command = ["mvn", "--quiet", "--batch-mode", "-f", str(folder / "pom.xml"), "package", "-DskipTests"]
    run("extensions", command)
    remember("extensions", inputs)
    say("Keycloak extensions built")


def compile_translations() -> None:
    folder = PROJECT / "admin-ui" / "hufu_console" / "translations"
    catalogues = sorted(folder.rglob("*.po"))
    if not catalogues:
        return
    inputs = digest(catalogues)
    if unchanged("translations", inputs, catalogues[-1].with_suffix(".mo")):
        return
    run("translations", [str(VENV / "bin" / "pybabel"), "compile", "--directory", str(folder)])
    remember("translations", inputs)
    say("translations compiled")


def main() -> None:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version}")
    TOOLS.mkdir(exist_ok=True)
    try:
        with (TOOLS / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a demo and a test run may begin at the same moment
            install_packages(tests="--tests" in sys.argv[1:])
            with ThreadPoolExecutor() as pool:
                for step in [pool.submit(step) for step in (install_python, install_pages, build_extensions)]:
                    step.result()
            compile_translations()
            run("keycloak", [str(VENV / "bin" / "hufu-stack"), "fetch"])
    except StepError as failure:
        sys.exit(f"\n{failure}")
    say("set-up is complete")


if __name__ == "__main__":
    main()
