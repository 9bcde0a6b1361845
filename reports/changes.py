"""What changed between journals, on the terminal, as Markdown and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

from conformance.journal import Journal
from conformance.verdict import VERDICTS, worst
from reports import evidence, html, view
from reports.compare import TRANSITIONS, Pair
from reports.grouping import Group, groups
from reports.markdown import fenced, plain, row
from reports.summary import Run, runs
from reports.text import counted, one_line

_SYMBOLS: Final = {"good": "✓", "bad": "✗", "known": "✗", "open": "?", "quiet": "–"}
# The tone of a comparison, by its exit code.
_TONES: Final = {0: "good", 1: "bad", 6: "open"}
_COLUMNS: Final = ("passed", "failed", "blocked", "declined", "of")


@dataclass(frozen=True)
class Row:
    """The counts of a run, in the order of the columns, and what each has more than in the run before it."""

    engine: view.Engine
    counts: tuple[int, ...]
    more: tuple[int, ...]

    @property
    def cells(self) -> list[tuple[int, str]]:
        """Each count, and how it changed: `(230, "−14")`; nothing where it did not."""
        return [
            (count, f"{more:+,}".replace("-", "−") if more else "")
            for count, more in zip(self.counts, self.more, strict=True)
        ]


@dataclass(frozen=True)
class Series:
    """The runs of one engine, the earliest first, each compared with the one before it.

    appeared: the engine is not in the first folder. lost: it is not in the last one.
    """

    runs: tuple[Run, ...]
    appeared: bool = False
    lost: bool = False

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Each run and the next one."""
        return tuple(Pair(base, head) for base, head in pairwise(self.runs))

    @property
    def name(self) -> str:
        """`torch`, or the two names that are compared."""
        return " and ".join(dict.fromkeys(one_line(run.journal.engine) for run in self.runs))

    @property
    def news(self) -> list[tuple[str, str]]:
        """What is to be said of the engine as a whole: a tone, and a sentence."""
        first, last = self.runs[0], self.runs[-1]
        unfinished = "" if first.journal.complete else "; its journal is incomplete"
        appeared = [("open" if unfinished else "quiet", f"{first.label}: has appeared{unfinished}")]
        lost = [("bad", f"{last.label}: has disappeared as a whole")]
        return (appeared if self.appeared else []) + (lost if self.lost else [])

    @property
    def exit_code(self) -> int:
        """That of its pairs; 1 when the engine has disappeared, 6 when a journal is incomplete."""
        complete = all(run.journal.complete for run in self.runs)
        return worst([*(pair.exit_code for pair in self.pairs), 1 if self.lost else 0, 0 if complete else 6])

    @property
    def rows(self) -> list[Row]:
        """The counts of each run."""
        counts = [_counts(run) for run in self.runs]
        return [
            Row(view.engine(run), now, tuple(one - other for one, other in zip(now, before, strict=True)))
            for run, now, before in zip(self.runs, counts, [counts[0], *counts], strict=False)
        ]


def _counts(run: Run) -> tuple[int, ...]:
    verdicts = run.tally.verdicts
    return verdicts["pass"], run.tally.failed, verdicts["blocked"], verdicts["declined"], run.tally.total


def in_a_row(journals: Sequence[Journal], places: Sequence[str] = ()) -> list[Series]:
    """The journals as one series, whatever their engines; `places` are where they were found."""
    return [Series(tuple(_labelled(journals, places)))]


def by_engine(steps: Sequence[Sequence[Journal]], places: Sequence[str] = ()) -> list[Series]:
    """The journals of each step, put together by engine, of which a step has one at most."""
    where = [place for step, place in zip(steps, places, strict=False) for _ in step]
    labelled = iter(_labelled([journal for step in steps for journal in step], where))
    found = [{(run := next(labelled)).journal.engine: run for _ in step} for step in steps]
    names = dict.fromkeys(name for step in found for name in step)
    return [
        Series(tuple(step[name] for step in found if name in step), name not in found[0], name not in found[-1])
        for name in names
    ]


def _labelled(journals: Sequence[Journal], places: Sequence[str]) -> list[Run]:
    """The runs; those of one version are told apart by where they were found, if that does it, else by a number."""
    alone = [run for journal in journals for run in runs([journal])]
    names = [run.label for run in alone]
    labels = [
        f"{name} ({one_line(place)})" if names.count(name) > 1 else name
        for name, place in zip(names, places, strict=False)
    ]
    if len(set(labels)) < len(journals):
        return runs(journals)
    return [replace(run, label=label) for run, label in zip(alone, labels, strict=True)]


def text(found: Sequence[Series]) -> str:
    """What changed, for a terminal."""
    return "\n".join(line for one in found for line in _lines(one)) + "\n"


def _lines(one: Series) -> Iterator[str]:
    for pair in one.pairs:
        yield pair.base.headline
        yield pair.head.headline
        yield from (f"  note: {remark}" for remark in pair.remarks)
        yield from (f"  the gate: {gate}" for gate in _gate(pair))
        for transition in TRANSITIONS:
            if changed := groups(pair, transition):
                yield f"  {transition.words}: {counted(len(pair.of(transition)), 'case')}"
                yield from (line for group in changed for line in _group(group))
        yield from (f"  chosen otherwise: {it.name}: {it.base} → {it.head}" for it in pair.conventions)
        yield f"  {pair.sentence}"
        yield ""
    if one.appeared:
        yield one.runs[0].headline
    yield from (sentence for _, sentence in one.news)


def _group(group: Group) -> Iterator[str]:
    yield f"    {group.name}  ({group.verdicts})" + (f", {group.blocks}" if group.blocks else "")
    if group.account:
        yield f"      {group.account}"


def _gate(pair: Pair) -> list[str]:
    """`conforms → against expectation`, where the gate says something else now."""
    base, head = (view.engine(run).state[0] for run in (pair.base, pair.head))
    return [f"{base} → {head}"] if base != head else []


def markdown(found: Sequence[Series]) -> str:
    """What changed, as a summary of a CI job."""
    return "\n".join(line for one in found for line in _markdown(one)) + "\n"


def _markdown(one: Series) -> Iterator[str]:
    for pair in one.pairs:
        yield f"## {plain(pair.base.label)} → {plain(pair.head.label)}\n"
        yield " ".join([f"**{pair.sentence}.**", *(f"The gate: {gate}." for gate in _gate(pair))]) + "\n"
        yield row(["", *_COLUMNS])
        yield row(["---", *("---:" for _ in _COLUMNS)])
        for it in Series((pair.base, pair.head)).rows:
            cells = (f"{count} ({more})" if more else str(count) for count, more in it.cells)
            yield row([plain(it.engine.label), *cells])
        yield ""
        yield from (f"> {plain(remark)}\n" for remark in pair.remarks)
        for transition in TRANSITIONS:
            if changed := groups(pair, transition):
                yield f"### {transition.words}: {counted(len(pair.of(transition)), 'case')}\n"
                for group in changed:
                    said = "; ".join(plain(part) for part in (group.account, group.blocks) if part)
                    yield f"- {plain(group.name)} ({plain(group.verdicts)})" + (f": {said}" if said else "")
                yield ""
                if transition.regression and changed[0].script:
                    yield fenced(changed[0].script, changed[0].language)
        if pair.conventions:
            yield "### chosen otherwise\n"
            yield from (f"- {plain(it.name)}: {plain(it.base)} → {plain(it.head)}" for it in pair.conventions)
            yield ""
    yield from (f"**{plain(sentence)}.**\n" for _, sentence in one.news)


def page(found: Sequence[Series]) -> str:
    """What changed, as a page that stands alone."""
    title = f"{' and '.join(one.name for one in found)} – changes – autograd conformance"
    template = html.environment().get_template("compare.html.j2")
    return template.render(
        title=title,
        found=found,
        transitions=TRANSITIONS,
        groups=groups,
        gate=_gate,
        verdicts=VERDICTS,
        symbols=_SYMBOLS,
        tones=_TONES,
        columns=_COLUMNS,
        evidence=evidence,
        view=view,
    )
