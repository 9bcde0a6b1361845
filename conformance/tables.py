"""Tables for people: lines, clauses, engines, operators, capabilities; and a clause or a line in full."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from conformance.adapter import builtin, load
from conformance.capabilities import CAPABILITIES
from conformance.catalogue import Line, catalogue, lines_of
from conformance.catalogue.markdown import MEANINGS, document, level
from conformance.clause import Clause, specification
from conformance.divergences import divergences, faults
from conformance.errors import NothingSelected
from conformance.levels import LEVELS
from conformance.operators import OPERATORS

Table = Sequence[Sequence[str]]


def render(rows: Table) -> str:
    """Columns as wide as their widest cell; the last one runs on."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def listed(what: str) -> str:
    """What `list` prints: the specification, the faults or the divergences as Markdown, or a table of anything else."""
    tables = {"clauses": clauses, "lines": lines, "engines": engines, "operators": operators}
    documents = {"specification": document, "faults": faults, "divergences": divergences}
    return documents[what]() if what in documents else render({**tables, "capabilities": capabilities}[what]())


def clauses() -> Table:
    """Every clause: id, level, number of cases, the lines that it asks for, sentence."""
    rows = [("CLAUSE", "LEVEL", "CASES", "LINES", "SENTENCE")]
    return rows + [
        (c.id, level(c), str(len(list(c.cases()))), " ".join(it.id for it in lines_of(c.id)) or "-", c.sentence)
        for c in specification().values()
    ]


def lines() -> Table:
    """Every line of the catalogue: id, level, how many clauses ask for it, where the documents state it, sentence."""
    rows = [("LINE", "LEVEL", "CLAUSES", "DOCUMENTS", "SENTENCE")]
    return rows + [
        (it.id, level(it), str(len(it.clauses)), it.document or "-", it.sentence) for it in catalogue().values()
    ]


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
    """Every operator: operands, where they come from when results are exact and when they are rounded, kinks, attributes."""
    rows = [("OPERATOR", "OPERANDS", "EXACT FROM", "ROUNDED FROM", "NO DERIVATIVE AT", "ATTRIBUTES")]
    return rows + [
        (o.name, o.shapes, ", ".join(o.domain), ", ".join(o.reals), o.singular, ", ".join(o.attributes))
        for o in OPERATORS.values()
    ]


def capabilities() -> Table:
    """Every key that an adapter may spell: what its text may use, and what it means."""
    rows = [("KEY", "PLACEHOLDERS", "MEANING")]
    return rows + [
        (row.key, " ".join(f"{{{name}}}" for name in row.placeholders) or "-", row.meaning)
        for row in CAPABILITIES.values()
    ]


def explained(glob: str) -> str:
    """The clauses and the lines of the catalogue whose id matches, each in full; raises NothingSelected."""
    found = [
        _explained(clause)
        for clause in specification().values()
        if any(case.selected([glob]) for case in clause.cases())
    ]
    found += [_explained_line(it) for it in catalogue().values() if fnmatchcase(it.id, glob)]
    if not found:
        raise NothingSelected(
            f"there is no clause {glob!r} and no such line; `list clauses` and `list lines` print the ids"
        )
    return "\n\n".join(found)


def _explained(clause: Clause) -> str:
    facts = [
        ("level", f"{level(clause)}: {LEVELS[clause.level]}"),
        ("mutant", clause.mutant),
        ("stands on", ", ".join(clause.after) or "the operators it uses"),
        ("cases", ", ".join(case.id.removeprefix(clause.id) for case in clause.cases())),
    ]
    for it in lines_of(clause.id):
        facts += [(it.id, it.sentence), *(("", f"{key}: {text}") for key, text in _stated(it))]
    return _in_full(clause.id, clause.sentence, facts)


def _explained_line(it: Line) -> str:
    facts = [("level", f"{level(it)}: {MEANINGS[it.level]}"), *_stated(it)]
    if it.needs:
        facts.append(("needs", ", ".join(it.needs)))
    facts += [("clause", f"{name}: {specification()[name].sentence}") for name in it.clauses]
    if it.untested:
        facts.append(("not tested", it.untested))
    return _in_full(it.id, it.sentence, facts)


def _stated(it: Line) -> list[tuple[str, str]]:
    """Where a line is stated, and the release on which it depends."""
    facts = [("documents", it.document), ("normative", it.normative), ("release", it.era)]
    return [(key, text) for key, text in facts if text]


def _in_full(name: str, sentence: str, facts: Sequence[tuple[str, str]]) -> str:
    width = max(len(key) for key, _ in facts)
    return "\n".join([name, f"  {sentence}", *(f"  {key.ljust(width)}  {text}" for key, text in facts)])
