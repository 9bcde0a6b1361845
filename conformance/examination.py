"""Examines one case on one engine: draws inputs, records programs, has them executed and judged, and keeps the first witness."""

from __future__ import annotations

import hashlib
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, Phase, settings

from conformance.agent.interpreter import Misspelt, script
from conformance.agent.lowering import NotOffered
from conformance.clause import Case
from conformance.execution import TIMEOUT, Engine
from conformance.expectations import Expectation
from conformance.judge import Finding, judge, show_expected
from conformance.model.numbers import Inexact
from conformance.model.protocol import Refusal
from conformance.program import Program
from conformance.tensor import SpecificationError, recording

# How many examples a property is given.
PROFILES: Final[Mapping[str, int]] = {"quick": 12, "gate": 100, "deep": 1000}
_EXACT: Final = "exact: equality of rationals, no tolerance"


class _Disagreement(Exception):
    """A program on which engine and specification differ; Hypothesis shrinks it."""


class _Lost(BaseException):
    """The engine's process was lost: no more examples of this case, and no shrinking."""


class _Declined(BaseException):
    """The engine declined every example so far; it would decline the others."""


# A clause may take a path that an engine offers after one that it does not, but then another example soon does.
_DECLINED_BEFORE_GIVING_UP: Final = 3


@dataclass
class Examination:
    """What is known of a case so far."""

    case: Case
    engine: Engine
    programs: int = 0
    compared: int = 0
    model_seconds: float = 0.0
    declined: dict[str, None] = field(default_factory=dict)
    lowered: dict[str, None] = field(default_factory=dict)
    conventions: dict[str, dict[str, None]] = field(default_factory=dict)
    finding: Finding | None = None
    witness: Program | None = None

    def example(self, body: Callable[..., None], arguments: Mapping[str, Any]) -> None:
        """Records one program by running a clause's body, and judges it; raises _Disagreement or _Lost."""
        started = time.perf_counter()
        with recording(self.case.dtype) as recorder:
            try:
                body(**arguments)
            except Inexact:
                hypothesis.reject()
            except Refusal as refusal:
                raise SpecificationError(f"the model refuses what the clause does: {refusal.kind}") from None
            program = recorder.program()
        _proper(program)
        self.model_seconds += time.perf_counter() - started
        self.judged(program)

    def judged(self, program: Program) -> None:
        """Has the engine execute `program` and judges it; raises _Disagreement or _Lost."""
        reply = self.engine.run(program)
        self.programs += 1
        if isinstance(reply, Finding):
            self._found(program, reply)
            raise _Lost
        self.declined.update(dict.fromkeys(reply["declined"]))
        if reply["declined"]:
            if self.programs == _DECLINED_BEFORE_GIVING_UP and not self.compared:
                raise _Declined
            return
        self.lowered.update(dict.fromkeys(reply.get("lowered", ())))
        judgement = judge(program, reply)
        self.compared += judgement.compared
        admissible = judgement.seen if self.case.clause.level == "convention" else None
        for what, seen in (admissible or {}).items():
            self.conventions.setdefault(what, {})[seen] = None
        if judgement.finding:
            self._found(program, judgement.finding)
            raise _Disagreement(judgement.finding.message)

    def _found(self, program: Program, finding: Finding) -> None:
        self.finding, self.witness = finding, program if finding.at is None else program.until(finding.at)


def _proper(program: Program) -> None:
    """A program must expect something; one that awaits a refusal must also see its legal twin succeed."""
    expectations = [it for _, it in program.walk() if it.verb == "expect"]
    if not expectations:
        raise SpecificationError("the clause expects nothing")
    if all(it.options["observe"] == "outcome" for it in expectations):
        raise SpecificationError("a clause that awaits a refusal must also expect something of its accepted twin")


def examine(case: Case, engine: Engine, profile: str, seed: int, expected: Expectation | None) -> dict[str, Any]:
    """The record of `case` on `engine`. An expected failure is decided by replaying its pinned witness alone."""
    examination, started = Examination(case, engine), time.perf_counter()
    if reason := _not_asked(case, engine):
        examination.declined[reason] = None
    else:
        _explore(examination, profile, seed, expected)
    again = _again(case, engine, profile, seed)
    return _record(examination, time.perf_counter() - started, expected, again)


def _again(case: Case, engine: Engine, profile: str, seed: int) -> str:
    """The command that examines the case again, with the same inputs."""
    words = ["autograd-conformance", "run", "--engine", engine.adapter.spec, "--select", case.id, "--seed", str(seed)]
    if engine.python != sys.executable:
        words += ["--python", engine.python]
    if profile != "quick":
        words += ["--profile", profile]
    if engine.timeout != TIMEOUT:
        words += ["--timeout", f"{engine.timeout:g}"]
    return shlex.join([*words, "--out", "out/again"])  # beside the report of the whole run, not over it


def _not_asked(case: Case, engine: Engine) -> str:
    """Why an engine is not asked about a case: it does not speak the dialect, or its adapter composes the operator."""
    dialect, operator = case.clause.dialect, case.parameters.get("operator")
    if dialect and dialect not in engine.adapter.speaks:
        return f"the dialect {dialect}"
    return f"{operator} (composed of other operators)" if operator in engine.adapter.composed else ""


def _explore(examination: Examination, profile: str, seed: int, expected: Expectation | None) -> None:
    try:
        if expected and expected.witness:
            examination.judged(expected.witness)
        else:
            _test(examination, profile, seed)()
    except (_Disagreement, _Lost, _Declined):
        pass
    except hypothesis.errors.Flaky as reason:
        examination.finding = Finding("flaky", None, f"the same inputs were judged differently: {reason}")
    except hypothesis.errors.Unsatisfiable:
        examination.finding = Finding("inconclusive", None, "no drawn input was exact in this dtype")
    except SpecificationError as reason:
        examination.finding, examination.witness = Finding("error", None, str(reason)), None
    except Exception as reason:  # a fault of ours is the verdict of this case, not the end of the others
        place = traceback.extract_tb(reason.__traceback__)[-1]
        fault = (
            f"the suite broke: {type(reason).__name__}: {reason}, at {place.name} in {place.filename}:{place.lineno}"
        )
        examination.finding, examination.witness = Finding("error", None, fault), None


def _test(examination: Examination, profile: str, seed: int) -> Callable[[], None]:
    """The clause's body as a Hypothesis test whose examples are judged by `examination`."""
    case = examination.case
    clause, fixed = case.clause, {name: value for name, value in case.parameters.items() if name != "dtype"}
    if not clause.given:
        return lambda: examination.example(clause.test, fixed)

    def example(**drawn: Any) -> None:
        examination.example(clause.test, {**fixed, **drawn})

    configured = settings(
        max_examples=PROFILES[profile],
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    test: Callable[[], None] = hypothesis.seed(derive(seed, case.id))(
        configured(hypothesis.given(**clause.given)(example))
    )
    return test


def derive(seed: int, *parts: str | int) -> int:
    """A seed for one use, from the run's seed and the names of the use."""
    text = "/".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


# --- the record


def _record(examination: Examination, seconds: float, expected: Expectation | None, again: str) -> dict[str, Any]:
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
    if examination.declined:
        record["declined"] = _declined(examination)
    if finding.verdict not in ("pass", "declined"):
        record |= _evidence(examination, finding, again)
    return record


def _without_finding(examination: Examination) -> Finding:
    if examination.compared:
        return Finding("pass", None, "")
    if examination.declined:
        return Finding("declined", None, _declined(examination))
    return Finding("vacuous", None, "nothing was compared")


def _declined(examination: Examination) -> str:
    return "does not offer " + ", ".join(examination.declined)


def _evidence(examination: Examination, finding: Finding, again: str) -> dict[str, Any]:
    """What a reader needs to see and to repeat a problem."""
    case = examination.case
    evidence: dict[str, Any] = {
        "expected": finding.expected,
        "got": finding.got,
        "why": finding.why,
        "method": _EXACT,
        "at": finding.at,
        "rerun": again,
        "stands_on": [f"{clause}[{case.dtype}]" for clause in case.clause.after],
        "uses": _used_cases(case, examination.witness),
    }
    if examination.witness is not None:
        evidence["witness"] = examination.witness.to_json()
        evidence["instructions"] = len(examination.witness)
        evidence["script"] = printed(examination.witness, examination.engine)
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


def printed(program: Program, engine: Engine) -> str:
    """The program as a script in the engine's terms, each expectation as a remark."""
    comments = {
        index: "expected " + show_expected(it.options["relation"], it.options["value"])
        for index, it in program.walk()
        if it.verb == "expect"
    }
    try:
        return str(script(program.to_json(), engine.adapter.to_json(), comments))
    except NotOffered as missing:
        return f"# {engine.adapter.name} does not offer {missing.key}\n"
    except Misspelt as reason:
        return f"# {engine.adapter.name}: {reason}\n"
