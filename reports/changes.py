"""What changed between journals, on the terminal, as Markdown and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports import html
from reports.compare import TRANSITIONS, Change, Pair, Transition
from reports.evidence import gist
from reports.markdown import fenced, plain, row
from reports.summary import Run, runs
from reports.text import counted, one_line

_SYMBOLS: Final = {"good": "✓", "bad": "✗", "known": "✗", "open": "?", "quiet": "–"}


@dataclass(frozen=True)
class Group:
    """The cases of one clause that changed in the same way, under the first of them."""

    lead: Change
    cases: tuple[str, ...]

    @property
    def name(self) -> str:
        """The case, or the clause and the number of its cases."""
        return one_line(self.lead.case if len(self.cases) == 1 else f"{self.lead.clause}, {len(self.cases)} cases")

    @property
    def account(self) -> str:
        """What the later run says, or the earlier one of a case that is gone."""
        item = self.lead.head or self.lead.base
        return one_line(gist(item)) if item and item.verdict not in ("pass", "declined") else ""

    @property
    def script(self) -> str:
        """The script of the later failure."""
        return str(self.lead.head.record.get("script") or "") if self.lead.head else ""


@dataclass(frozen=True)
class Series:
    """The runs of one engine, the earliest first, each compared with the one before it.

    lost: the last runs of an engine that a later folder lacks.
    """

    runs: tuple[Run, ...]
    lost: tuple[Run, ...] = ()

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Each run and the next one."""
        return tuple(Pair(base, head) for base, head in pairwise(self.runs))

    @property
    def name(self) -> str:
        """`torch`, or the two names that are compared."""
        return " and ".join(dict.fromkeys(run.journal.engine for run in self.runs))

    @property
    def trend(self) -> list[tuple[str, list[tuple[str, int, float]]]]:
        """For each run its label and its bar: tone, number of cases, and the part of the longest bar."""
        longest = max(run.tally.total for run in self.runs)
        return [(run.label, [(tone, n, 100 * n / longest) for tone, n in _bar(run) if n]) for run in self.runs]


def _bar(run: Run) -> Iterator[tuple[str, int]]:
    tally = run.tally
    passed, declined = tally.verdicts["pass"], tally.verdicts["declined"]
    yield from (("good", passed), ("bad", tally.failed), ("quiet", declined))
    yield "open", tally.total - passed - tally.failed - declined


def in_a_row(journals: Sequence[Journal]) -> list[Series]:
    """The journals as one series, whatever their engines."""
    return [Series(tuple(runs(journals)))]


def by_engine(groups: Sequence[Sequence[Journal]]) -> list[Series]:
    """The journals of each step, put together by engine, of which a step has one at most."""
    labelled = iter(runs([journal for group in groups for journal in group]))
    steps = [[next(labelled) for _ in group] for group in groups]
    names = dict.fromkeys(run.journal.engine for step in steps for run in step)
    return [_of(name, steps) for name in names]


def _of(name: str, steps: Sequence[Sequence[Run]]) -> Series:
    found = [next((run for run in step if run.journal.engine == name), None) for step in steps]
    present = tuple(run for run in found if run)
    return Series(present, () if found[-1] else present[-1:])


def groups(pair: Pair, transition: Transition) -> list[Group]:
    """The changes of one kind, those of a clause with the same verdicts together."""
    together: dict[tuple[str, str], list[Change]] = {}
    for change in pair.of(transition):
        together.setdefault((change.clause, change.verdicts), []).append(change)
    return [Group(changes[0], tuple(change.case for change in changes)) for changes in together.values()]


def text(found: Sequence[Series]) -> str:
    """What changed, for a terminal."""
    return "\n".join(line for one in found for line in _lines(one)) + "\n"


def _lines(one: Series) -> Iterator[str]:
    for pair in one.pairs:
        yield f"{pair.base.headline}"
        yield f"{pair.head.headline}"
        yield from (f"  note: {remark}" for remark in pair.remarks)
        for transition in TRANSITIONS:
            if changed := groups(pair, transition):
                yield f"  {transition.words}: {counted(len(pair.of(transition)), 'case')}"
                yield from (f"    {group.name}  ({group.lead.verdicts})" for group in changed)
                yield from (f"      {group.account}" for group in changed[:1] if group.account)
        yield from (f"  chosen otherwise: {it.name}: {it.base} → {it.head}" for it in pair.conventions)
        if not (pair.changes or pair.conventions):
            yield "  nothing changed"
        yield ""
    yield from (f"{run.label}: has disappeared as a whole" for run in one.lost)


def markdown(found: Sequence[Series]) -> str:
    """What changed, as a summary of a CI job."""
    return "\n".join(line for one in found for line in _markdown(one)) + "\n"


def _markdown(one: Series) -> Iterator[str]:
    for pair in one.pairs:
        yield f"## {plain(pair.base.label)} → {plain(pair.head.label)}\n"
        yield row(["", "passed", "failed", "declined", "of"])
        yield row(["---"] * 5)
        for run in (pair.base, pair.head):
            counts = (run.tally.verdicts["pass"], run.tally.failed, run.tally.verdicts["declined"], run.tally.total)
            yield row([plain(run.label), *map(str, counts)])
        yield ""
        yield from (f"> {plain(remark)}\n" for remark in pair.remarks)
        for transition in TRANSITIONS:
            if changed := groups(pair, transition):
                yield f"### {transition.words}: {counted(len(pair.of(transition)), 'case')}\n"
                for group in changed:
                    said = f": {plain(group.account)}" if group.account else ""
                    yield f"- {plain(group.name)} ({plain(group.lead.verdicts)}){said}"
                yield ""
                if transition.regression and changed[0].script:
                    yield fenced(changed[0].script, "python")
        if pair.conventions:
            yield "### chosen otherwise\n"
            yield from (f"- {plain(it.name)}: {plain(it.base)} → {plain(it.head)}" for it in pair.conventions)
            yield ""
        if not (pair.changes or pair.conventions):
            yield "Nothing changed.\n"
    yield from (f"**{plain(run.label)} has disappeared as a whole.**\n" for run in one.lost)


def page(found: Sequence[Series]) -> str:
    """What changed, as a page that stands alone; of more than two runs with a trend."""
    title = f"{' and '.join(one.name for one in found)} – changes – autograd conformance"
    template = html.environment().get_template("compare.html.j2")
    return template.render(
        title=title, found=found, transitions=TRANSITIONS, groups=groups, verdicts=VERDICTS, symbols=_SYMBOLS
    )
