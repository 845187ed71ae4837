"""The documents: links lead somewhere, pictures exist, and no tracked file names this machine or a package registry."""

import re
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from hufu_stack.import_rules import composed
from hufu_stack.layout import PROJECT

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
# A page of the help names the anchor of a heading itself.
ANCHOR = re.compile(r"\{#([a-z-]+)\}$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
NAMED = re.compile(r"`([\w./-]+\.(?:py|md|html|yaml|yml|toml|java|sh))`")
DECISIONS = PROJECT / "docs" / "decisions"

# In pieces, so that this file does not name what it looks for.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("repo", "maven"),
        ("repo1", "maven"),
        ("central", "sonatype"),
        ("maven", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("docker", "io"),
        ("quay", "io"),
        ("ghcr", "io"),
        ("registry", "npm"),
    )
)
MACHINE = tuple("/".join(parts) for parts in (("", "work", "main"), ("", "work", "shared"), ("", "tmp", "w", "")))
HOME = re.compile(r"/" + r"home/[a-z][\w-]*/")


def tracked(*patterns: str) -> list[Path]:
    """The files of the next commit, without those that are deleted already."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=PROJECT, capture_output=True, check=True)
    paths = (PROJECT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def slug(heading: str) -> str:
    """The anchor a heading gets on the usual code hosts."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text))


def anchors(document: str) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(FENCE.sub("", document))} | set(ANCHOR.findall(document))


def broken_links(path: Path, document: str) -> Iterator[str]:
    """Yield the relative links of a document that lead nowhere."""
    for target in LINK.findall(CODE.sub("", FENCE.sub("", document))):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name) if name else path
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found.read_text())):
            yield target


def missing_files(document: str, known: Collection[str]) -> Iterator[str]:
    """Yield the files of ours that a document names between backticks and that are not there."""
    for name in NAMED.findall(FENCE.sub("", document)):
        if not any(path == name or path.endswith(f"/{name}") for path in known):
            yield name


def foreign_names(text: str) -> list[str]:
    named = [name for name in (*REGISTRIES, *MACHINE) if name in text]
    return named + HOME.findall(text)


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert list(broken_links(path, path.read_text())) == []


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda path: str(path.relative_to(PROJECT)))
def test_files_that_are_named_are_there(path: Path) -> None:
    known = [str(each.relative_to(PROJECT)) for each in tracked()]
    assert list(missing_files(path.read_text(), known)) == []


def test_a_file_that_is_not_there_is_found() -> None:
    document = "`web/acts.py` and `urls.py`, `gone.py`, `<feature>/routes.py`, `web/gone.py`\n```\n`code.py`\n```\n"
    assert list(missing_files(document, ["console/web/acts.py", "urls.py"])) == ["gone.py", "web/gone.py"]


def test_every_decision_bears_its_number_and_stands_in_the_list() -> None:
    listed = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((\S+)\) \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    files = sorted(path for path in tracked("docs/decisions/0*.md"))
    titles = {path.name: path.read_text().partition("\n")[0] for path in files}
    assert {name: f"# {int(number)}. {title}" for number, title, name in listed} == titles
    assert [number for number, _, _ in listed] == [path.name[:4] for path in files]


@pytest.mark.parametrize(
    ("composition", "last"),
    [("registry/hufu_registry/features.py", "kernel"), ("admin-ui/hufu_console/urls.py", "web")],
)
def test_the_architecture_tells_the_features_in_their_order(composition: str, last: str) -> None:
    order = [*composed((PROJECT / composition).read_text()), last]
    told = (PROJECT / "docs" / "architecture.md").read_text()
    assert f"`{' → '.join(order)}`" in told
    (diagram,) = (block for block in re.findall(r"```mermaid(.*?)```", told, re.DOTALL) if "composes" in block)
    # The chain goes on from node to node, whatever these are called.
    assert " ".join(order) in " ".join(re.findall(r"\w+", re.sub(r"<br/>|\w+\[", " ", diagram)))


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = {}
    for path in tracked():
        try:
            named = foreign_names(path.read_text())
        except UnicodeDecodeError:
            continue
        if named:
            found[str(path.relative_to(PROJECT))] = named
    assert found == {}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    (tmp_path / "b.md").write_text("# Back up, and restore\n")
    document = (
        "# Top\n[gone](gone.md) [here](b.md) [there](b.md#back-up-and-restore) [lost](b.md#no) ![picture](p.png)\n"
        "[top](#top) [nowhere](#bottom) [outside](https://example.test/x) `[code](c.md)`\n```\n[code](d.md)\n```\n"
    )
    path.write_text(document)
    assert list(broken_links(path, document)) == ["gone.md", "b.md#no", "p.png", "#bottom"]


@pytest.mark.parametrize("name", [*REGISTRIES, *MACHINE, "/" + "home/somebody/x"])
def test_a_foreign_name_is_found(name: str) -> None:
    assert foreign_names(f"see {name}here") != []
