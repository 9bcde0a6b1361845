"""A fault: the cases of one clause that went wrong in the same way, whatever their dtype."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.gate import Settled
from reports.text import counted, joined, one_line

# The dtype whose witness is shown; the values of another may be rounded.
_FIRST: Final = "float64"


@dataclass(frozen=True)
class Fault:
    """Cases that differ in their dtype only, that of float64 first, and the ids of the cases that they block."""

    items: tuple[Settled, ...]
    blocked: tuple[str, ...]

    @property
    def lead(self) -> Settled:
        """The case whose witness stands for all."""
        return self.items[0]

    @property
    def clause(self) -> str:
        """The clause that is broken."""
        return str(self.lead.record["clause"])

    @property
    def blocks(self) -> str:
        """`blocks 12 cases`; empty when it blocks none."""
        return f"blocks {counted(len(self.blocked), 'case')}" if self.blocked else ""

    @property
    def parameters(self) -> str:
        """The parameters of its cases, as a heading shows them: `float64`, `mul, float64 and float32`."""
        dtypes = joined([dtype for item in self.items if (dtype := _dtype(item))])
        values = [dtypes if name == "dtype" else str(value) for name, value in _parameters(self.lead).items()]
        return one_line(", ".join(values))

    @property
    def name(self) -> str:
        """The case's id, or the clause and what its cases differ in."""
        return one_line(self.lead.case if len(self.items) == 1 else f"{self.clause}, {self.parameters}")


def faults(problems: Iterable[Settled], causes: Mapping[str, Iterable[str]]) -> list[Fault]:
    """The faults behind `problems`; `causes` are the root causes of each blocked case."""
    groups: dict[tuple[object, ...], list[Settled]] = {}
    for item in problems:
        groups.setdefault(_likeness(item), []).append(item)
    return [_fault(items, causes) for items in groups.values()]


def _fault(items: list[Settled], causes: Mapping[str, Iterable[str]]) -> Fault:
    ordered = sorted(items, key=lambda item: (_dtype(item) != _FIRST, item.case))
    mine = {item.case for item in items}
    blocked = sorted(case for case, roots in causes.items() if not mine.isdisjoint(roots))
    return Fault(tuple(ordered), tuple(blocked))


def _likeness(item: Settled) -> tuple[object, ...]:
    """What two cases share that went wrong in the same way."""
    dtype, record = _dtype(item), item.record
    texts = [str(record.get(name) or "") for name in ("message", "expected", "got", "attributed")]
    others = [f"{name}={value}" for name, value in _parameters(item).items() if name != "dtype"]
    alike = (text.replace(dtype, "dtype") if dtype else text for text in texts)
    # A case without a dtype is like no other.
    return record["clause"], item.verdict, str(item.expected), *others, *alike, "" if dtype else item.case


def _parameters(item: Settled) -> Mapping[str, Any]:
    found: Mapping[str, Any] = item.record.get("parameters") or {}
    return found


def _dtype(item: Settled) -> str:
    return str(_parameters(item).get("dtype") or "")
