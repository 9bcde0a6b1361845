"""The cases that changed in one way, put together by what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.gate import Settled
from reports.compare import Change, Pair, Transition
from reports.evidence import gist
from reports.fault import Fault, faults
from reports.summary import Run, rank
from reports.text import counted, joined, one_line, some

# How many clauses a line names.
_NAMED: Final = 3


@dataclass(frozen=True)
class Group:
    """Cases that changed in the same way: those of one fault, those that the same root causes block, or those of one clause.

    account: what the later run says of them. fault: of cases that fail now, with what they block.
    """

    run: Run
    changes: tuple[Change, ...]
    name: str
    account: str
    fault: Fault | None = None

    @property
    def cases(self) -> list[str]:
        """The ids of its cases."""
        return [change.case for change in self.changes]

    @property
    def verdicts(self) -> str:
        """`pass → fail`, and what else there was."""
        return joined(list(dict.fromkeys(change.verdicts for change in self.changes)))

    @property
    def blocks(self) -> str:
        """`blocks 10 cases`; empty when it blocks none."""
        return self.fault.blocks if self.fault else ""

    @property
    def script(self) -> str:
        """The script of the failure."""
        return str(self.fault.lead.record.get("script") or "") if self.fault else ""

    @property
    def language(self) -> str:
        """The language of its script."""
        return str(self.run.journal.header["engine"].get("language") or "python")


def groups(pair: Pair, transition: Transition) -> list[Group]:
    """The changes of one kind, root causes first."""
    changed = pair.of(transition)
    return [*_failing(pair, changed), *_others(pair, changed)]


def _failing(pair: Pair, changed: Sequence[Change]) -> Iterator[Group]:
    failing = {change.case: change for change in changed if change.became == "fails"}
    items = (change.head for change in failing.values() if change.head)
    for fault in sorted(faults(items, pair.head.causes), key=rank):
        changes = tuple(failing[item.case] for item in fault.items)
        yield Group(pair.head, changes, fault.name, one_line(gist(fault.lead)), fault)


def _others(pair: Pair, changed: Sequence[Change]) -> Iterator[Group]:
    together: dict[tuple[str, str], list[Change]] = {}
    names = {item.case: fault.name for fault in pair.head.faults for item in fault.items}
    for change in changed:
        if change.became == "blocked":
            causes = dict.fromkeys(names[cause] for cause in pair.head.causes[change.case])
            together.setdefault(("", f"blocked by {some(list(causes), _NAMED)}"), []).append(change)
        elif change.became != "fails":
            together.setdefault((change.clause, _account(change.head)), []).append(change)
    for (_, account), changes in together.items():
        yield Group(pair.head, tuple(changes), _name(changes), account)


def _account(item: Settled | None) -> str:
    """Why a case was not judged; nothing of one that passed or is gone."""
    if item is None or item.verdict == "pass":
        return ""
    return one_line(str(item.record.get("declined") or gist(item)))


def _name(changes: Sequence[Change]) -> str:
    clauses = list(dict.fromkeys(change.clause for change in changes))
    if len(changes) == 1:
        return one_line(changes[0].case)
    return one_line(f"{some(clauses, _NAMED)}, {counted(len(changes), 'case')}")
