"""Writes the adapter that was found, as a file that its author reads and corrects."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from conformance.adapter import Adapter
from conformance.capabilities import CAPABILITIES
from conformance.probing.laboratory import RIGHT, Found, Guess
from implementations.shapes.scalar import object_arrays
from reports.text import one_line, visible

_HEAD: Final = '''\
"""{name}: found by `autograd-conformance try {asked}`. Each row was tried on a tiny program; correct what was guessed wrong.

What a key means: `autograd-conformance list capabilities`. A key that is not here is declined, never failed.
"""

from conformance.adapter import Adapter
{imports}
PRELUDE = """
{prelude}
"""

ADAPTER = Adapter(
    name={quoted},
    module={module},
    prelude=PRELUDE.strip(),
    version={version},
'''
_SCALAR_IMPORTS: Final = """\
from implementations.shapes.scalar import COMPOSED, object_arrays
from implementations.shapes.spellings import table
"""
_WIDTH: Final = 120


def written(found: Found, asked: str) -> str:
    """The adapter's file."""
    return "\n".join(_lines(found.adapter, {guess.key: guess for guess in found.guesses}, asked)) + "\n"


def _lines(adapter: Adapter, guesses: Mapping[str, Guess], asked: str) -> Iterator[str]:
    yield _HEAD.format(
        name=adapter.name,
        asked=asked,
        imports=_SCALAR_IMPORTS if adapter.composed else "",
        prelude=trimmed(adapter),
        quoted=_quoted(adapter.name),
        module=_quoted(adapter.module),
        version=_quoted(adapter.version),
    ).rstrip("\n")
    if adapter.shape != "eager":
        yield f"    shape={_quoted(adapter.shape)},"
    if adapter.composed:
        yield from ("    spellings=table(", "        object_arrays(),", "        {")
        yield from _rows(_beyond(adapter.spellings), guesses, " " * 12)
        yield from ("        },", "    ),", "    composed=COMPOSED,")
    else:
        yield "    spellings={"
        yield from _rows(adapter.spellings, guesses, " " * 8)
        yield "    },"
    yield f"    dtypes={{{', '.join(f'{_quoted(k)}: {_quoted(v)}' for k, v in adapter.dtypes.items())}}},"
    if adapter.refusals:
        yield "    refusals=("
        yield from (f"        ({', '.join(map(_quoted, row))})," for row in adapter.refusals)
        yield "    ),"
    yield ")"


def _rows(spellings: Mapping[str, str | None], guesses: Mapping[str, Guess], indent: str) -> Iterator[str]:
    for key in sorted(spellings, key=list(CAPABILITIES).index):
        guess, text = guesses.get(key), spellings[key]
        if guess and guess.text and guess.outcome.worth < RIGHT:
            note = f"{indent}# kept although it is not right: {one_line(guess.outcome.note)}"
            yield note if len(note) <= _WIDTH else note[: _WIDTH - 2] + " …"
        yield f"{indent}{_quoted(key)}: {_quoted(text) if text is not None else 'None'},"


def _beyond(spellings: Mapping[str, str]) -> dict[str, str | None]:
    """What an engine of single numbers spells otherwise than the shape, or lacks of it."""
    shared = object_arrays()
    own: dict[str, str | None] = {key: text for key, text in spellings.items() if shared.get(key) != text}
    return {**own, **{key: None for key in shared if key not in spellings}}


def trimmed(adapter: Adapter) -> str:
    """The prelude without what no spelling names."""
    source, texts = adapter.prelude, " ".join([*adapter.spellings.values(), *adapter.dtypes.values(), adapter.version])
    kept: list[str] = []
    for node in reversed(ast.parse(source).body):
        segment = ast.get_source_segment(source, node) or ""
        name = node.name if isinstance(node, ast.FunctionDef) else _imported(node)
        if name == adapter.module or re.search(rf"(?<![\w.]){re.escape(name)}[.(,]", texts):
            kept.insert(0, f"\n{segment}\n" if isinstance(node, ast.FunctionDef) else segment)
            texts += " " + segment
    return re.sub(r"\n{3,}", "\n\n", "\n".join(dict.fromkeys(kept))).strip()


def _imported(node: ast.stmt) -> str:
    assert isinstance(node, ast.Import)
    return node.names[0].asname or node.names[0].name


def _quoted(text: str) -> str:
    """As Python writes it; what a file or a terminal cannot hold is escaped."""
    return visible(json.dumps(text, ensure_ascii=False))
