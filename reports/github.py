"""The answer as GitHub's workflow commands: what stands against expectation appears beside the change that is reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from conformance.journal import Journal
from reports.evidence import contradiction, gist
from reports.fault import Fault
from reports.summary import Run, ranked, runs
from reports.text import visible

# GitHub shows so many errors of a step.
MOST: Final = 10
_LONGEST: Final = 4000


def render(journals: Sequence[Journal]) -> str:
    """A line for each fault, root causes first, at most `MOST`; the last one says how many are left out."""
    found = runs(journals)
    lines = [_command(run.label, reason, _file(run)) for run in found for reason in run.reasons]
    lines += [_fault(run, fault) for run, fault in ranked(found)]
    if len(lines) > MOST:
        left = len(lines) - MOST + 1
        lines = [*lines[: MOST - 1], _command("autograd conformance", f"and {left} more; the report has them all")]
    return "".join(f"{line}\n" for line in lines)


def _fault(run: Run, fault: Fault) -> str:
    title = f"{run.label}: {fault.lead.verdict} {fault.name}"
    return _command(title, "\n".join(_sentences(run, fault)), _file(run))


def _file(run: Run) -> str:
    """The adapter's file within the repository, where GitHub shows what is said; an engine of ours has none."""
    path = str(run.journal.header["engine"].get("spec") or "").partition(",")[0]
    return path if path.endswith(".py") and not PurePath(path).is_absolute() else ""


def _sentences(run: Run, fault: Fault) -> Iterable[str]:
    yield contradiction(fault.lead) or gist(fault.lead)
    if sentence := run.clause(fault.lead).get("sentence"):
        yield str(sentence)
    if fault.blocked:
        yield fault.blocks
    if script := fault.lead.record.get("script"):
        yield str(script).rstrip("\n")
    if again := fault.lead.record.get("rerun"):
        yield f"again: {again}"


def _command(title: str, text: str, file: str = "") -> str:
    text = visible(text)
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    properties = {"file": file, "title": title}
    named = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items() if value)
    return f"::error {named}::{_escaped(cut)}"


def _escaped(text: str, further: str = "") -> str:
    """The text as a workflow command holds it; a property must hold neither colon nor comma."""
    return "".join(f"%{ord(letter):02X}" if letter in f"%\r\n{further}" else letter for letter in visible(text))
