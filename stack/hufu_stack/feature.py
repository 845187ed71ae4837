"""Lays out a new feature: folders in registry and console, tests, words, and a line in each composition, of which the
architecture tells.
"""

import builtins
import keyword
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hufu_console.urls import routes
from hufu_registry.features import SqlWork
from hufu_registry.kernel.stores import Stores
from hufu_registry.tables import metadata
from hufu_stack import import_rules
from hufu_stack.layout import PROJECT
from hufu_stack.ours import script

TEMPLATES = Path(__file__).with_name("new_feature")
WORDS = "messages.po.jinja"
REGISTRY = Path("registry/hufu_registry")
CONSOLE = Path("admin-ui/hufu_console")
CATALOG = CONSOLE / "translations/zh_Hant_TW/LC_MESSAGES/messages.po"
ARCHITECTURE = Path("docs/architecture.md")
# Names that will be needed in the house, or that the language or the tests take for something else.
RESERVED = frozenset({"conftest", "effects", "hufu", "test", "tests", "work"})
# What its code would hide by a name of its own: what a transaction has, of which `__init__` names the rest, and what
# Python has.
HIDDEN = frozenset({*dir(SqlWork), *Stores.__init__.__code__.co_names, *dir(builtins)})
HAN = re.compile(r"[\u4e00-\u9fff]{1,12}")
# A part of a name: an English word, so that its plural can be told.
SHAPE = re.compile(r"[a-z]{2,}(_[a-z]{2,}){0,3}")
MOST_LETTERS = 30


class FeatureNameError(Exception):
    """The feature cannot be called so; says why."""


@dataclass(frozen=True, slots=True)
class Composition:
    """`opening` is the line after which the features stand, the leftmost first."""

    file: Path
    imported: str
    opening: str
    entry: str


COMPOSITIONS = (
    Composition(
        REGISTRY / "features.py",
        "from hufu_registry.<<feature>>.feature import Stores as <<Feature>>",
        "class SqlWork(",
        "    <<Feature>>,",
    ),
    Composition(
        CONSOLE / "urls.py",
        "from hufu_console.<<feature>>.feature import FEATURE as <<FEATURE>>",
        "FEATURES = (",
        "    <<FEATURE>>,",
    ),
)


def write_feature(feature: str, word: str, project: Path = PROJECT) -> Sequence[Path]:
    """Write it all, as the leftmost feature; return the files that were written or changed. Raises FeatureNameError."""
    names = names_of(feature, word)
    written = {project / filled(path, names): rendered(path, names) for path in templates() if path.name != WORDS}
    refuse(feature, names, project, written)
    changed = {
        project / composition.file: composed(
            (project / composition.file).read_text(encoding="utf-8"), composition, names
        )
        for composition in COMPOSITIONS
    }
    architecture = project / ARCHITECTURE
    changed[architecture] = architecture.read_text(encoding="utf-8")
    for composition in COMPOSITIONS:
        order = import_rules.composed((project / composition.file).read_text(encoding="utf-8"))
        changed[architecture] = told(changed[architecture], order, feature)
    catalog = project / CATALOG
    changed[catalog] = with_words(catalog.read_text(encoding="utf-8"), rendered(TEMPLATES / WORDS, names))
    for path, text in (written | changed).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    code = [str(path) for path in (*written, *changed) if path.suffix == ".py"]
    # Where imports and lines end depends on the name.
    for arguments in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        subprocess.run([script("ruff"), *arguments, *code], cwd=project, check=True)
    return [*written, *changed]


def names_of(feature: str, word: str) -> Mapping[str, str]:
    """The feature's name in every form. Raises FeatureNameError for what is none."""
    if not SHAPE.fullmatch(feature) or len(feature) > MOST_LETTERS:
        raise FeatureNameError(
            f"“{feature}” is no name of a feature: small English letters, words joined by _, "
            f"as in meeting_rooms; {MOST_LETTERS} letters at most."
        )
    if not HAN.fullmatch(word):
        raise FeatureNameError(
            f"“{word}” is no Chinese word of one to twelve characters: WORD says what its pages are called."
        )
    one = singular(feature)
    return {
        "feature": feature,
        "Feature": camel(feature),
        "FEATURE": feature.upper(),
        "one": one,
        "One": camel(one),
        "ONE": one.upper(),
        "thing": one.replace("_", " "),
        "things": feature.replace("_", " "),
        "Things": feature.replace("_", " ").capitalize(),
        "address": feature.replace("_", "-"),
        "word": word,
    }


def singular(feature: str) -> str:
    if feature.endswith("ies"):
        return feature.removesuffix("ies") + "y"
    if feature.endswith("s") and not feature.endswith("ss"):
        return feature.removesuffix("s")
    # One of them has to be called something else than all of them.
    return f"{feature}_entry"


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def refuse(feature: str, names: Mapping[str, str], project: Path, written: Mapping[Path, str]) -> None:
    """Raises FeatureNameError where somebody has the name already, or code cannot be called so."""
    one = names["one"]
    if {feature, one} & RESERVED or any(keyword.iskeyword(name) for name in (feature, one, names["One"])):
        raise FeatureNameError(f"{feature} is reserved.")
    for package in (REGISTRY, CONSOLE, CONSOLE / "templates"):
        for taken in (package / feature, package / f"{feature}.py"):
            if (project / taken).exists():
                raise FeatureNameError(f"{feature} exists already: {taken}")
    for path in written:
        if path.exists():
            raise FeatureNameError(f"{feature} exists already: {path.relative_to(project)}")
    if feature in metadata.tables:
        raise FeatureNameError(f"There is a table {feature} already.")
    if names["address"] in {route.rule.split("/")[1] for route in routes(gallery=True)}:
        raise FeatureNameError(f"There is an address /{names['address']} already.")
    hidden = {feature, one, names["Feature"], names["One"]} & HIDDEN
    if hidden:
        raise FeatureNameError(f"{feature} is reserved: its code would hide {min(hidden)}.")
    for path, text in written.items():
        if path.suffix == ".py":
            try:
                compile(text, path.name, "exec")
            except SyntaxError as error:
                raise FeatureNameError(f"{feature} is no name for code: {error.msg} in {path.name}") from error


def templates() -> Sequence[Path]:
    return sorted(path for path in TEMPLATES.rglob("*.jinja"))


def filled(path: Path, names: Mapping[str, str]) -> str:
    place = path.relative_to(TEMPLATES).as_posix().removesuffix(".jinja")
    return place.replace("__feature__", names["feature"]).replace("__one__", names["one"])


def rendered(path: Path, names: Mapping[str, str]) -> str:
    return in_words(path.read_text(encoding="utf-8"), names)


def in_words(text: str, names: Mapping[str, str]) -> str:
    # Pages and mails have braces of their own.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
    )
    return environment.from_string(text).render(names)


def composed(text: str, composition: Composition, names: Mapping[str, str]) -> str:
    """The composition with the feature as its first. Raises LookupError where it is not written as it should be."""
    lines = text.splitlines()
    if lines.count(composition.opening) != 1:
        raise LookupError(f"{composition.file} has no line “{composition.opening}”")
    lines.insert(lines.index(composition.opening) + 1, in_words(composition.entry, names))
    # Its right place among them is found afterwards, by ruff.
    first = next(number for number, line in enumerate(lines) if line.startswith("from hufu_"))
    lines.insert(first, in_words(composition.imported, names))
    return "\n".join(lines) + "\n"


def told(text: str, order: Sequence[str], feature: str) -> str:
    """The architecture with the feature before all others, in the chain of their names and in the diagram. Raises
    LookupError where it does not tell them so.
    """
    first = " → ".join(order[:2])
    longer, places = re.subn(rf"(?<=[`\[]){first}", f"{feature} → {first}", text)
    if places != 2:
        raise LookupError(f"{ARCHITECTURE} does not tell twice of “{first}”")
    return longer


def with_words(catalog: str, words: str) -> str:
    """The catalog with these messages, each where `make catalog` would put it; one that it has stays as it is."""
    head, *messages = catalog.rstrip("\n").split("\n\n")
    known = {msgid(message) for message in messages}
    messages += [message for message in words.rstrip("\n").split("\n\n") if msgid(message) not in known]
    return "\n\n".join([head, *sorted(messages, key=msgid)]) + "\n"


def msgid(message: str) -> str:
    """What it is sorted by: the message as it is written over several lines."""
    text = message[message.index("msgid ") :].split("\nmsg", 1)[0]
    return "".join(line.removeprefix("msgid ").strip('"') for line in text.splitlines())
