"""Whether an adapter is well formed: what can be said of it without its engine, before anything runs.

Each fault is a sentence that names the row. An adapter for an agent of another language (`command`) holds texts that are not
Python's: of those only the keys are checked.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from conformance.capabilities import CAPABILITIES, KINDS

if TYPE_CHECKING:
    from conformance.adapter import Adapter

# What no engine may decline: a leaf, a constant, a value to read, operators, and gradients by one of its shape's means.
CORE: Final = ("leaf", "constant", "value", "add", "mul", "sum")
DIFFERENTIATION: Final = {"eager": ("backward", "grad"), "functional": ("gradient",)}
FLOATS: Final = ("float64", "float32")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
# Literals for the placeholders that stand for one; every other placeholder stands for a name.
_LITERALS: Final = {
    "value": "[1.0]",
    "axis": "0",
    "index": "0",
    "shape": "(1,)",
    "positions": "(0,)",
    "flag": "True",
    "arguments": "",
    "options": "",
}


def faults(adapter: Adapter) -> Iterator[str]:
    """What is wrong with `adapter`, each as a sentence; the gravest first."""
    if not isinstance(adapter.name, str) or not _NAME.fullmatch(adapter.name):
        yield f"the name {adapter.name!r} must be made of letters, digits, '_', '.' and '-'"
    if adapter.shape not in DIFFERENTIATION:
        yield f"the adapter {adapter.name!r} has the shape {adapter.shape!r}; there are {', '.join(DIFFERENTIATION)}"
        return
    for key, template in adapter.spellings.items():
        yield from _spelling(key, template, python=not adapter.command)
    if not any(name in adapter.dtypes for name in FLOATS):
        yield f"the adapter {adapter.name!r} must have one of the dtypes {', '.join(FLOATS)}"
    if missing := list(_missing(adapter)):
        yield f"the adapter {adapter.name!r} must spell the core, but lacks {', '.join(missing)}"
    for operator in adapter.composed:
        if operator not in adapter.spellings:
            yield f"composed names {operator!r}, which is not spelled"
    for row in adapter.refusals:
        yield from _refusal(row)
    if not adapter.command:
        yield from _texts(adapter)


def _missing(adapter: Adapter) -> Iterator[str]:
    yield from (key for key in CORE if key not in adapter.spellings)
    means = DIFFERENTIATION[adapter.shape]
    if not any(key in adapter.spellings for key in means):
        yield " or ".join(means)
    if "backward" in adapter.spellings and "grad_of" not in adapter.spellings:
        yield "grad_of, which reads what backward left"


def _spelling(key: str, template: Any, python: bool) -> Iterator[str]:
    row = CAPABILITIES.get(key)
    if row is None:
        yield f"there is no key {key!r}{_nearest(key, CAPABILITIES)}; `list capabilities` prints them all"
    elif not isinstance(template, str):
        yield f"the spelling {key} must be text, and is {template!r}"
    elif python:
        yield from _filled(key, template, row.placeholders, row.where)


def _filled(key: str, template: str, placeholders: tuple[str, ...], where: str) -> Iterator[str]:
    spelling = f"the spelling {key}: {template!r}"
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as reason:
        yield f"{spelling} cannot be filled in: {reason}; a brace that is meant is written twice"
        return
    for field in fields:
        if field not in placeholders:
            offered = ", ".join(f"{{{name}}}" for name in placeholders) or "none"
            yield f"{spelling} has the placeholder {{{field}}}, which this key does not fill in; it has {offered}"
            return
    names = {field: _LITERALS.get(field, field) for field in fields}
    try:
        statement = where.format(template.format(**names))
        if statement.strip():
            compile(statement, "<spelling>", "exec")
    except (SyntaxError, ValueError) as reason:
        yield f"{spelling} is not Python: {reason.args[0]}, in {statement!r}"


def _refusal(row: Any) -> Iterator[str]:
    if not isinstance(row, tuple) or len(row) != 3 or not all(isinstance(part, str) for part in row):
        yield f"the refusal {row!r} must be a row (kind, exception's name, regular expression)"
        return
    kind, _, pattern = row
    if kind not in KINDS:
        yield f"the refusal {row!r} has the unknown kind {kind!r}{_nearest(kind, KINDS)}; there are {', '.join(KINDS)}"
    try:
        re.compile(pattern)
    except re.error as reason:
        yield f"the refusal {row!r} holds an invalid regular expression: {reason}"


def _texts(adapter: Adapter) -> Iterator[str]:
    """The adapter's other texts, as the agent uses them."""
    texts = [("version", adapter.version, "{}", "eval"), ("around", adapter.around or "x", "with {}: pass", "exec")]
    texts += [(f"dtype {name}", text, "{}", "eval") for name, text in adapter.dtypes.items()]
    for name, (read, restore) in adapter.state.items():
        texts += [(f"state {name!r}", read, "{}", "eval"), (f"state {name!r}", restore, "{}", "exec")]
    for what, text, where, mode in texts:
        try:
            compile(where.format(text), f"<{what}>", mode)
        except (SyntaxError, ValueError) as reason:
            yield f"the {what}: {text!r} is not Python: {reason.args[0]}"


def _nearest(word: object, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(word), known, 1)
    return f" (did you mean {found[0]!r}?)" if found else ""
