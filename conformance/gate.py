"""The gate: from raw records to settled verdicts, and from those to an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.journal import Journal, Record
from conformance.verdict import EXPLAINABLE, ROOT_CAUSES, VERDICTS, worst

# A suite that leaves more than this share of a chapter open is itself at fault: of its cases, of its numbers, of its sketches.
INCONCLUSIVE_SHARE: Final = 0.10
OPEN_OUTCOMES: Final = ("undecided", "too wide")
# What a run ends with, beside verdicts against expectation, in words.
_WHOLE: Final[Mapping[int, str]] = {
    3: "the adapter or the suite is at fault",
    6: "the journal is incomplete",
    5: "nothing was judged",
}


@dataclass(frozen=True)
class Settled:
    """One case with its final verdict.

    `blocked_by`: the case ids of the root causes that explain it (then `verdict` is blocked). `blocks`: how many cases this
    one blocks. `expected`: the committed expectation (verdict, reason, link) or None. `surprise`: the verdict stands
    against expectation.
    """

    record: Record
    verdict: str
    blocked_by: tuple[str, ...]
    blocks: int
    expected: Mapping[str, Any] | None
    surprise: bool

    @property
    def case(self) -> str:
        """The case id, `chapter/name[parameters]`."""
        return str(self.record["case"])

    @property
    def chapter(self) -> str:
        """The first part of the clause id."""
        return str(self.record["clause"]).split("/")[0]


def settle(journal: Journal) -> list[Settled]:
    """Settles every case of `journal`: root causes first, sorted by how many cases they block, then by id."""
    explained = _explained(journal)
    blocks = Counter(cause for causes in explained.values() for cause in causes)
    settled = [_settled(record, explained.get(record["case"], ()), blocks) for record in journal.cases]
    return sorted(settled, key=lambda item: (item.verdict not in ROOT_CAUSES, -item.blocks, item.case))


def _explained(journal: Journal) -> dict[str, tuple[str, ...]]:
    """The causes of each case whose chain of causes ends in a failure that nothing explains.

    Cases that explain each other in a circle, and nothing else, stay failures: something must be red.
    """
    # An expectation is about its case alone: it is not explained away by another, and a known fault excuses no unknown one.
    unexpected = [record for record in journal.cases if not record.get("expectation")]
    roots = {record["case"]: record for record in unexpected if record["verdict"] in ROOT_CAUSES}
    open_cases = [record for record in unexpected if record["verdict"] in EXPLAINABLE]
    causes = {record["case"]: _causes(record, roots) for record in open_cases}
    grounded = {case for case in roots if not causes.get(case)}
    explained: dict[str, tuple[str, ...]] = {}
    while found := {c: by for c, by in causes.items() if c not in explained and not grounded.isdisjoint(by)}:
        explained |= found
        grounded |= found.keys()
    return {case: tuple(cause for cause in by if cause in grounded) for case, by in explained.items()}


def _causes(record: Record, roots: Mapping[str, Record]) -> tuple[str, ...]:
    """The failed cases that explain this one: of the operators in its witness, and those that its clause stands on.

    A witness is evidence, a declaration is not: a declared prerequisite that failed by using this very case explains nothing.
    """
    used = [case for case in record.get("uses", ()) if case in roots and case != record["case"]]
    declared = [case for case in record.get("stands_on", ()) if case in roots]
    return (*used, *(case for case in declared if record["case"] not in roots[case].get("uses", ())))


def _settled(record: Record, blocked_by: tuple[str, ...], blocks: Counter[str]) -> Settled:
    expected = record.get("expectation")
    verdict = "blocked" if blocked_by else record["verdict"]
    return Settled(record, verdict, blocked_by, blocks[record["case"]], expected, surprising(verdict, expected))


def surprising(verdict: str, expected: Mapping[str, Any] | None) -> bool:
    """Whether a verdict stands against expectation: the committed one, or that nothing is wrong."""
    return verdict != expected["verdict"] if expected else VERDICTS[verdict].exit_code != 0


@dataclass(frozen=True)
class Decision:
    """What the gate decides about one or several journals: the exit code, and a sentence for each reason."""

    exit_code: int
    reasons: tuple[str, ...]


def decide(journals: Sequence[Journal]) -> Decision:
    """Decides about `journals`; 0 conforms, 1 against expectation, 3 suite at fault, 6 incomplete; 3 wins over 6 over 1."""
    findings = [finding for journal in journals for finding in _findings(journal)]
    return Decision(worst(code for code, _ in findings), tuple(sentence for _, sentence in findings))


def _findings(journal: Journal) -> list[tuple[int, str]]:
    surprises = (item for item in settle(journal) if item.surprise)
    return whole_run(journal) + [
        (VERDICTS[item.verdict].exit_code or 1, _surprise(journal.engine, item)) for item in surprises
    ]


def whole_run(journal: Journal) -> list[tuple[int, str]]:
    """What is wrong with a run as a whole, each with its exit code: incomplete, or a chapter that the suite cannot decide."""
    found = []
    if not journal.complete:
        found.append((6, f"{journal.engine}: the journal is incomplete, {len(journal.cases)} cases were recorded"))
    if journal.cases and all(record["verdict"] == "declined" for record in journal.cases):
        found.append((5, f"{journal.engine}: nothing was judged, all {len(journal.cases)} cases are declined"))
    return found + _undecided(journal)


def _surprise(engine: str, item: Settled) -> str:
    sentence = f"{engine}: {item.verdict} {item.case}"
    if item.expected:
        sentence += f", but {item.expected['verdict']} is expected; update the expectation"
    return ": ".join([sentence, *_said(item)])


def _said(item: Settled) -> list[str]:
    """What the record says of its verdict: what happened, and of a failure what was expected and what was got."""
    record = item.record
    if item.verdict == "pass" or not record.get("message"):
        return []
    compared = item.verdict == "fail" and record.get("expected") and record.get("got")
    return [record["message"] + (f": expected {record['expected']}, got {record['got']}" if compared else "")]


def conclusion(journal: Journal) -> str:
    """The decision about one journal as a sentence: it conforms, or why it does not."""
    from reports.text import counted

    surprises = sum(item.surprise for item in settle(journal))
    codes = {code for code, _ in _findings(journal)}
    why = [f"{counted(surprises, 'case')} against expectation"] if surprises else []
    why += [words for code, words in _WHOLE.items() if code in codes]
    return f"{journal.engine} does not conform: {', '.join(why)}" if why else f"{journal.engine} conforms"


def remarks(journal: Journal) -> list[str]:
    """What the decision does not look at: cases that were not selected, and random programs that a known fault left undrawn."""
    from reports.text import counted

    selected, specified = journal.header["selected"], journal.header.get("specified", 0)
    undrawn = sum(map(_undrawn, settle(journal)))
    said = [f"only {selected} of {specified} cases were selected"] if selected < specified else []
    if undrawn:
        said.append(f"{counted(undrawn, 'expected case')} drew no program: name the operators with `without`")
    return [f"{journal.engine}: {remark}" for remark in said]


def _undrawn(item: Settled) -> bool:
    """Whether this is a case of random programs whose witness alone was replayed: it can show no other fault."""
    asked = item.expected and not item.surprise and item.verdict != "declined"
    return bool(asked) and not item.record.get("generated", {"programs": 1})["programs"]


def _undecided(journal: Journal) -> list[tuple[int, str]]:
    return [(3, sentence) for kind in _OPEN for sentence in _too_many(journal, *kind)]


def _too_many(journal: Journal, what: str, state: str, counted: Callable[[Record], tuple[int, int]]) -> list[str]:
    """A sentence for each part of the specification of which too large a share is left open."""
    left, total = Counter[str](), Counter[str]()
    for record in journal.cases:
        part, (some, of_all) = _part(record), counted(record)
        left[part] += some
        total[part] += of_all
    return [
        f"{journal.engine}: {count} of {total[part]} {what} of {part} are {state}, the suite is at fault"
        for part, count in left.items()
        if count > INCONCLUSIVE_SHARE * total[part]
    ]


def _part(record: Record) -> str:
    """A chapter; of random programs the clause, so that the one kind of them does not hide the other."""
    clause = str(record["clause"])
    return clause if "generated" in record else clause.split("/")[0]


def _cases(record: Record) -> tuple[int, int]:
    return int(record["verdict"] == "inconclusive"), 1


def _numbers(record: Record) -> tuple[int, int]:
    outcomes: Mapping[str, int] = record.get("outcomes") or {}
    return sum(outcomes.get(name, 0) for name in OPEN_OUTCOMES), sum(outcomes.values())


def _sketches(record: Record) -> tuple[int, int]:
    generated: Mapping[str, Any] = record.get("generated") or {"programs": 0, "unwritable": {}}
    unwritable = sum(generated["unwritable"].values())
    return unwritable, unwritable + int(generated["programs"])


# What can be left open, in which words, and how many of how many are in one record.
_OPEN: Final = (
    ("cases", "inconclusive", _cases),
    ("numbers", " or ".join(OPEN_OUTCOMES), _numbers),
    ("sketches", "unwritable", _sketches),
)
