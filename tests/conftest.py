"""The real servers, started once for all tests that ask for them.

With HUFU_KEEP_STACK=1 a running test stack is used as it is and left running: quick work at one's desk.
HUFU_TEST_PROFILE names another profile for it: `make test-faults` may break things while the others work.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import settings

from hufu_stack.stack import Stack
from tests.kit.stacks import running

PROFILE = os.environ.get("HUFU_TEST_PROFILE", "test")

# An example may take its time: a busy machine is no fault.
settings.register_profile("hufu", deadline=None)
settings.load_profile("hufu")


@pytest.hookimpl(tryfirst=True)  # before pytest picks by marks
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Whoever uses the stack is marked as such: `make test` runs these and all others side by side.

    Those of the stack without a directory are among the others: it is another profile, and they are few.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "stack" in fixtures:
            item.add_marker(pytest.mark.stack)
            if "databases" in fixtures:
                raise pytest.UsageError(
                    f"{item.nodeid}: the other stream has the tests' PostgreSQL; the stack has its own"
                )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--feature", default="", help="the walks of all addresses take this feature's alone")


# What a test tells at the end of the run, by `record_property(TOLD, …)`; nothing is asserted of it.
TOLD = "told"

# Seconds that each kind may take in `make test` on two cores, when everything is built: see tests/README.md.
BUDGETS = {
    "unit": 150,
    "contract": 30,
    "integration": 600,
    "without a directory": 200,
    "contract on servers": 250,
    "integration on servers": 600,
    "browser": 500,
    "faults": 1300,
    "compose": 900,
}


def kind_of(report: pytest.TestReport) -> str:
    folder = report.nodeid.split("/")[1]
    if folder in {"browser", "faults"}:
        return folder if "stack" in report.keywords else "without a directory"
    return f"{folder} on servers" if "stack" in report.keywords else folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each kind took, beside what it may take, and what was measured on the way."""
    reports = [
        report
        for group in terminalreporter.stats.values()
        for report in group
        if isinstance(report, pytest.TestReport) and report.nodeid.startswith("tests/")
    ]
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        seconds[kind_of(report)] += report.duration
    tests = Counter(kind_of(report) for report in reports if report.when == "call")
    terminalreporter.section("what each kind took")
    for kind, took in seconds.items():
        budget = BUDGETS.get(kind, 0)
        terminalreporter.write_line(f"{kind:24}{tests[kind]:6} tests {took:8.1f} s of {budget} s")
    told = [
        said for report in reports if report.when == "call" for name, said in report.user_properties if name == TOLD
    ]
    if told:
        terminalreporter.section("what was measured on the way")
        for said in told:
            terminalreporter.write_line(str(said))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything with a directory, profile `test`. It never falls back: no domain controller, no test."""
    yield from running(PROFILE)


@pytest.fixture(scope="session")
def stack_without_directory() -> Iterator[Stack]:
    """Everything without a directory (AD=none), profile `test-none`."""
    yield from running("test-none")


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> dict[str, Any]:
    """What endpoints.json of the stack says."""
    return stack.endpoints
