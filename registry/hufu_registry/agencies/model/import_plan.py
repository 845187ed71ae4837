"""What a list would do to the agencies, worked out without touching anything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from hufu_registry.agencies.model.listing import ListedRow, Listing, Rejected
from hufu_registry.agencies.model.tree import HOMES, ORGANISATION_ARC, AgencyKind, FormerName, Key, Node
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AgencyId

BUILT = frozenset({AgencyKind.LOCALITY, AgencyKind.PLACEHOLDER})
LINES_REJECTED = "lines_rejected"


@dataclass(frozen=True, slots=True)
class Finding:
    """One agency of the report; `old` and `new` are names or OIDs, `reason` a code."""

    key: Key
    name: str
    oid: str
    old: str = ""
    new: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import does, agency by agency; `kept` are gone from the list, but stay open.

    `open_before` counts the agencies the list speaks for, to measure `gone` against.
    """

    new: tuple[Finding, ...] = ()
    built: tuple[Finding, ...] = ()
    renamed: tuple[Finding, ...] = ()
    moved: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    reopened: tuple[Finding, ...] = ()
    changed: tuple[Finding, ...] = ()
    differing: tuple[Finding, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    remarks: tuple[Rejected, ...] = ()
    listed: int = 0
    open_before: int = 0

    @property
    def changes_nothing(self) -> bool:
        return not (self.new or self.built or self.renamed or self.moved or self.gone or self.reopened or self.changed)

    @property
    def would_close(self) -> int:
        """How many it would close if all lines could be read."""
        return sum(finding.reason == LINES_REJECTED for finding in self.kept)

    def closes_more_than(self, percent: int) -> bool:
        return len(self.gone) * 100 > percent * self.open_before


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """`nodes` is every agency as it is to be, new ones under their OID."""

    nodes: Mapping[Key, Node]
    former_names: tuple[FormerName, ...]
    report: ImportReport


def plan_import(
    listing: Listing,
    current: Mapping[AgencyId, Node],
    *,
    today: date,
    successors: Iterable[tuple[str, str]] = (),
    codes: Mapping[str, str] | None = None,
    occupied: frozenset[AgencyId] = frozenset(),
) -> ImportPlan:
    """The agencies after the list is taken over, and the report.

    `successors` are pairs of OIDs of one agency, in either order; `codes` agency codes by full name;
    `occupied` the agencies on which something hangs.
    """
    plan = _Plan(listing, current, today, codes or {}, occupied)
    plan.follow(successors)
    for row in sorted(listing.rows, key=lambda row: (len(row.arcs), row.line)):
        plan.take(row)
    plan.refuse_cycles()
    plan.part_with_gone()
    return plan.result()


@dataclass(slots=True)
class _Found:
    new: list[Finding] = field(default_factory=list)
    built: list[Finding] = field(default_factory=list)
    renamed: list[Finding] = field(default_factory=list)
    moved: list[Finding] = field(default_factory=list)
    gone: list[Finding] = field(default_factory=list)
    kept: list[Finding] = field(default_factory=list)
    reopened: list[Finding] = field(default_factory=list)
    changed: list[Finding] = field(default_factory=list)
    differing: list[Finding] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class _Plan:
    def __init__(
        self,
        listing: Listing,
        current: Mapping[AgencyId, Node],
        today: date,
        codes: Mapping[str, str],
        occupied: frozenset[AgencyId],
    ) -> None:
        self.listing, self.current, self.today, self.occupied = listing, current, today, occupied
        self.nodes: dict[Key, Node] = {key: node for key, node in current.items()}  # noqa: C416 - the key's type widens
        self.key_of: dict[str, Key] = {node.oid: node.key for node in current.values() if node.oid is not None}
        self.rows = {row.oid: row for row in listing.rows}
        # A list speaks for the arcs it has rows under: the government's list holds no schools, and no school's
        # list holds a ministry.
        self.arcs = {root_arc(row.oid) for row in listing.rows}
        self.taken: set[Key] = set()
        self.followed: dict[Key, str] = {}
        self.former: list[FormerName] = []
        self.found = _Found()
        times = Counter(row.name for row in listing.rows)
        self.codes = {name: code for name, code in codes.items() if times[name] == 1}

    # The same agency under a new OID

    def follow(self, successors: Iterable[tuple[str, str]]) -> None:
        gone = {node.oid for node in self.current.values() if node.oid is not None and self._is_missing(node)}
        new = {oid for oid in self.rows if oid not in self.key_of or self._is_built(self.key_of[oid])}
        after: dict[str, set[str]] = defaultdict(set)
        before: dict[str, set[str]] = defaultdict(set)
        for first, second in successors:
            for old_oid, new_oid in ((first, second), (second, first)):
                if old_oid in gone and new_oid in new:
                    after[old_oid].add(new_oid)
                    before[new_oid].add(old_oid)
        for old_oid, followers in sorted(after.items()):
            if len(followers) == 1 and len(before[next(iter(followers))]) == 1:
                self._rekey(old_oid, next(iter(followers)))
            else:
                node = self.nodes[self.key_of[old_oid]]
                names = ", ".join(sorted(followers))
                self._find(self.found.differing, node, old=old_oid, new=names, reason="successor_not_unique")

    def _is_missing(self, node: Node) -> bool:
        """Whether the list held this agency and does so no more; units and what we built are never missing."""
        return (
            node.listed_name is not None
            and node.is_open
            and node.kind in HOMES
            and node.oid is not None
            and root_arc(node.oid) in self.arcs
            and node.oid not in self.rows
            and node.oid not in self.listing.spoken_for
        )

    def _is_built(self, key: Key) -> bool:
        return self.nodes[key].kind in BUILT

    def _rekey(self, old_oid: str, new_oid: str) -> None:
        key = self.key_of.pop(old_oid)
        node = self.nodes[key]
        if new_oid in self.key_of:
            self._retire(self.key_of[new_oid], key)
        self.key_of[new_oid] = key
        self.followed[key] = old_oid
        self.nodes[key] = replace(node, oid=new_oid)
        self.former.append(FormerName(key, node.name, old_oid, self.today))

    def _retire(self, placeholder: Key, successor: Key) -> None:
        """A placeholder gives its OID and whatever hangs on it to the agency it held the place for."""
        for key, node in self.nodes.items():
            if node.parent == placeholder and key != successor:
                self.nodes[key] = replace(node, parent=successor)
        self.nodes[placeholder] = replace(self.nodes[placeholder], oid=None, closed_on=self.today, listed_name=None)

    # One row of the list

    def take(self, row: ListedRow) -> None:
        if not self._build_parents(row):
            self.found.rejected.append(Rejected(row.line, "parent_unknown", row.dn))
            return
        parent = self.key_of[row.prefixes[-1]] if row.prefixes else None
        key = self.key_of.get(row.oid)
        if key is None:
            self._add(row, parent)
        else:
            self._update(self.nodes[key], row, parent)
        self.taken.add(self.key_of[row.oid])

    def _build_parents(self, row: ListedRow) -> bool:
        """Make the places above that are neither in the list nor known; false where the DN does not name them."""
        steps, above = row.steps, None
        if steps is None and any(oid not in self.key_of for oid in row.prefixes):
            return False
        for depth, oid in enumerate(row.prefixes):
            if oid not in self.key_of and steps is not None:
                attribute, name = steps[depth]
                is_locality = attribute == "l" or oid.rpartition(".")[2].startswith("9")
                kind = AgencyKind.LOCALITY if is_locality else AgencyKind.PLACEHOLDER
                self.key_of[oid] = oid
                self.nodes[oid] = Node(oid, above, kind, name, oid, listed_name=name)
                self._find(self.found.built, self.nodes[oid])
            above = self.key_of[oid]
            self._keep_in_use(self.nodes[above])
        return True

    def _keep_in_use(self, node: Node) -> None:
        """A place above listed agencies cannot stay closed; it returns as a bare place."""
        if not node.is_open and node.oid not in self.rows and node.listed_name is None:
            kind = AgencyKind.PLACEHOLDER if node.kind in HOMES else node.kind
            self.nodes[node.key] = replace(node, kind=kind, closed_on=None, listed_name=node.name)
            self._find(self.found.reopened, node)

    def _add(self, row: ListedRow, parent: Key | None) -> None:
        node = Node(
            key=row.oid,
            parent=parent,
            kind=kind_of(row.oid),
            name=row.name,
            oid=row.oid,
            agency_code=row.agency_code or self.codes.get(row.name),
            telephone=row.telephone,
            address=row.address,
            dn=row.dn,
            listed_name=row.name,
        )
        self.key_of[row.oid] = row.oid
        self.nodes[row.oid] = node
        self._find(self.found.new, node)

    def _update(self, node: Node, row: ListedRow, parent: Key | None) -> None:
        changed = replace(
            node,
            agency_code=row.agency_code or node.agency_code or self.codes.get(row.name),
            telephone=row.telephone,
            address=row.address,
            dn=row.dn,
        )
        if changed != node:
            self._find(self.found.changed, node)
        if node.kind is not AgencyKind.UNIT:
            if node.kind in BUILT:
                self._find(self.found.new, changed, old=node.kind.value)
            changed = replace(changed, kind=kind_of(row.oid))
        changed = self._reopened(node, changed)
        changed = self._renamed(node, changed, row)
        self.nodes[node.key] = self._moved(node, changed, parent)

    def _reopened(self, node: Node, changed: Node) -> Node:
        if node.is_open:
            return changed
        if node.listed_name is not None:
            self._find(self.found.differing, node, reason="closed_by_hand")
            return changed
        self._find(self.found.reopened, node)
        return replace(changed, closed_on=None)

    def _renamed(self, node: Node, changed: Node, row: ListedRow) -> Node:
        if row.name == node.name:
            return replace(changed, listed_name=row.name)
        if row.name == node.listed_name:
            self._find(self.found.differing, node, old=row.name, new=node.name, reason="renamed_by_hand")
            return changed
        self._find(self.found.renamed, replace(changed, name=row.name), old=node.name, new=row.name)
        if node.key not in self.followed:
            self.former.append(FormerName(node.key, node.name, None, self.today))
        return replace(changed, name=row.name, listed_name=row.name)

    def _moved(self, node: Node, changed: Node, parent: Key | None) -> Node:
        old_oid = self.followed.get(node.key)
        if old_oid is not None:
            self._find(self.found.moved, changed, old=old_oid, new=changed.oid or "", reason="new_oid")
        if parent == node.parent:
            return changed
        old, new = self._name(node.parent), self._name(parent)
        if node.parent_by_hand or node.kind is AgencyKind.UNIT:
            self._find(self.found.differing, node, old=old, new=new, reason="moved_by_hand")
            return changed
        if old_oid is None:
            self._find(self.found.moved, changed, old=old, new=new, reason="new_parent")
        return replace(changed, parent=parent)

    # The whole tree

    def refuse_cycles(self) -> None:
        """A parent changed by hand can make the list's parents a circle: these agencies stay where they were."""
        while circle := circle_in(self.nodes):
            held = [key for key in circle if self.nodes[key].parent != self._parent_before(key)]
            if not held:
                raise IllegalMove("tree_cycle", agency=circle[0])
            self.found.moved = [finding for finding in self.found.moved if finding.key not in held]
            for key in held:
                node = self.nodes[key]
                self._find(
                    self.found.differing,
                    node,
                    old=self._name(self._parent_before(key)),
                    new=self._name(node.parent),
                    reason="would_be_circle",
                )
                self.nodes[key] = replace(node, parent=self._parent_before(key))

    def _parent_before(self, key: Key) -> Key | None:
        return self.current[key].parent if isinstance(key, int) else self.nodes[key].parent

    def part_with_gone(self) -> None:
        """Close what the list no longer holds, the lowest first; keep what people depend on, and all of it where a
        line was rejected.
        """
        depths = depths_of(self.nodes)
        gone = [node for node in self.current.values() if node.key not in self.taken and self._is_missing(node)]
        gone = [node for node in gone if node.key not in self.followed]
        in_use = self._with_all_above(self.occupied)
        below: dict[Key, list[Key]] = defaultdict(list)
        for key, node in self.nodes.items():
            if node.parent is not None:
                below[node.parent].append(key)
        for node in sorted(gone, key=lambda node: (-depths[node.key], node.oid or "")):
            remaining = [child for child in below[node.key] if self.nodes[child].is_open]
            if node.key in in_use:
                self._find(self.found.kept, node, reason="in_use" if node.key in self.occupied else "in_use_below")
            elif any(self.nodes[child].kind is AgencyKind.UNIT for child in remaining):
                self._find(self.found.kept, node, reason="open_below")
            elif self.listing.rejected or self.found.rejected:
                # Any of these lines may have been meant for it.
                self._find(self.found.kept, node, reason=LINES_REJECTED)
            elif any(child in self.taken or self._is_built(child) for child in remaining):
                self._find(self.found.gone, node, reason="becomes_placeholder")
                self.nodes[node.key] = replace(node, kind=AgencyKind.PLACEHOLDER, listed_name=node.name)
            elif remaining:
                self._find(self.found.kept, node, reason="open_below")
            else:
                self._find(self.found.gone, node, reason="closed")
                self.nodes[node.key] = replace(node, closed_on=self.today, listed_name=None)

    def _with_all_above(self, keys: Iterable[Key]) -> set[Key]:
        above: set[Key] = set()
        for key in keys:
            place: Key | None = key
            while place is not None and place not in above:
                above.add(place)
                place = self.nodes[place].parent
        return above

    def result(self) -> ImportPlan:
        findings = self.found
        report = ImportReport(
            new=tuple(findings.new),
            built=tuple(findings.built),
            renamed=tuple(findings.renamed),
            moved=tuple(findings.moved),
            gone=tuple(findings.gone),
            kept=tuple(findings.kept),
            reopened=tuple(findings.reopened),
            changed=tuple(findings.changed),
            differing=tuple(findings.differing),
            rejected=tuple(sorted((*self.listing.rejected, *findings.rejected), key=lambda rejected: rejected.line)),
            remarks=self.listing.remarks,
            listed=len(self.taken),
            open_before=sum(
                node.is_open
                and node.listed_name is not None
                and node.kind not in BUILT
                and node.oid is not None
                and root_arc(node.oid) in self.arcs
                for node in self.current.values()
            ),
        )
        return ImportPlan(self.nodes, tuple(self.former), report)

    def _find(self, where: list[Finding], node: Node, *, old: str = "", new: str = "", reason: str = "") -> None:
        where.append(Finding(node.key, node.name, node.oid or "", old, new, reason))

    def _name(self, key: Key | None) -> str:
        return "" if key is None else self.nodes[key].name


def root_arc(oid: str) -> str:
    return ".".join(oid.split(".", 4)[:4])


def kind_of(oid: str) -> AgencyKind:
    """The kind of a row of the list."""
    return AgencyKind.SCHOOL if oid.startswith(f"{ORGANISATION_ARC}.") else AgencyKind.AGENCY


def circle_in(nodes: Mapping[Key, Node]) -> list[Key]:
    """The keys of one circle of parents, or nothing."""
    safe: set[Key] = set()
    for start in nodes:
        walked: dict[Key, None] = {}
        place: Key | None = start
        while place is not None and place not in safe:
            if place in walked:
                keys = list(walked)
                return keys[keys.index(place) :]
            walked[place] = None
            place = nodes[place].parent
        safe.update(walked)
    return []


def depths_of(nodes: Mapping[Key, Node]) -> dict[Key, int]:
    """How many stand above each; the tree must have no circle."""
    depths: dict[Key, int] = {}
    for start in nodes:
        walked: list[Key] = []
        place: Key | None = start
        while place is not None and place not in depths:
            walked.append(place)
            place = nodes[place].parent
        depth = -1 if place is None else depths[place]
        for key in reversed(walked):
            depth += 1
            depths[key] = depth
    return depths
