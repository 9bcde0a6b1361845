"""Rows of refusals that a run teaches: the engine's own exceptions, which no row mapped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from conformance.journal import Record
from conformance.judge import head
from conformance.program import Program

Row = tuple[str, str, str]

_RAISED: Final = re.compile(r"(?:refused: )?(\w+): (.*)", re.S)
# What Python says of itself: a mistake in the engine or in a spelling, never the engine's way to refuse.
_SLIP: Final = re.compile(
    r"'[\w.]+' object |unsupported operand|name '\w+' is not defined|cannot unpack"
    r"|.*(positional argument|keyword argument|index out of range)"
)
# A spelling that cannot be filled in is a mistake of the adapter.
_OURS: Final = ("Misspelt",)


def learnt(records: Iterable[Record]) -> tuple[Row, ...]:
    """The rows that would map what ended cases as `error`: of the kind that was awaited, else `unsupported`.

    That an exception refuses what was awaited is a guess. One in which Python speaks of itself is taken for no refusal.
    Rows of `unsupported` excuse nothing: such a case is red, as the engine's own.
    """
    rows = [row for record in records if record["verdict"] == "error" for row in _rows(record)]
    rows.sort(key=lambda row: row[0] == "unsupported")
    return tuple({row[1:]: row for row in reversed(rows)}.values())[::-1]


def _rows(record: Record) -> Iterator[Row]:
    raised = _RAISED.match(record.get("got") or "")
    if raised is None or "witness" not in record or raised[1] in _OURS:
        return
    its = dict(Program.from_json(record["witness"]).walk())
    it = its.get(int(record["at"])) if record.get("at") is not None else None
    # An exception while something was only being read is a mistake of the adapter, too.
    if it is None or (it.verb == "expect" and it.options["observe"] != "outcome"):
        return
    refuses = it.verb == "expect" and not _SLIP.match(raised[2])
    kind = _awaited(it.options.get("value") or {}) if refuses else "unsupported"
    yield kind, raised[1], head(next(iter(raised[2].splitlines()), ""))


def _awaited(wanted: dict[str, object]) -> str:
    choices = wanted.get("choices", [wanted])
    assert isinstance(choices, list)
    return next((str(choice["kind"]) for choice in choices if choice.get("kind")), "unsupported")
