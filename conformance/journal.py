"""The journal: raw records of one engine's run, as JSON lines.

A header, one record a case, a footer with the counts. A journal without a footer is incomplete. Only the harness writes
journals; reports, gate and comparison are pure functions of them, so everything they show is in here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.errors import JournalError
from conformance.files import writing
from conformance.verdict import VERDICTS

SCHEMA: Final = 1
# What every record of a kind has, and of which type.
_FIELDS: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    "header": {
        "schema": int,
        "suite": dict,
        "engine": dict,
        "profile": str,
        "seed": int,
        "platform": str,
        "started": str,
        "selected": int,
        "clauses": dict,
    },
    "case": {
        "case": str,
        "clause": str,
        "verdict": str,
        "message": str,
        "seconds": (int, float),
        "programs": int,
        "compared": int,
    },
    "footer": {"counts": dict},
}

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Journal:
    """What one engine's run left behind.

    `header`: schema, suite {version, digest}, engine {name, version, language, python, shape, lines, speaks}, profile, seed,
    shard, expectations (their folder; empty: ours), platform, started (ISO 8601), command, specified and selected (numbers
    of cases), operators {name: offered} and clauses {id: {chapter, sentence, level, source, mutant, dialect}}. `cases`: one
    mapping a case. `footer`: counts by verdict, seconds; None when the run did not end.
    """

    header: Record
    cases: tuple[Record, ...]
    footer: Record | None

    @property
    def complete(self) -> bool:
        """True when the run wrote its footer, the footer counts every record, and each selected case has one record."""
        counted = self.footer is not None and self.footer["counts"] == Counter(r["verdict"] for r in self.cases)
        return counted and len({record["case"] for record in self.cases}) == len(self.cases) == self.header["selected"]

    @property
    def engine(self) -> str:
        """The engine's name."""
        return str(self.header["engine"]["name"])


class JournalWriter:
    """Writes one journal, a line at a time, flushed: what was recorded survives the harness being killed."""

    def __init__(self, path: Path, header: Record) -> None:
        """Creates `path` and writes the header; raises `UsageError` when it cannot be written."""
        self.path = path
        self._counts: dict[str, int] = {}
        with writing(path):
            self._file = path.open("w", encoding="utf-8")
        self._line({"record": "header", "schema": SCHEMA, **header})

    def case(self, record: Record) -> None:
        """Appends the record of one case."""
        self._counts[record["verdict"]] = self._counts.get(record["verdict"], 0) + 1
        self._line({"record": "case", **record})

    def footer(self, **facts: Any) -> None:
        """Appends the footer, which makes the journal complete."""
        self._line({"record": "footer", "counts": self._counts, **facts})

    def close(self) -> None:
        """Closes the file; without a footer the journal stays incomplete."""
        self._file.close()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self, record: Record) -> None:
        # ensure_ascii keeps lone surrogates, which UTF-8 cannot hold, as escapes.
        self._file.write(json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n")
        self._file.flush()


def read_journal(path: Path) -> Journal:
    """Reads one journal; raises `JournalError` when `path` is unreadable or is not a journal.

    A last line that was cut off by a kill is dropped: such a journal has no footer and is incomplete.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as reason:
        raise JournalError(f"cannot read the journal {path}: {reason}") from None
    records = list(_parsed(path, lines))
    if not records or records[0].get("record") != "header" or records[0].get("schema") != SCHEMA:
        raise JournalError(f"{path} is not a journal of schema {SCHEMA}: its first line is not such a header")
    for number, record in enumerate(records, start=1):
        _check(path, number, record)
    cases = tuple(record for record in records if record["record"] == "case")
    footer = records[-1] if records[-1]["record"] == "footer" else None
    return Journal(records[0], cases, footer)


def _parsed(path: Path, lines: list[str]) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            if number == len(lines) and number > 1:
                return
            raise JournalError(f"{path}, line {number}: not JSON; is this a journal?") from None
        if not isinstance(record, dict):
            raise JournalError(f"{path}, line {number}: not a record")
        yield record


def _check(path: Path, number: int, record: Record) -> None:
    kind = record.get("record")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise JournalError(f"{path}, line {number}: unknown kind of record {kind!r}")
    wrong = [key for key, of in _FIELDS[kind].items() if not isinstance(record.get(key), of)]
    if kind == "header" and not wrong and "name" not in record["engine"]:
        wrong = ["engine's name"]
    if wrong:
        raise JournalError(f"{path}, line {number}: the {kind} lacks {', '.join(wrong)}")
    if kind == "case" and record["verdict"] not in VERDICTS:
        raise JournalError(f"{path}, line {number}: unknown verdict {record['verdict']!r}")
