"""Runs one witness again: through the agent, judged; or as the script that it prints, in one process with a debugger."""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.console import say
from conformance.errors import ConformanceError, NothingSelected, UsageError
from conformance.execution import ENVIRONMENT, Engine
from conformance.files import write
from conformance.generation.attribution import clause_of
from conformance.journal import read_journal
from conformance.judge import Finding, Judgement, judge
from conformance.program import Program
from conformance.script import printed, script_of
from conformance.witnesses import Witness

# What another interpreter does with a script: an engine beside its adapter must be found, as the agent finds it.
_SCRIPT: Final = "import runpy, sys; sys.path.append(sys.argv[2]); runpy.run_path(sys.argv[1], run_name='__main__')"


def witness(path: Path, case: str | None) -> Witness:
    """The witness in a file: a program's JSON, or whatever has one as its `witness`; of a journal that of one case.

    Raises UsageError when the file cannot be read or holds none.
    """
    try:
        data = _of_journal(path, case) if case else json.loads(path.read_text(encoding="utf-8"))
        found = Witness.of(data if isinstance(data, dict) else {})
    except (OSError, ValueError, RecursionError) as reason:
        raise UsageError(f"cannot read the witness {path}: {reason}") from None
    except UsageError:
        raise
    except ConformanceError as reason:
        raise UsageError(f"{path} holds no witness: {reason}") from None
    if not found.program.instructions:
        raise UsageError(f"{path} holds no witness: its program is empty")
    return found


def _of_journal(path: Path, case: str) -> Mapping[str, Any]:
    records = {record["case"]: record for record in read_journal(path).cases if "witness" in record}
    if case not in records:
        raise UsageError(f"{path} has no witness of {case}; it has {', '.join(records) or 'none'}")
    return dict(records[case])


@contextmanager
def _sound() -> Iterator[None]:
    """Whoever wrote a witness by hand is told of a mistake in it by a sentence; raises UsageError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ZeroDivisionError) as reason:
        raise UsageError(f"the witness cannot be judged: {type(reason).__name__} {reason}") from None


def script(witness: Witness, adapter: Adapter) -> str:
    """A witness as a script in an engine's terms; raises NothingSelected when the engine does not offer what it needs."""
    with _sound():
        return script_of(witness.program, adapter, witness.finding)


def judged(program: Program, adapter: Adapter, python: str, timeout: float) -> int:
    """Runs a witness in an engine's agent and prints the verdict and the script; 0 when it passes, 1 when not.

    3 when the adapter or the suite is at fault, 5 when the engine declines. Raises EngineError when it does not load.
    """
    with _sound(), Engine(adapter, python, timeout) as engine:
        reply = engine.run(program)
    if not isinstance(reply, Finding) and reply["declined"]:
        say(f"declined: {adapter.name} does not offer {', '.join(reply['declined'])}")
        return NothingSelected.exit_code
    with _sound():
        judgement = Judgement(0, reply) if isinstance(reply, Finding) else judge(program, reply)
    if judgement.finding is None:
        held = "every expectation of the witness holds" if judgement.compared else "the witness ran to its end"
        with _sound():
            say(f"{printed(program, adapter)}\npass: {held}")
        return 0
    say("\n".join(_failure(program, adapter, judgement.finding)))
    return 3 if judgement.finding.verdict == "error" else 1


def _failure(program: Program, adapter: Adapter, finding: Finding) -> list[str]:
    """A failed witness as `run` prints it."""
    from reports.failures import indented
    from reports.text import counted, one_line

    clause = None if finding.verdict == "error" else clause_of(program, finding)
    lines = [f"{finding.verdict}: {one_line(finding.message)}"]
    lines += [f"  {one_line(text)}" for text in (finding.why, f"breaks {clause}" if clause else "") if text]
    lines.append(f"  expected {one_line(finding.expected)}    got {one_line(finding.got)}")
    title = f"witness, {counted(len(program), 'instruction')}, as it ran:"
    with _sound():
        return lines + indented(title, printed(program, adapter, finding))


def in_process(witness: Witness, adapter: Adapter, python: str, path: Path) -> int:
    """Saves a witness's script at `path` and executes it in this very process, which becomes `python` when that is another.

    Nothing is judged; what an engine raises is not caught, so that `python -m pdb` stops there.
    """
    if adapter.command:
        raise UsageError(f"{adapter.name} is not written in Python, so its script cannot be executed in this process")
    text = script(witness, adapter)
    write(path, text)
    say(f"wrote {path}")
    os.environ.update({**ENVIRONMENT, **os.environ})
    if os.path.abspath(python) != os.path.abspath(
        sys.executable
    ):  # a virtual environment's is a link to ours: not resolved
        os.execv(python, [python, "-c", _SCRIPT, str(path), adapter.folder or os.curdir])
    if adapter.folder:
        sys.path.append(adapter.folder)
    runpy.run_path(str(path), run_name="__main__")
    return 0
