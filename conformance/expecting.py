"""Keeps a file of expectations in step with journals: what passes now leaves it, and what fails enters it with a reason."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.items import AoT

from conformance.clause import selected
from conformance.errors import UsageError
from conformance.expectations import DEFAULT_KIND, EXPECTABLE
from conformance.files import write
from conformance.gate import Settled, settle
from conformance.journal import Journal
from conformance.proof import last_line
from conformance.verdict import VERDICTS, worst

# As a script: that of the smallest witness.
WITNESS: Final = "witness"
_HEADING: Final = "# Why {engine} may differ from the specification."
# What TOML admits only as an escape; of a carriage return it would make a newline.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_KEYS: Final = ("kind", "link", "script", "prints")


@dataclass(frozen=True)
class Cause:
    """Why cases fail: a sentence, what kind of cause it is, and a link, or a script and what its last line prints.

    What is empty is not said. without: the keys that random programs are drawn without, in spite of the failure.
    """

    reason: str
    link: str = ""
    script: str = ""
    prints: str = ""
    kind: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """The file before and after, and the ids of cases, by what becomes of them.

    kept: the file explained them before the journal knew. unexplained: a reason is wanting. inexpectable: no file can hold
    them, with the exit code of each.
    """

    path: Path
    before: str
    after: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    kept: tuple[str, ...]
    unexplained: tuple[str, ...]
    inexpectable: Mapping[str, int]

    @property
    def exit_code(self) -> int:
        """0 when the file is in step, else 1, or what the worst of the failures that no file can hold ends a run with."""
        return worst([int(bool(self.unexplained)), *self.inexpectable.values()])

    def diff(self) -> str:
        """The change as a patch."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), str(self.path), str(self.path)
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Writes the file; raises UsageError when it cannot be written."""
        write(self.path, self.after)


def update(
    journal: Journal, folder: Path, globs: Sequence[str], cause: Cause | None, python: str = sys.executable
) -> Update:
    """What becomes of the file of the journal's engine. Without a cause it only shrinks.

    globs: only cases that match; all, if there is none. What is written between the rows, comments too, stays. A new cause's
    script is run by `python`. Raises UsageError when it does not print what the cause says, when the file has the reason with
    another cause, and when no row can hold the cause's `without`.
    """
    path = folder / f"{journal.engine}.toml"
    before, document = _read(path, journal.engine)
    surprises = [
        item for item in settle(journal) if item.surprise and selected(globs, item.case, str(item.record["clause"]))
    ]
    failing = [item for item in surprises if item.verdict != "pass"]
    expectable = [item for item in failing if _expectable(item)]
    rows = {str(row["id"]): row for known in document.get("cause", []) for row in known["case"]}
    kept = [item for item in expectable if _explained(rows.get(item.case), item)]
    new = [item for item in expectable if item not in kept]
    if cause and cause.without and not any("generated" in item.record for item in new):
        raise UsageError(f"--without is for cases of random programs, and none of {journal.engine} is added")
    # A row of another verdict is wrong, but without a reason for the new one it waits.
    stale = [item.case for item in surprises if item.verdict == "pass" or (cause and item in new)]
    removed = _remove(document, stale)
    if cause and new:
        _add(document, journal, cause, [(item, _without(cause, item, rows.get(item.case))) for item in new], python)
    return Update(
        path,
        before,
        tomlkit.dumps(document) if removed or (cause and new) else before,
        removed=tuple(removed),
        added=tuple(item.case for item in new) if cause else (),
        kept=tuple(item.case for item in kept),
        unexplained=() if cause else tuple(item.case for item in new),
        inexpectable={
            f"{item.case} ({_why_not(item)})": VERDICTS[item.verdict].exit_code
            for item in failing
            if item not in expectable
        },
    )


def _expectable(item: Settled) -> bool:
    """Whether a row can say so: of a failure it needs the witness."""
    return item.verdict in EXPECTABLE and (item.verdict == "declined" or "witness" in item.record)


def _why_not(item: Settled) -> str:
    return f"{item.verdict} without a witness" if item.verdict in EXPECTABLE else item.verdict


def _explained(row: Mapping[str, Any] | None, item: Settled) -> bool:
    """Whether the file's row speaks of this very failure, so that the journal is only older than the row.

    Beside a row with `without`, another witness of the same verdict is a new failure.
    """
    if row is None or item.expected or row.get("verdict") != item.verdict:
        return False
    return not row.get("without") or row.get("witness") == _witness(item.record)


def _without(cause: Cause, item: Settled, row: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The keys of a new row: those of the cause, where programs are drawn, and those of the fault that was known before."""
    if not cause.without or "generated" not in item.record:
        return ()
    return tuple(dict.fromkeys([*map(str, (row or {}).get("without", ())), *cause.without]))


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


def _add(
    document: tomlkit.TOMLDocument,
    journal: Journal,
    cause: Cause,
    items: Sequence[tuple[Settled, tuple[str, ...]]],
    python: str,
) -> None:
    """Puts the rows of `items` into the cause that has this reason, or into a new one at the end."""
    if "cause" not in document:
        document["cause"] = tomlkit.aot()
    causes = document["cause"]
    assert isinstance(causes, AoT)
    known = next((it for it in causes if str(it["reason"]).strip() == cause.reason.strip()), None)
    if known is None:
        causes.append(_cause(_shown(cause, journal, [item for item, _ in items], python)))
        known = causes[-1]
    elif other := [key for key in _KEYS if _differs(key, cause, known)]:
        raise UsageError(f"the file has this reason with another {other[0]}; give that, or another reason")
    rows = known["case"]
    assert isinstance(rows, AoT)
    for item, without in sorted(items, key=lambda pair: pair[0].case):
        rows.append(_row(item, without))


def _differs(key: str, cause: Cause, known: Mapping[str, Any]) -> bool:
    """Whether the cause says something that the file's, which has the same reason, does not."""
    said = str(getattr(cause, key)).strip()
    there = str(known.get(key, DEFAULT_KIND if key == "kind" else "")).strip()
    return said not in ("", there, WITNESS if key == "script" and there else "")


def _shown(cause: Cause, journal: Journal, items: Sequence[Settled], python: str) -> Cause:
    """The cause with its script and what that prints, which is tried.

    Raises UsageError when it is not what the cause says.
    """
    script = _smallest(items) if cause.script == WITNESS else cause.script
    if not script:
        return cause
    seen = last_line(script, journal, python)
    if cause.prints.strip() not in ("", seen):
        raise UsageError(f"the script prints {seen}, and not {cause.prints.strip()}")
    return replace(cause, script=script, prints=seen)


def _smallest(items: Sequence[Settled]) -> str:
    """The script of the smallest witness; raises UsageError when no case has one."""
    records = [item.record for item in items if item.record.get("script")]
    if not records:
        raise UsageError(f"--script {WITNESS}: no case has a witness with a script; write one")
    return str(min(records, key=lambda record: (record["instructions"], str(record["case"])))["script"])


def _cause(cause: Cause) -> tomlkit.items.Table:
    table = tomlkit.table()
    for key, text in {"reason": cause.reason, **{key: getattr(cause, key) for key in _KEYS}}.items():
        if said := text or (DEFAULT_KIND if key == "kind" else ""):
            table[key] = _text(said)
    table["case"] = tomlkit.aot()
    return table


def _row(item: Settled, without: Sequence[str]) -> tomlkit.items.Table:
    row = tomlkit.table()
    row["id"], row["verdict"] = item.case, item.verdict
    if without:
        row["without"] = list(without)
    if witness := _witness(item.record):
        row["witness"] = _literal(witness)
    return row


def _witness(record: Mapping[str, Any]) -> str | None:
    return json.dumps(record["witness"], separators=(",", ":")) if "witness" in record else None


def _text(text: str) -> Any:
    return _literal(f"\n{text.strip()}\n") if "\n" in text.strip() else text.strip()


def _literal(text: str) -> Any:
    """Between three quotes, as it is, where the text allows it; else with escapes."""
    return text if "'''" in text or _CONTROL.search(text) else tomlkit.value(f"'''{text}'''")
