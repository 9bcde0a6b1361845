"""Keeps a file of expectations in step with journals: what passes now leaves it, and what fails enters it with a reason."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.items import AoT

from conformance.clause import selected
from conformance.errors import UsageError
from conformance.expectations import EXPECTABLE
from conformance.files import write
from conformance.gate import Settled, settle
from conformance.journal import Journal

_HEADING: Final = "# Why {engine} may differ from the specification."


@dataclass(frozen=True)
class Cause:
    """Why cases fail: a sentence, what kind of cause it is, and a link, or a script and what its last line prints."""

    reason: str
    link: str = ""
    script: str = ""
    prints: str = ""
    kind: str = "fault"


@dataclass(frozen=True)
class Update:
    """The file before and after, and what it still lacks or cannot hold: the ids of cases, by why."""

    path: Path
    before: str
    after: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    unexplained: tuple[str, ...]
    inexpectable: tuple[str, ...]

    def diff(self) -> str:
        """The change as a patch."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), str(self.path), str(self.path)
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Writes the file; raises UsageError when it cannot be written."""
        write(self.path, self.after)


def update(journal: Journal, folder: Path, globs: Sequence[str], cause: Cause | None) -> Update:
    """What becomes of the file of the journal's engine. Without a cause it only shrinks.

    globs: only cases that match; all, if there is none. What is written between the rows, comments too, stays.
    """
    path = folder / f"{journal.engine}.toml"
    before, document = _read(path, journal.engine)
    surprises = [
        item for item in settle(journal) if item.surprise and selected(globs, item.case, str(item.record["clause"]))
    ]
    failing = [item for item in surprises if item.verdict != "pass"]
    expectable = [item for item in failing if item.verdict in EXPECTABLE]
    # A row of another verdict is wrong, but without a reason for the new one it waits.
    stale = [item.case for item in surprises if item.verdict == "pass" or (cause and item in expectable)]
    removed = _remove(document, stale)
    if cause and expectable:
        _add(document, cause, expectable)
    return Update(
        path,
        before,
        tomlkit.dumps(document) if removed or (cause and expectable) else before,
        removed=tuple(removed),
        added=tuple(item.case for item in expectable) if cause else (),
        unexplained=() if cause else tuple(item.case for item in expectable),
        inexpectable=tuple(f"{item.case} ({item.verdict})" for item in failing if item not in expectable),
    )


def _read(path: Path, engine: str) -> tuple[str, tomlkit.TOMLDocument]:
    """The file's text, and what it holds; raises UsageError when it is no file of expectations."""
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        document = tomlkit.parse(before or f"{_HEADING.format(engine=engine)}\n")
        for cause in document.get("cause", []):
            str(cause["reason"]), [row["id"] for row in cause["case"]]
        return before, document
    except (OSError, ValueError, LookupError, TypeError) as reason:
        raise UsageError(f"the expectations {path} cannot be read: {reason}") from None


def _remove(document: tomlkit.TOMLDocument, cases: Collection[str]) -> list[str]:
    """Takes the rows of `cases` out, and a cause with its last one; the ids of the rows that were there."""
    removed = []
    causes = document.get("cause", [])
    for index in reversed(range(len(causes))):
        rows = causes[index]["case"]
        for place in reversed(range(len(rows))):
            if rows[place]["id"] in cases:
                removed.append(str(rows[place]["id"]))
                del rows[place]
        if not len(rows):
            del causes[index]
    if "cause" in document and not len(causes):
        del document["cause"]
    return sorted(removed)


def _add(document: tomlkit.TOMLDocument, cause: Cause, items: Sequence[Settled]) -> None:
    """Puts the rows of `items` into the cause that has this reason, or into a new one at the end."""
    if "cause" not in document:
        document["cause"] = tomlkit.aot()
    causes = document["cause"]
    assert isinstance(causes, AoT)
    known = next((it for it in causes if it["reason"] == cause.reason), None)
    if known and any(getattr(cause, key) not in ("", known.get(key, "")) for key in ("link", "prints")):
        raise UsageError("the file has this reason with another link or script; give that, or another reason")
    if known is None:
        known = tomlkit.table()
        for key in ("reason", "kind", "link", "script", "prints"):
            if text := getattr(cause, key):
                known[key] = _text(text)
        known["case"] = tomlkit.aot()
        causes.append(known)
        known = causes[-1]
    rows = known["case"]
    assert isinstance(rows, AoT)
    for item in sorted(items, key=lambda item: item.case):
        rows.append(_row(item.record, item.verdict))


def _row(record: Mapping[str, Any], verdict: str) -> tomlkit.items.Table:
    row = tomlkit.table()
    row["id"], row["verdict"] = record["case"], verdict
    if "witness" in record:
        row["witness"] = _literal(json.dumps(record["witness"], separators=(",", ":")))
    return row


def _text(text: str) -> Any:
    return _literal(f"\n{text.strip()}\n") if "\n" in text.strip() else text.strip()


def _literal(text: str) -> Any:
    """Between three quotes, as it is, where the text allows it."""
    return text if "'''" in text else tomlkit.value(f"'''{text}'''")
