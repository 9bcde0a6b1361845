"""The doctor: is it the engine, the adapter, or the installation?"""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from conformance.adapter import Adapter, resolve
from conformance.capabilities import CAPABILITIES
from conformance.clause import Case, specification
from conformance.console import say
from conformance.errors import UsageError
from conformance.examination import Effort, examine
from conformance.execution import Engine
from conformance.judge import Finding, judge
from conformance.probing.checkup import diagnosed, emulated
from conformance.probing.laboratory import Laboratory
from conformance.program import Program
from conformance.tensor import expect, gradients, recording, tensor
from conformance.wellformed import FLOATS

_PACKAGES: Final = ("conformance", "implementations", "reports")
# Judged first: without these nothing else can be judged.
_FOUNDATIONS: Final = ("operators/value_and_gradient[sum,", "operators/value_and_gradient[mul,")
# Whether a spelling is broken, and whether the engine's foundations are right -> what to do.
_CONCLUSIONS: Final = {
    (False, True): "the engine can be judged",
    (False, False): "sum and mul must work before anything else can be judged",
    (True, True): "the engine can be judged, but the adapter is broken: correct the spellings that are called so",
    (True, False): "the adapter is broken: correct the spelling that is named; nothing is known of the engine yet",
}
_COLUMN: Final = 17
_WIDTH: Final = 120


def examined(spec: str, python: str, timeout: float) -> int:
    """Prints what the doctor sees; 0 when the engine can be judged, 1 when its foundations are wrong, 3 when the adapter is."""
    for name in _PACKAGES:
        _unshadowed(name)
    adapter = resolve(spec)
    _say("adapter", f"{adapter.name}: {adapter.shape}, {adapter.lines} lines, {len(adapter.spellings)} spellings")
    with Laboratory(adapter, python, timeout) as laboratory:
        engine = laboratory.engine
        ready = engine.ready
        _say("engine", f"{adapter.name} {ready['version']}, {ready['language']} {ready['runtime']}, {python}")
        finding = _founded(engine)
        sound = finding is None and _all_pass(adapter, engine)
        broken = finding.verdict == "error" if finding else _checked(laboratory) if sound else False
    _say("not offered", ", ".join(_missing(adapter)) or "nothing")
    say(_CONCLUSIONS[broken, sound])
    return 3 if broken else 0 if sound else 1


def _checked(laboratory: Laboratory) -> bool:
    """Prints which spellings work and what to do about the others; whether one of them is broken."""
    adapter = laboratory.draft
    if adapter.command:  # its texts are another language's
        return False
    found = list(diagnosed(laboratory))
    _say("spellings", f"{sum(it.word == 'works' for it in found)} of those that were tried work")
    for it in found:
        if it.word != "works":
            _say(it.word, f"{it.key}  {it.sentence}")
    made = emulated(adapter)
    _say("emulated", f"{len(made)}: {', '.join(made)}" if made else "nothing")
    return any(it.word == "broken" for it in found)


def foundation(engine: Engine) -> str | None:
    """A sentence about the spelling without which nothing can be judged, or None when a tiny program runs to its end.

    Wrong values are no matter of spelling: the cases tell them.
    """
    _, finding = _tried(engine)
    return f"{engine.adapter.name}: {_told(finding)}" if finding and finding.verdict == "error" else None


def _tried(engine: Engine) -> tuple[Program, Finding | None]:
    """A leaf, products, sums, their gradient, and a reading of each; and what is wrong with the first that is."""
    with recording(next(name for name in FLOATS if name in engine.adapter.dtypes)) as recorder:
        x = tensor([1, 2], requires_grad=True)
        expect(x, [1, 2])
        y = x * x
        expect(y, [1, 4])
        z = y + x
        expect(z, [2, 6])
        total = z.sum()
        expect(total, 8)
        (gradient,) = gradients(total, [x])
        expect(gradient, [3, 5])
        program = recorder.program()
    reply = engine.run(program)
    if isinstance(reply, Finding):
        return program, reply
    if reply["declined"]:
        return program, Finding("error", None, f"the adapter does not spell {', '.join(reply['declined'])}")
    return program, judge(program, reply).finding


def _founded(engine: Engine) -> Finding | None:
    """Prints a line for each step of the tiny program; what is wrong with the first that is."""
    program, finding = _tried(engine)
    end = len(list(program.walk())) if finding is None else finding.at or 0
    named: Mapping[str, str] = {
        it.out[0]: it.options.get("operator", it.verb) for _, it in program.walk() if it.verb != "expect"
    }
    wrong = False
    for index, it in program.walk():
        if it.verb == "expect" and not wrong:
            wrong = finding is not None and end <= index
            _say(named[str(it.args[0])], f"{finding.verdict}: {_told(finding)}" if finding and wrong else "works")
    return finding


def _told(finding: Finding) -> str:
    """A finding in one sentence."""
    return finding.message if finding.got in finding.message else f"{finding.message}, got {finding.got}"


def _say(what: str, text: str) -> None:
    """One entry, its further lines below the first."""
    from reports.text import one_line

    first, further = what.ljust(_COLUMN - 1) + " ", " " * _COLUMN
    say(textwrap.fill(one_line(text), _WIDTH, initial_indent=first, subsequent_indent=further, break_on_hyphens=False))


def _unshadowed(name: str) -> None:
    """Raises UsageError when something else goes by the name of a package of ours."""
    spec = importlib.util.find_spec(name)
    ours = Path(__file__).resolve().parent.parent / name
    found = Path(spec.origin).parent if spec and spec.origin else None
    if found != ours:
        raise UsageError(f"the package {name} comes from {found}, not from {ours}: another package goes by its name")


def _foundations(adapter: Adapter) -> Iterator[Case]:
    for case in specification()["operators/value_and_gradient"].cases():
        if case.id.startswith(_FOUNDATIONS) and case.dtype in adapter.dtypes:
            yield case


def _all_pass(adapter: Adapter, engine: Engine) -> bool:
    """Prints every verdict, not just those up to the first that is wrong."""
    verdicts = [_judged(case, engine) for case in _foundations(adapter)]
    return all(verdicts)


def _judged(case: Case, engine: Engine) -> bool:
    record = examine(case, engine, Effort("quick", 0))
    _say(record["verdict"], f"{case.id}  {record['message']}")
    return record["verdict"] in ("pass", "declined")  # declined: the shape composes the operator of others


def _missing(adapter: Adapter) -> list[str]:
    return sorted(key for key, row in CAPABILITIES.items() if not row.falls_back and key not in adapter.spellings)
