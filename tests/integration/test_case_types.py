"""A second type of case, declared here alone: neither engine nor console knows it, and it goes all the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

import hufu_registry.cases.feature as declared
from hufu_registry.accounts.model import Profile
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import timeline
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT, Consent
from hufu_registry.cases.engine.model import Case, CaseState, Form, Summary
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.engine.use_cases.ports import CaseType, Work
from hufu_registry.cases.types.activation import ACTIVATION, Application
from hufu_registry.cases.use_cases import FileCase, assign_deciders, file_case
from hufu_registry.kernel.actor import SYSTEM, applicant_actor
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.mapping import SEALED
from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, make_console, signed_in
from tests.kit.registry import told
from tests.kit.staff import Staff

APPLICANT = applicant_actor("127.0.0.1")
LANGUAGE = "zh_Hant_TW"
TEMPLATES = Path(__file__).parents[1] / "kit/templates"


@dataclass(frozen=True, slots=True)
class Badge:
    """識別證: whose, and how long it is good."""

    holder: str
    until: date
    agency_id: AgencyId
    mobile: str = field(default="", metadata=SEALED)

    @property
    def summary(self) -> Summary:
        return Summary(
            self.holder, found_by=(self.holder,), person={"mobile": self.mobile}, compared={"mobile": self.mobile}
        )

    def audited(self) -> dict[str, object]:
        return {"holder": self.holder, "until": self.until.isoformat()}


def checked(work: Work, form: Form, _mailbox: str) -> tuple[Agency, Form]:
    assert isinstance(form, Badge)
    if not form.holder.strip():
        raise Invalid(fields={"holder": "required"})
    return work.agencies.get(form.agency_id), replace(form, holder=form.holder.strip())


def make_badge(work: Work, _services: Services[Work], case: Case, entered: Mapping[str, str]) -> AccountId | None:
    work.audit.record(
        "badge.made", object_kind="badge", object_id=str(case.id), agency_id=case.agency_id,
        new={**case.form.audited(), "entered": dict(entered)},
    )  # fmt: skip
    return None


BADGE = CaseType("badge", form=Badge, check=checked, approve=make_badge)


@pytest.fixture(autouse=True)
def _two_types(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, BADGE)


def declare(monkeypatch: pytest.MonkeyPatch, kind: CaseType) -> None:
    with_it = replace(
        declared.FEATURE,
        case_types=(ACTIVATION, kind),
        events=(*declared.FEATURE.events, "badge.made"),
    )
    monkeypatch.setattr(declared.Stores, "feature", with_it)


@pytest.fixture
def manager(services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path) -> FlaskClient:
    """The browser of 測試署's manager, in a console that finds the type's template."""
    app = make_console(services, tmp_path, templates=TEMPLATES)
    staff = Staff(services)
    (account_id,) = staff.hire(chain[2], 1)
    staff.appoint(account_id, chain[2])
    return signed_in(app, services, account_id)


def filed(
    services: SqlServices, clock: SetClock, form: Form, kind: str = BADGE.name, *,
    mailbox: str = "", consent: str = CURRENT.version,
) -> CaseId:  # fmt: skip
    mailbox = mailbox or f"{uuid4().hex}@example.org"
    clock.advance(seconds=61)
    request_code(RequestCode(mailbox, Purpose.APPLY, mailbox, LANGUAGE), services, APPLICANT)
    enter_code(EnterCode(mailbox, Purpose.APPLY, last_code(services)), services, APPLICANT)
    command = FileCase(mailbox, kind, form, consent, uuid4().hex, LANGUAGE)
    return file_case(command, services, APPLICANT)


def test_a_case_of_a_new_type_is_filed_found_shown_and_decided(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient
) -> None:
    case_id = filed(services, clock, Badge(" 李四娘 ", date(2027, 6, 30), chain[2].id))
    assert "李四娘" in manager.get("/").text
    assert f'href="/cases/{case_id}"' in manager.get("/cases").text
    assert "李四娘" in manager.post("/cases/search", data={"words": "四娘"}, follow_redirects=True).text
    assert "李四娘" not in manager.post("/cases/search", data={"words": "王"}, follow_redirects=True).text
    page = manager.get(f"/cases/{case_id}").text
    assert "識別證" in page
    assert "2027-06-30" in page
    assert "李四娘" in manager.get(f"/cases/{case_id}/reject").text
    answer = manager.post(f"/cases/{case_id}/approve", data={"version": "1"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "識別證製作中" in answer.text
    with services.reading() as work:
        assert work.cases.get(case_id).state is CaseState.APPROVED
        (made,) = timeline(work.connection, "badge", str(case_id)).rows
    assert made.action == "badge.made"
    assert made.new["holder"] == "李四娘"


ISSUE_BADGES = Permission("issue_badges", SYSTEM_MANAGERS)


def test_a_type_of_a_permission_of_its_own_is_seen_told_and_decided_by_whom_it_gives_it(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """An agency has its manager, and he has nothing to do with badges here: queue, search, page, decision, mail."""
    declare(monkeypatch, replace(BADGE, sees=ISSUE_BADGES, decides=ISSUE_BADGES))
    chief = Staff(services).system_manager(chain[0]).account_id
    assert chief is not None
    case_id = filed(services, clock, Badge("李四娘", date(2027, 6, 30), chain[2].id))
    with services.reading() as work:
        assert work.cases.get(case_id).deciding_agency_id is None
        assert told(services, "case_waiting") == [work.accounts.get(chief).mailbox]
    assert assign_deciders(services, SYSTEM) == 0
    assert "李四娘" not in manager.get("/").text
    assert str(case_id) not in manager.get("/cases").text
    assert "李四娘" not in manager.post("/cases/search", data={"words": "四娘"}, follow_redirects=True).text
    assert manager.get(f"/cases/{case_id}").status_code == 404
    assert manager.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 404
    system = signed_in(manager.application, services, chief)
    assert str(case_id) in system.get("/cases").text
    assert "系統管理者" in system.get(f"/cases/{case_id}").text
    assert system.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 303
    with services.reading() as work:
        assert work.cases.get(case_id).state is CaseState.APPROVED


def test_who_may_see_a_type_but_not_decide_it_finds_no_button_and_is_refused(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    declare(monkeypatch, replace(BADGE, decides=ISSUE_BADGES))
    case_id = filed(services, clock, Badge("李四娘", date(2027, 6, 30), chain[2].id))
    page = manager.get(f"/cases/{case_id}")
    assert page.status_code == 200
    assert f"/cases/{case_id}/approve" not in page.text
    assert manager.get(f"/cases/{case_id}/reject").status_code == 303
    assert manager.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 403


def test_no_more_are_told_of_a_case_than_can_be_and_the_eldest_first(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("hufu_registry.cases.engine.store.repository.MOST_TOLD", 3)
    staff, first = Staff(services), told_of(services, clock, chain)
    hired = []
    for _ in range(5):
        clock.advance(seconds=1)
        hired += staff.hire(chain[2])
    for account_id in reversed(hired):
        staff.appoint(account_id, chain[2])
    eldest = first | Counter(staff.account(account_id).mailbox for account_id in hired[:2])
    assert told_of(services, clock, chain) == eldest


def told_of(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> Counter[str]:
    """Who is told of a further badge."""
    before = Counter(told(services, "case_waiting"))
    filed(services, clock, Badge("李四娘", date(2027, 6, 30), chain[2].id))
    return Counter(told(services, "case_waiting")) - before


def test_a_type_has_a_text_to_agree_to_of_its_own(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, replace(BADGE, consent=Consent("badges-1", MappingProxyType({}))))
    form = Badge("李四娘", date(2027, 6, 30), chain[2].id)
    with pytest.raises(Invalid) as refusal:
        filed(services, clock, form)
    assert refusal.value.fields == {"consent": "consent_required"}
    case_id = filed(services, clock, form, consent="badges-1")
    with services.reading() as work:
        assert work.cases.get(case_id).consent_version == "badges-1"


def test_its_applicant_reads_nothing_of_accounts_and_is_offered_no_page_that_is_not_there(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient
) -> None:
    case_id = filed(
        services, clock, Badge("李四娘", date(2027, 6, 30), chain[2].id), mailbox="badge@example.org"
    )  # fmt: skip
    applicant = manager.application.test_client()
    for journey in ("/apply", "/follow"):
        clock.advance(seconds=61)
        applicant.post(journey, data={"mailbox": "badge@example.org"})
        assert applicant.post(f"{journey}/code", data={"code": last_code(services)}).status_code == 303
    for address in (f"/apply/receipt/{case_id}", "/follow/case"):
        page = applicant.get(address)
        assert page.status_code == 200
        assert "李四娘" in page.text
        assert "密碼" not in page.text
        assert "/follow/change" not in page.text
        assert "修改或撤回" not in page.text
    assert "/follow/withdraw" in applicant.get("/follow/case").text
    assert applicant.get("/follow/change").status_code == 404


def test_what_its_rules_refuse_is_not_filed(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> None:
    with pytest.raises(Invalid) as refusal:
        filed(services, clock, Badge(" ", date(2027, 6, 30), chain[2].id))
    assert refusal.value.fields == {"holder": "required"}


def test_its_form_is_nowhere_in_clear_and_comes_back_as_it_was(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    form = Badge("李四娘", date(2027, 6, 30), chain[2].id, mobile="0912345678")
    case_id = filed(services, clock, form)
    with services.reading() as work:
        assert work.cases.get(case_id).form == form
        row = work.connection.execute(sa.select(cases).where(cases.c.id == case_id)).one()
    assert "2027-06-30" not in str(row)
    assert "0912345678" not in str(row)


def test_the_same_person_is_seen_across_types(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], manager: FlaskClient, application: Application
) -> None:
    other = filed(services, clock, application, "activation")
    case_id = filed(services, clock, Badge("王曉明", date(2027, 6, 30), chain[2].id, application.profile.mobile))
    page = manager.get(f"/cases/{case_id}").text
    assert f'href="/cases/{other}"' in page
    assert application.profile.mobile in page
    assert "行動電話" in page


@pytest.fixture
def application(chain: Sequence[Agency]) -> Application:
    profile = Profile(name="王小明", title="科員", phone="02-81234567", mobile="0987654321")
    return Application("wangxm", chain[2].id, profile, reason="新進人員")
