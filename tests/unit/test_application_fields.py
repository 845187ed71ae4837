"""A field of the application's own costs its rule and its words, and whatever it alone does: at most four places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

from flask import Flask

from hufu_console.cases.types.activation import APPLICATION_FIELDS, as_texts, asked_in, filled_in
from hufu_console.public.activation.forms import ApplicationForm
from hufu_registry.cases.types.activation import Application
from hufu_stack.layout import PROJECT
from tests.kit.accounts import an_application

RULE = "registry/hufu_registry/cases/types/activation.py"
WORDS = "admin-ui/hufu_console/cases/types/activation.py"
ASKED_FOR = "admin-ui/hufu_console/templates/cases/types/activation.html"
# What knows an application: elsewhere a reason is that of another act.
ROOMS = (
    RULE, WORDS, ASKED_FOR, "admin-ui/hufu_console/public/activation",
    "admin-ui/hufu_console/templates/public/activation",
)  # fmt: skip


def lines(*rooms: str) -> Iterator[tuple[str, str]]:
    for room in rooms:
        top = PROJECT / room
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.suffix in {".py", ".html"} and "versions" not in path.parts:
                yield from ((str(path.relative_to(PROJECT)), line) for line in path.read_text().splitlines())


def test_the_reason_is_named_in_its_class_and_where_its_words_are() -> None:
    # As a name: at the beginning of a line, after a dot, a bracket or a quotation mark; not within a sentence.
    named = [path for path, line in lines(*ROOMS) if re.search(r"""(^\s*|["'.(\[#])reason\b""", line)]
    assert named == [RULE, WORDS]


def test_the_wish_for_a_mailbox_is_named_in_two_places_more_for_what_the_manager_does() -> None:
    """Nothing but it makes the approval ask for something."""
    rooms = ("registry/hufu_registry", "admin-ui/hufu_console", "sync-worker/hufu_sync")
    named = [path for path, line in lines(*rooms) if "wants_official_mail" in line]
    assert sorted(named) == sorted([RULE, RULE, WORDS, ASKED_FOR])


def test_what_is_entered_has_words_or_a_place_of_its_own_on_the_page() -> None:
    entered = {declared.name for declared in fields(Application) if "clean" in declared.metadata}
    assert entered == {"account_name", "agency_id", *APPLICATION_FIELDS}


def test_a_form_gives_back_what_it_was_filled_with() -> None:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="x", WTF_CSRF_ENABLED=False)
    for wanted in (True, False):
        application = an_application(wants_official_mail=wanted)
        texts = filled_in(application)
        assert ("wants_official_mail" in texts) is wanted
        with app.test_request_context(method="POST", data=texts):
            asked = asked_in(ApplicationForm())
        assert asked == {"wants_official_mail": wanted, "reason": application.reason}
        assert as_texts(asked) == texts
