"""What a journal keeps of an examination: the verdict, what it rests on, and the evidence of a problem."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

from conformance.clause import Case
from conformance.execution import TIMEOUT, Engine
from conformance.expectations import BUILTIN, Expectation
from conformance.judge import Finding
from conformance.program import Program
from conformance.script import printed

if TYPE_CHECKING:
    from conformance.examination import Effort, Examination

_EXACT: Final = "exact: equality of rationals, no tolerance"
_ENCLOSED: Final = "enclosed: the truth in balls, and twice the error that rounding in the dtype can make"


def again(case: Case, engine: Engine, effort: Effort, index: int | None) -> str:
    """The command that examines the case again, with the same inputs; of random programs only the one at `index`."""
    words = ["autograd-conformance", "run", "--engine", engine.adapter.spec, "--select", case.id]
    words += ["--seed", str(effort.seed)]
    if engine.python != sys.executable:
        words += ["--python", engine.python]
    if index is not None:
        words += ["--index", str(index)]
    elif effort.profile != "quick":
        words += ["--profile", effort.profile]
        words += ["--budget", f"{effort.seconds:g}"] if effort.seconds else []
    if engine.timeout != TIMEOUT:
        words += ["--timeout", f"{engine.timeout:g}"]
    if effort.expectations != BUILTIN:  # what they leave out changes what is drawn
        words += ["--expectations", str(effort.expectations)]
    return shlex.join([*words, "--out", "out/again"])  # beside the report of the whole run, not over it


def recorded(examination: Examination, seconds: float, expected: Expectation | None, rerun: str) -> dict[str, Any]:
    """The record: what is known of the case, and when it neither passed nor was declined, the evidence."""
    case, finding = examination.case, examination.finding or _without_finding(examination)
    record: dict[str, Any] = {
        "case": case.id,
        "clause": case.clause.id,
        "parameters": dict(case.parameters),
        "verdict": finding.verdict,
        "message": finding.message,
        "seconds": round(seconds, 4),
        "programs": examination.programs,
        "compared": examination.compared,
        "model_seconds": round(examination.model_seconds, 4),
        "expectation": expected.to_json() if expected else None,
        "conventions": {what: ", ".join(seen) for what, seen in examination.conventions.items()},
        "lowered": list(examination.lowered),
    }
    if examination.outcomes:
        record |= {"outcomes": dict(sorted(examination.outcomes.items())), "ratio": examination.ratio}
    if examination.case.clause.writer:
        record["generated"] = examination.census.to_json()
    if examination.declined:
        record["declined"] = _declined(examination)
    if finding.verdict == "pass" and examination.passed and _exemplary(case):
        record["example"] = printed(examination.passed, examination.engine.adapter)
    if finding.verdict not in ("pass", "declined"):
        record |= _evidence(examination, finding, rerun)
    return record


def _exemplary(case: Case) -> bool:
    """Whether the case may stand for its clause: it is the first, and draws no programs. One a clause keeps journals small."""
    return not (case.clause.writer or case.clause.stored) and case == next(case.clause.cases())


def _without_finding(examination: Examination) -> Finding:
    if examination.compared:
        return Finding("pass", None, "")
    if examination.declined:
        return Finding("declined", None, _declined(examination))
    return Finding("vacuous", None, "nothing was compared")


def _declined(examination: Examination) -> str:
    return "does not offer " + ", ".join(examination.declined)


def _evidence(examination: Examination, finding: Finding, rerun: str) -> dict[str, Any]:
    """What a reader needs to see and to repeat a problem."""
    case = examination.case
    evidence: dict[str, Any] = {
        "expected": finding.expected,
        "got": finding.got,
        "why": finding.why,
        "method": _ENCLOSED if examination.outcomes else _EXACT,
        "at": finding.at,
        "also": finding.also,
        "rerun": rerun,
        "stands_on": [f"{clause}[{case.dtype}]" for clause in case.clause.after],
        "uses": _used_cases(case, examination.witness),
    }
    if examination.index is not None:
        evidence["index"] = examination.index
    if examination.attributed:
        evidence["attributed"] = examination.attributed
    if examination.witness is not None:
        evidence["witness"] = examination.witness.to_json()
        evidence["instructions"] = len(examination.witness)
        evidence["script"] = printed(examination.witness, examination.engine.adapter, finding)
    return evidence


def _used_cases(case: Case, witness: Program | None) -> list[str]:
    """The cases about what the witness does: its operators, several uses of one value, several backwards."""
    if witness is None:
        return []
    used = [f"operators/value_and_gradient[{name},{case.dtype}]" for name in witness.operators()]
    if witness.reuses():
        used.append(f"accumulation/several_uses_sum[{case.dtype}]")
    if witness.accumulates():
        used.append(f"accumulation/each_backward_adds[{case.dtype}]")
    return [other for other in used if other != case.id]
