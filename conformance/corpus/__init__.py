"""The corpus: small programs that once showed a fault, kept so that no engine shows it unnoticed again.

One JSON file each, named after what it shows: `about` in a sentence, `kind`, where it came from (`engine` and `fault`), the
verdict of a right engine, and the program with its expectations. They are judged first in every run, and `replay` takes them as
they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.errors import ConformanceError
from conformance.judge import RELATIONS
from conformance.program import Program

FOLDER: Final = Path(__file__).resolve().parent
KINDS: Final = ("functional", "protocol")
_FIELDS: Final = ("about", "kind", "engine", "fault", "verdict", "witness")


@dataclass(frozen=True)
class CorpusEntry:
    """One witness: `engine` with `fault` (a mutant's name, or a release and what was wrong with it) fails `program`."""

    name: str
    about: str
    kind: str
    engine: str
    fault: str
    program: Program


def corpus(folder: Path = FOLDER) -> tuple[CorpusEntry, ...]:
    """Every entry, by name; raises ConformanceError when a file is none."""
    return tuple(_entry(path) for path in sorted(folder.glob("*.json")))


def _entry(path: Path) -> CorpusEntry:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entry = _checked(path.stem, data)
    except (OSError, ValueError, LookupError, TypeError, ConformanceError) as reason:
        raise ConformanceError(f"{path} is no entry of the corpus: {reason}") from None
    return entry


def _checked(name: str, data: Mapping[str, Any]) -> CorpusEntry:
    if list(data) != list(_FIELDS) or not all(data.values()):
        raise ValueError(f"it must have {', '.join(_FIELDS)}, in this order, none empty")
    if data["kind"] not in KINDS or data["verdict"] != "pass":
        raise ValueError(f"its kind is one of {', '.join(KINDS)}, and a right engine's verdict is pass")
    program = Program.from_json(data["witness"])
    expectations = [it for _, it in program.walk() if it.verb == "expect"]
    if not expectations or any(it.options.get("relation") not in RELATIONS for it in expectations):
        raise ValueError("its program expects nothing, or in a way that the judge does not know")
    return CorpusEntry(name, data["about"], data["kind"], data["engine"], data["fault"], program)


def as_text(entry: CorpusEntry) -> str:
    """The file of an entry: a line a field, and a line an instruction."""
    program = entry.program.to_json()
    lines = [f'  "instructions": [\n{_lines(program.pop("instructions"))}\n  ]']
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in program.items()] + lines
    fields = {"about": entry.about, "kind": entry.kind, "engine": entry.engine, "fault": entry.fault, "verdict": "pass"}
    texts = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items()]
    return "{\n" + ",\n".join([*texts, ' "witness": {\n' + ",\n".join(lines) + "\n }"]) + "\n}\n"


def _lines(instructions: list[dict[str, Any]]) -> str:
    return ",\n".join(f"   {json.dumps(it)}" for it in instructions)
