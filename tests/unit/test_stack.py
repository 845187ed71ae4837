"""The pure pieces of the stack."""

import datetime as dt
import re
import stat
import time
from collections import Counter
from email.message import EmailMessage
from itertools import combinations
from pathlib import Path

import pyotp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hufu_registry.accounts.model import name_fault
from hufu_stack import authority, demo_people, person
from hufu_stack.directory import Directory
from hufu_stack.endpoints import Person, describe
from hufu_stack.environment import environment, shell_exports
from hufu_stack.keycloak import java_home, link_home, version
from hufu_stack.layout import PORT_OFFSETS, PROFILES, REDIRECT_PORTS, Profile
from hufu_stack.mail_catcher import Mailbox, list_page, message_page
from hufu_stack.process import Stat, tree_of
from hufu_stack.secret_files import PASSWORDS, ensure_secrets, read_secret, write_private

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile("unit", tmp_path / ".unit", 9400, "127.0.0.9")
    ensure_secrets(made)
    return made


def ports(profile: Profile) -> set[int]:
    redirects = range(profile.first_redirect_port, profile.first_redirect_port + REDIRECT_PORTS)
    return {profile.port(name) for name in PORT_OFFSETS} | set(redirects)


def test_profiles_that_may_run_together_share_no_port_and_no_directory() -> None:
    for one, other in combinations(PROFILES.values(), 2):
        if {one.name, other.name} == {"demo", "demo-none"}:
            continue
        assert not ports(one) & ports(other)
        assert one.directory_address != other.directory_address or one.directory == "none"


def test_the_authority_signs_what_localhost_may_use(tmp_path: Path) -> None:
    ca, ca_key = tmp_path / "ca.pem", tmp_path / "ca.key"
    own, own_key = tmp_path / "own.pem", tmp_path / "own.key"
    authority.ensure_authority(ca, ca_key, now=NOW)
    authority.issue(ca, ca_key, own, own_key, now=NOW)

    certificate = x509.load_pem_x509_certificate(own.read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.read_bytes()))
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert addresses >= {profile.directory_address for profile in PROFILES.values()} - {None}
    assert all(address.startswith("127.0.") for address in addresses)
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(ca_key.stat().st_mode) == 0o600


def test_an_authority_is_made_once(tmp_path: Path) -> None:
    ca, ca_key = tmp_path / "ca.pem", tmp_path / "ca.key"
    authority.ensure_authority(ca, ca_key, now=NOW)
    first = ca.read_bytes()
    authority.ensure_authority(ca, ca_key, now=NOW)
    assert ca.read_bytes() == first


def test_a_certificate_is_renewed_before_it_ends(tmp_path: Path) -> None:
    ca, ca_key, own = tmp_path / "ca.pem", tmp_path / "ca.key", tmp_path / "own.pem"
    month = dt.timedelta(days=30)
    assert authority.expires_within(own, month, now=NOW)
    authority.ensure_authority(ca, ca_key, now=NOW)
    authority.issue(ca, ca_key, own, tmp_path / "own.key", now=NOW)
    assert not authority.expires_within(own, month, now=NOW)
    assert authority.expires_within(own, month, now=NOW + authority.SERVER_LIFETIME - month + dt.timedelta(days=1))


def test_a_directory_may_be_given_a_certificate_that_ends_soon_and_gets_another_at_its_next_start(
    profile: Profile,
) -> None:
    directory = Directory(profile)
    directory.ensure_certificate()
    now, month = dt.datetime.now(dt.UTC), dt.timedelta(days=30)
    own = profile.certificate("directory")
    assert not authority.expires_within(own, month, now=now)
    directory.issue_certificate(dt.timedelta(seconds=-1))
    assert authority.expires_within(own, dt.timedelta(0), now=now)
    directory.ensure_certificate()
    assert not authority.expires_within(own, month, now=now)


def test_secrets_are_made_once_and_only_their_owner_reads_them(profile: Profile) -> None:
    before = {name: read_secret(profile, name) for name in PASSWORDS}
    ensure_secrets(profile)
    assert {name: read_secret(profile, name) for name in PASSWORDS} == before
    assert len(set(before.values())) == len(PASSWORDS)
    for path in (profile.folder / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((profile.folder / "secrets").stat().st_mode) == 0o700


def test_a_private_file_replaces_one_that_was_open_to_all(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "server", ["console", "exports", "worker", "relay", "scheduler", "registry", "realm", "sample"]
)
def test_no_secret_is_in_an_environment(profile: Profile, server: str) -> None:
    values = environment(profile, server).values()
    for name in PASSWORDS:
        assert not any(read_secret(profile, name) in value for value in values)


def test_without_a_directory_nothing_speaks_of_ldap(tmp_path: Path) -> None:
    none = Profile("unit", tmp_path / ".unit", 9400, None)
    ensure_secrets(none)
    for server in ("worker", "realm"):
        variables = environment(none, server)
        assert variables["HUFU_DIRECTORY"] == "none"
        assert not [name for name in variables if "LDAP" in name]


def test_exports_survive_the_shell() -> None:
    assert shell_exports({"A": "it's $x"}) == """export A='it'"'"'s $x'"""


def test_a_tree_holds_sessions_and_descendants_but_no_stranger_and_no_corpse() -> None:
    leader = Stat(10, 1, 10, "S", 1)
    same_session = Stat(11, 1, 10, "S", 2)
    own_session = Stat(12, 10, 12, "S", 3)  # as PostgreSQL's backends
    grandchild = Stat(13, 12, 12, "S", 4)
    corpse = Stat(14, 10, 10, "Z", 5)
    stranger = Stat(15, 1, 15, "S", 6)
    found = tree_of(10, [leader, same_session, own_session, grandchild, corpse, stranger])
    assert [member.pid for member in found] == [10, 11, 12, 13]


def test_the_newest_jdk_is_taken_unless_one_is_named(tmp_path: Path) -> None:
    for name, release in (("jdk-17", "17.0.9"), ("jdk-25", "25.0.1"), ("jdk-8", "1.8.0")):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "java").touch()
        (tmp_path / name / "release").write_text(f'JAVA_VERSION="{release}"\n')
    assert java_home({}, tmp_path) == tmp_path / "jdk-25"
    assert java_home({"JAVA_HOME": "/somewhere"}, tmp_path) == Path("/somewhere")


def test_no_jdk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make setup"):
        java_home({}, tmp_path)


def test_two_keycloaks_on_one_build_keep_their_truststores_apart(tmp_path: Path) -> None:
    build = tmp_path / "build"
    for name in ("bin", "lib", "data"):
        (build / name).mkdir(parents=True)
    homes = [tmp_path / name for name in ("test", "test-faults")]
    for home in homes:
        link_home(build, home)
        link_home(build, home)  # as at each start
        (home / "data" / "keycloak-truststore.p12").write_text(home.name)
    assert [(home / "data" / "keycloak-truststore.p12").read_text() for home in homes] == ["test", "test-faults"]
    assert not list((build / "data").iterdir())
    assert (homes[0] / "lib").resolve() == build / "lib"


def test_keycloaks_version_has_one_home() -> None:
    assert re.fullmatch(r"26\.\d+\.\d+", version())


def test_endpoints_name_everything_a_script_needs(profile: Profile) -> None:
    someone = Person("wang1", "王小明", "secret", "JBSWY3DP", "user", "2.16.886.101")
    found = describe(profile, [someone])
    assert set(found) == {
        "console",
        "apply",
        "issuer",
        "keycloak",
        "sample_application",
        "oidc_client",
        "people",
        "mail",
        "ldap",
        "database",
        "redis",
        "directory",
        "logs",
    }
    assert found["people"][0]["totp_secret"] == "JBSWY3DP"
    assert found["ldap"]["bind_dn"].startswith("CN=hufu-reader,")
    assert found["oidc_client"]["redirect_uris"][0] == "http://localhost:9480/*"


def make_mail(subject: str, text: str, page: str | None = None) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@hufu.test", "b@home.test"
    message.set_content(text)
    if page:
        message.add_alternative(page, subtype="html")
    return message.as_bytes()


def test_caught_mails_are_listed_newest_first(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.store(make_mail("第一封", "一"), sender="a@hufu.test", recipients=["B@home.test"])
    mailbox.store(make_mail("第二封", "二"), sender="a@hufu.test", recipients=["c@home.test"])
    assert [message["subject"] for message in mailbox.all()] == ["第二封", "第一封"]
    assert [message["id"] for message in mailbox.all(to="b@home.test")] == [1]
    # A catcher that starts again goes on counting.
    again = Mailbox(tmp_path)
    again.store(make_mail("第三封", "三"), sender="a@hufu.test", recipients=["c@home.test"])
    assert [message["id"] for message in again.all(limit=2)] == [3, 2]


def test_links_are_found_whole(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    text = "請開啟 http://localhost:1/a?b=1&c=2 。或 http://localhost:1/d."
    mailbox.store(make_mail("連結", text), sender="a@hufu.test", recipients=["b@home.test"])
    assert mailbox.all()[0]["links"] == ["http://localhost:1/a?b=1&c=2", "http://localhost:1/d"]


def test_a_mail_cannot_put_script_into_the_pages(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    bad = "<script>alert(1)</script>"
    mailbox.store(make_mail(bad, bad, bad), sender="a@hufu.test", recipients=["b@home.test"])
    message = mailbox.all()[0]
    assert bad not in list_page([message])
    assert bad not in message_page(message)


def test_an_authenticator_never_shows_a_code_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    secret = "JBSWY3DPEHPK3PXP" * 2
    codes = person.Authenticator(secret)
    shown = [codes.code() for _ in range(5)]
    assert len(set(shown)) == 5
    # Three at once (the last one, now's and the next), then a wait for each: 20 s of this period are left.
    assert 50 < clock[0] - 1_000_000_000 < 51
    clock[0] = 1_000_000_006.0
    assert person.Authenticator(secret).code() == pyotp.TOTP(secret).at(int(clock[0])), "the last one is about to end"


def test_the_demo_has_people_the_registry_takes() -> None:
    everybody = (demo_people.FIRST, *demo_people.MANAGERS, *demo_people.OFFICIALS, *demo_people.APPLICANTS)
    assert [each.username for each in everybody if name_fault(each.username)] == []
    assert len({each.username for each in everybody}) == len({each.number for each in everybody}) == len(everybody)
    assert len(demo_people.MANAGERS) + len(demo_people.OFFICIALS) + 1 >= 20
    managed = Counter(each.agency_oid for each in demo_people.MANAGERS)
    assert sorted(managed.values()) == [2, 2, 2]
