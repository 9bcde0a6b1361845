"""Witnesses, and the files that a run keeps them in, one a case: `replay` takes them up again."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from conformance.files import remove, write
from conformance.judge import Finding
from conformance.program import Program

FOLDER: Final = "witnesses"
_LONGEST: Final = 100
# What of a record a witness's file holds: what was wrong, and the program that shows it.
_KEPT: Final = ("case", "clause", "verdict", "message", "expected", "got", "why", "at", "also", "rerun", "witness")


@dataclass(frozen=True)
class Witness:
    """A program that shows a fault, and what was found of it, where that is known."""

    program: Program
    finding: Finding | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Witness:
        """The witness of a record, or of a file that has the program as its `witness`; or a program's own JSON."""
        known = {it.name: data[it.name] for it in fields(Finding) if it.name in data}
        finding = Finding(**known) if known.keys() >= {"verdict", "at", "message"} else None
        return cls(Program.from_json(data.get("witness", data)), finding)


def file_name(case: str) -> str:
    """A case's id as the name of a file that any file system takes: letters, digits, underscores, at most so long."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", case).strip("_")
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}_{zlib.crc32(case.encode('utf-8', 'replace')):08x}"
    return f"{name or 'case'}.json"


def save(folder: Path, engine: str, record: Mapping[str, Any]) -> Path:
    """Writes the witness of a case's record into `folder` and says where; raises UsageError when it cannot."""
    path = folder / file_name(str(record["case"]))
    kept = {"engine": engine, **{key: record[key] for key in _KEPT if key in record}}
    write(path, json.dumps(kept, indent=1) + "\n")
    return path


def forget(folder: Path) -> None:
    """Removes what an earlier run left in `folder`; raises UsageError when it cannot."""
    for path in folder.glob("*.json"):
        remove(path)
