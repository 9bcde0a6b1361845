"""Tables for people: clauses, engines, operators, capabilities; and a clause in full."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.adapter import Adapter, builtin, load
from conformance.capabilities import CAPABILITIES, Capability
from conformance.clause import LEVELS, Clause, specification
from conformance.errors import NothingSelected
from conformance.operators import OPERATORS

Table = Sequence[Sequence[str]]


def render(rows: Table) -> str:
    """Columns as wide as their widest cell; the last one runs on."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def clauses() -> Table:
    """Every clause: id, level, number of cases, sentence."""
    rows = [("CLAUSE", "LEVEL", "CASES", "SENTENCE")]
    return rows + [(c.id, _level(c), str(len(list(c.cases()))), c.sentence) for c in specification().values()]


def engines() -> Table:
    """Every built-in engine: whether it is installed, its shape, the length of its adapter, its dialects."""
    rows = [("ENGINE", "INSTALLED", "SHAPE", "LINES", "OFFERS", "SPEAKS")]
    for name in builtin():
        adapter = load(name)
        offers = f"{len(adapter.spellings)} spellings"
        installed = "yes" if adapter.installed() else "no"
        rows.append((name, installed, adapter.shape, str(adapter.lines), offers, ", ".join(adapter.speaks)))
    return rows


def operators() -> Table:
    """Every operator: operands, where they come from, attributes."""
    rows = [("OPERATOR", "OPERANDS", "DRAWN FROM", "ATTRIBUTES")]
    return rows + [(o.name, o.shapes, ", ".join(o.domain), ", ".join(o.attributes)) for o in OPERATORS.values()]


def capabilities() -> Table:
    """Every key that an adapter may spell: what its text may use, what it means, and the engines that do not offer it."""
    adapters = [load(name) for name in builtin()]
    rows = [("KEY", "PLACEHOLDERS", "MEANING", "NOT OFFERED BY")]
    return rows + [(row.key, _placeholders(row), row.meaning, _without(row, adapters)) for row in CAPABILITIES.values()]


def _placeholders(row: Capability) -> str:
    return " ".join(f"{{{name}}}" for name in row.placeholders) or "-"


def _without(row: Capability, adapters: Sequence[Adapter]) -> str:
    missing = [adapter.name for adapter in adapters if row.key not in adapter.spellings]
    if row.falls_back or not missing:
        return "-"
    return ", ".join(missing) if len(missing) < len(adapters) else "all"


def explained(glob: str) -> str:
    """The clauses whose id matches, each in full; raises NothingSelected."""
    found = [
        clause for clause in specification().values() if next(clause.cases()).selected([glob]) or clause.id == glob
    ]
    if not found:
        raise NothingSelected(f"there is no clause {glob!r}; `list clauses` prints the ids")
    return "\n\n".join(_explained(clause) for clause in found)


def _explained(clause: Clause) -> str:
    facts = {
        "level": f"{_level(clause)}: {LEVELS[clause.level]}",
        "source": clause.source,
        "mutant": clause.mutant or "none: an admissible set",
        "stands on": ", ".join(clause.after) or "the operators it uses",
        "cases": ", ".join(case.id.removeprefix(clause.id) for case in clause.cases()),
    }
    width = max(map(len, facts))
    return "\n".join(
        [clause.id, f"  {clause.sentence}"] + [f"  {key.ljust(width)}  {text}" for key, text in facts.items()]
    )


def _level(clause: Clause) -> str:
    return f"{clause.level}: {clause.dialect}" if clause.dialect else clause.level
