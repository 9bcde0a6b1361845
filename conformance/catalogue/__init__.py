"""The catalogue: every behaviour that is asked for, where it is stated, and the clauses that ask for it.

A line is a table of one of the TOML files beside this module, one file a chapter:

    [REQ-06]
    sentence = "A result requires grad if and only if one of its operands does."
    level = "contract"
    document = "002 In[7]"                          # where the documents say it; absent where none does
    normative = "torch autograd notes, Setting requires_grad"
    needs = ["requires_grad"]                       # keys of `conformance.capabilities`, beyond the core
    clauses = ["requires_grad/result_requires_grad_if_an_operand_does"]

A line of a dialect names it in `dialect`; one that depends on the release says so in `era`; one that no clause asks for gives
the reason in `untested` instead of `clauses`; one that entries of the corpus show names them in `witnesses`. Several sources in
one field are separated by "; ".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.capabilities import CAPABILITIES
from conformance.errors import ConformanceError
from conformance.levels import DIALECTS, LEVELS

# What begins a line's id -> the title of its chapter, in the order in which the specification is read.
CHAPTERS: Final[Mapping[str, str]] = {
    "REQ": "The flag requires_grad, and leaves",
    "GRF": "Recording the graph",
    "BWS": "Backward from a scalar",
    "VJP": "Vector-Jacobian products",
    "ACC": "Accumulation and clearing",
    "NLF": "Gradients of leaves and of intermediate values",
    "DET": "Detaching",
    "DAT": "The attribute .data",
    "INP": "Writes in place, views and versions",
    "HOK": "Hooks",
    "AGR": "The functional gradient",
    "VOL": "Volatile variables",
    "NOG": "Grad modes",
    "CTL": "Control flow",
    "SEC": "A second backward",
    "HIG": "Higher order",
    "PRT": "Printed text",
    "ERR": "Errors and warnings",
    "OLD": "The old Variable API",
    "OPS": "Operators",
    "SNG": "Singular points",
    "LIF": "Lifetime",
    "THR": "Threads",
    "DOC": "The documents as a whole",
    "PRG": "Random programs",
}
# Shortcomings of old releases, which no engine should be made to have: recorded, never asked for.
HISTORY: Final = "history"
# The clause whose cases are the entries of the corpus.
CORPUS: Final = "programs/corpus"


@dataclass(frozen=True)
class Line:
    """One behaviour: what it is, who states it, and which clauses ask for it.

    Either `clauses` or `untested`, the reason why none asks, is there; the rest is told at the top of the module.
    """

    id: str
    sentence: str
    level: str
    normative: str
    document: str = ""
    needs: tuple[str, ...] = ()
    dialect: str | None = None
    era: str = ""
    clauses: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    untested: str = ""

    @property
    def chapter(self) -> str:
        """What begins the id: a key of CHAPTERS."""
        return self.id.partition("-")[0]

    @property
    def documents(self) -> tuple[str, ...]:
        """Where the documents state it, one by one."""
        return _parts(self.document)

    @property
    def sources(self) -> tuple[str, ...]:
        """The normative sources, one by one."""
        return _parts(self.normative)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("; ") if part)


@cache
def catalogue() -> Mapping[str, Line]:
    """Every line by id, in the order of the chapters; raises ConformanceError when one is not well formed."""
    return read(Path(__file__).parent)


def read(folder: Path) -> dict[str, Line]:
    """The lines of a folder's TOML files by id; raises ConformanceError, which names the line, when one is not well formed."""
    lines: dict[str, Line] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as reason:
            raise ConformanceError(f"{path.name} is no TOML: {reason}") from None
        for name, row in tables.items():
            if name in lines:
                raise ConformanceError(f"{name}: {path.name} has it a second time")
            lines[name] = line(name, row)
    order = list(CHAPTERS)
    return dict(sorted(lines.items(), key=lambda item: (order.index(item[1].chapter), item[0])))


def line(name: str, row: Mapping[str, Any]) -> Line:
    """A line from its table; raises ConformanceError, which names it, when it is not well formed."""
    if fault := next(_faults(name, row), None):
        raise ConformanceError(f"{name}: {fault}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Line(name, **values)


_FIELDS: Final = {field.name: field for field in fields(Line) if field.name != "id"}
_REQUIRED: Final = [name for name, field in _FIELDS.items() if field.default is MISSING]
_LISTS: Final = [name for name, field in _FIELDS.items() if field.default == ()]


def _faults(name: str, row: Any) -> Iterator[str]:
    """What is wrong with a table; each fault may be looked for only when those before it are not there."""
    if not re.fullmatch(r"[A-Z]{3}-\d\d\d?", name) or name[:3] not in CHAPTERS or not isinstance(row, dict):
        yield "a line is a table whose name is a chapter's three letters and a number"
    yield from (f"the key {key!r} is unknown" for key in row if key not in _FIELDS)
    yield from (f"the key {key!r} is missing" for key in _REQUIRED if key not in row)
    for key, value in row.items():
        texts = value if key in _LISTS else [value]
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            yield f"{key!r} is {'a list of texts' if key in _LISTS else 'a text'}, and not empty"
    if row["level"] not in (*LEVELS, HISTORY):
        yield f"the level {row['level']!r} is unknown"
    if (row["level"] == "dialect") != ("dialect" in row) or row.get("dialect", DIALECTS[0]) not in DIALECTS:
        yield f"a line of the level dialect, and no other, names its dialect, one of {', '.join(DIALECTS)}"
    yield from (f"the capability {key!r} is unknown" for key in row.get("needs", ()) if key not in CAPABILITIES)
    if ("clauses" in row) == ("untested" in row):
        yield "a line names clauses, or says why it has none"
    if "witnesses" in row and CORPUS not in row.get("clauses", ()):
        yield f"a line that names witnesses names {CORPUS} too"


def check_clauses(lines: Mapping[str, Line], known: Collection[str]) -> None:
    """Raises ConformanceError when a line names a clause that there is not."""
    for it in lines.values():
        if unknown := [name for name in it.clauses if name not in known]:
            raise ConformanceError(f"{it.id}: there is no clause {unknown[0]!r}")


@cache
def lines_of(clause: str) -> tuple[Line, ...]:
    """The lines that a clause asks for, in the catalogue's order."""
    return tuple(it for it in catalogue().values() if clause in it.clauses)
