"""The specification as a page of Markdown, made of the catalogue and of the clauses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from conformance.catalogue import CHAPTERS, HISTORY, Line, catalogue
from conformance.clause import Clause, specification
from conformance.levels import LEVELS

COMMAND: Final = "autograd-conformance list specification > docs/specification.md"
MEANINGS: Final = {**LEVELS, HISTORY: "a shortcoming of an old release, which no engine should be made to have"}


def document() -> str:
    """The whole page."""
    lines, clauses = catalogue(), specification()
    blocks = [
        *_head(lines.values(), clauses),
        *_chapters(lines.values()),
        *_clauses(clauses),
        *_untested(lines.values()),
    ]
    return "\n\n".join(blocks)


def _head(lines: Iterable[Line], clauses: Mapping[str, Clause]) -> Iterator[str]:
    rows, asked = list(lines), list(clauses.values())
    cases = sum(1 for clause in asked for _ in clause.cases())
    untested = sum(1 for it in rows if it.untested)
    yield "# The specification"
    yield f"<!-- made by: {COMMAND} -->"
    yield (
        "The documents are five public notebooks that teach torch's automatic differentiation: 000 and 004 work through "
        "one example (2x.x, detach, control flow), 001 through a mean and a vector-Jacobian product, 002 through the API before "
        "torch 0.4, 003 through matrix products. Cells are cited by their printed numbers. "
        f"{len(rows)} lines, {sum(1 for it in rows if it.document)} of them stated by the documents; "
        f"{len(rows) - untested} are asked for by {len(asked)} clauses with {cases} cases, {untested} are not tested. "
        "Under each line stand the places where the documents state it, the normative source, the release on which it depends, "
        "the capabilities without which it cannot be asked, the clauses that ask for it, and the corpus's witnesses of it."
    )
    of_lines, of_clauses = Counter(it.level for it in rows), Counter(clause.level for clause in asked)
    table = [("level", "lines", "clauses", "what it is"), ("---",) * 4]
    table += [(level, str(of_lines[level]), str(of_clauses[level]), text) for level, text in MEANINGS.items()]
    yield _table(table)


def _chapters(lines: Iterable[Line]) -> Iterator[str]:
    for chapter, members in groupby(lines, key=lambda it: it.chapter):
        yield f"## {plain(CHAPTERS[chapter])} ({chapter})"
        for it in members:
            yield f"**{it.id}** *{level(it)}*: {plain(it.sentence)}\n" + "\n".join(f"- {fact}" for fact in _facts(it))


def _facts(it: Line) -> Iterator[str]:
    if it.document:
        yield f"documents: {plain(it.document)}"
    yield f"source: {plain(it.normative)}"
    if it.era:
        yield f"release: {plain(it.era)}"
    if it.needs:
        yield f"needs: {', '.join(f'`{key}`' for key in it.needs)}"
    yield f"clauses: {', '.join(f'`{name}`' for name in it.clauses)}" if it.clauses else "not tested"
    if it.witnesses:
        yield f"witnesses: {', '.join(f'`{name}`' for name in it.witnesses)}"


def _clauses(clauses: Mapping[str, Clause]) -> Iterator[str]:
    yield "## The clauses"
    rows = [("clause", "level", "mutant that it fails", "sentence"), ("---",) * 4]
    rows += [(f"`{it.id}`", level(it), f"`{it.mutant}`", plain(it.sentence)) for it in clauses.values()]
    yield _table(rows)


def _untested(lines: Iterable[Line]) -> Iterator[str]:
    yield "## Not tested"
    yield "\n".join(f"- **{it.id}** {plain(it.sentence)} {plain(it.untested)}" for it in lines if it.untested)


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def level(it: Line | Clause) -> str:
    """The level, with its dialect."""
    return f"{it.level}: {it.dialect}" if it.dialect else it.level


def plain(text: str) -> str:
    """A text of which Markdown takes nothing for markup; an underscore within or after a word is none."""
    return re.sub(r"([\\*<|`]|(?<!\w)_)", r"\\\1", text)
