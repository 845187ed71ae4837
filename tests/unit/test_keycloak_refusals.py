"""What Keycloak's refusals say, and what of it is told: names of fields, never its sentences, which name people."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from hufu_registry.sync.model import Code
from hufu_sync.errors import Conflict, Refused
from hufu_sync.targets.keycloak_connection import UnexplainedError, refusal_of

ONE = {"field": "email", "errorMessage": "error-invalid-email", "params": ["email", "try..this@example.org"]}


def answered(status: int, body: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    return response


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (ONE, ("email",)),
        ({"errors": [ONE, {"field": "title", "errorMessage": "error-invalid-length", "params": []}]}, ("email", "title")),
        ({"field": "username", "errorMessage": "error-invalid-username"}, ("@name",)),
        ({"errorMessage": "User exists with same username"}, ()),
        ([], ()),
    ],
)  # fmt: skip
def test_a_refusal_names_the_fields_and_nobody(body: Any, fields: tuple[str, ...]) -> None:
    error = refusal_of(answered(400, body))
    assert isinstance(error, Refused)
    assert (error.code, error.fields) == (Code.KEYCLOAK_REFUSED, fields)
    assert "example" not in error.detail


def test_a_name_that_is_taken_is_a_conflict_where_names_matter() -> None:
    answer = answered(409, {"errorMessage": "Sibling group named '2.16.886.101.1' already exists."})
    taken = refusal_of(answer, Code.GROUP_TAKEN)
    assert (type(taken), taken.code) == (Conflict, Code.GROUP_TAKEN)
    assert isinstance(refusal_of(answer), Refused)


def test_what_names_only_keycloaks_own_is_unexplained() -> None:
    assert isinstance(refusal_of(answered(400, {"field": "LDAP_ID", "errorMessage": "x"})), UnexplainedError)
