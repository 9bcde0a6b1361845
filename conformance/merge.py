"""Shards of one run become one journal again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.errors import JournalError
from conformance.journal import Journal, JournalWriter

# What shards of one run share, in words. A runner of another kernel is no other run: platforms may differ.
_SHARED: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "the engine": lambda header: header["engine"],
    "the suite": lambda header: header["suite"],
    "the profile": lambda header: header["profile"],
    "the seed": lambda header: header["seed"],
    "the selection": lambda header: header.get("select"),
}
# What the header of a shard says of that shard alone: its command writes a part, and would not make the whole again.
_OF_A_SHARD: Final = ("record", "command")
_SUMS: Final = ("seconds", "programs", "examined")


def merge(shards: Mapping[Path, Journal], out: Path) -> None:
    """Writes the journal of the whole run; raises JournalError when `shards` are not all the shards of one run, each once."""
    journals = _in_order(shards)
    header = {key: value for key, value in journals[0].header.items() if key not in _OF_A_SHARD}
    header |= {
        "shard": "1/1",
        "selected": sum(journal.header["selected"] for journal in journals),
        "platform": ", ".join(dict.fromkeys(journal.header["platform"] for journal in journals)),
        "started": min(journal.header["started"] for journal in journals),
        "clauses": _clauses(journals),
    }
    footers = [journal.footer for journal in journals if journal.footer]
    with JournalWriter(out, header) as writer:
        for record in (record for journal in journals for record in journal.cases):
            writer.case({key: value for key, value in record.items() if key != "record"})
        writer.footer(**_totals(footers))


def _in_order(shards: Mapping[Path, Journal]) -> list[Journal]:
    """The shards, the first first; raises JournalError for whatever would make the whole a lie."""
    first_path, first = next(iter(shards.items()))
    for path, journal in shards.items():
        if not journal.complete:
            raise JournalError(f"{path} is incomplete; run that shard again")
        for what, of in _SHARED.items():
            if of(journal.header) != of(first.header):
                raise JournalError(
                    f"{what} of {path} is not that of {first_path}: they are no shards of one run; merge those of one run"
                )
    placed: dict[int, Path] = {}
    counts = set()
    for path, journal in shards.items():
        index, count = _place(path, journal)
        if index in placed:
            raise JournalError(f"{path} and {placed[index]} are the same shard, {index}/{count}; give each one once")
        placed[index] = path
        counts.add(count)
    if len(counts) > 1:
        raise JournalError(f"the run was cut into {_listed(counts)} shards; merge those of one run")
    (count,) = counts
    if missing := set(range(1, count + 1)) - set(placed):
        raise JournalError(f"shard {_listed(missing)} of {count} is missing; give the journals of all shards")
    cases = Counter(record["case"] for journal in shards.values() for record in journal.cases)
    if twice := [case for case, count in cases.items() if count > 1]:
        raise JournalError(f"{twice[0]} is in two shards, and {len(twice) - 1} other cases; merge those of one run")
    return [shards[placed[index]] for index in sorted(placed)]


def _place(path: Path, journal: Journal) -> tuple[int, int]:
    index, _, count = str(journal.header.get("shard", "")).partition("/")
    if not (index.isdigit() and count.isdigit()):
        raise JournalError(f"{path} does not say which shard it is")
    return int(index), int(count)


def _clauses(journals: Sequence[Journal]) -> dict[str, Any]:
    """The clauses of all shards, in the specification's order as far as the shards tell it."""
    from conformance.clause import specification

    known = {name: facts for journal in journals for name, facts in journal.header["clauses"].items()}
    return {name: known[name] for name in dict.fromkeys([*specification(), *known]) if name in known}


def _totals(footers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums of times and programs; where the time went, in proportion."""
    totals: dict[str, Any] = {
        key: round(sum(footer.get(key, 0) for footer in footers), 2)
        for key in _SUMS
        if any(key in footer for footer in footers)
    }
    weighted = Counter[str]()
    for footer in footers:
        for part, share in footer.get("shares", {}).items():
            weighted[part] += share * footer.get("examined", 0.0)
    if whole := sum(weighted.values()):
        totals["shares"] = {part: round(seconds / whole, 3) for part, seconds in weighted.items()}
    return totals


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
