"""Examines one case on one engine: draws inputs, records programs, has them executed and judged, and keeps the first witness."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, Phase, settings

from conformance.agent.lowering import NotOffered
from conformance.clause import Case
from conformance.execution import Engine
from conformance.expectations import BUILTIN, Expectation
from conformance.generation import Sketch
from conformance.generation.attribution import clause_of
from conformance.generation.census import Census
from conformance.generation.drawing import derive, drawn
from conformance.generation.minimise import minimise, trimmed
from conformance.generation.sketch import Unwritable
from conformance.judge import Finding, judge
from conformance.model.numbers import Inexact
from conformance.model.protocol import Refusal
from conformance.program import Program
from conformance.record import again, recorded
from conformance.tensor import SpecificationError, recording

# How many examples a property is given, and how many random programs a case of those.
PROFILES: Final[Mapping[str, int]] = {"quick": 12, "gate": 100, "deep": 1000}
# So many random programs are written before they are run: on one processor, writing and running keep out of each other's caches.
BLOCK: Final = 48
# What the minimiser may take: seconds of the engine's time; of one that has to be started again for each try, seconds at all.
_MINIMISING: Final = 1.0
_RESTARTING: Final[Mapping[str, float]] = {"crash": 30.0, "timeout": 60.0}


class _Disagreement(Exception):
    """A program on which engine and specification differ; Hypothesis shrinks it."""


class _Lost(BaseException):
    """The engine's process was lost: no more examples of this case, and no shrinking."""


class _Declined(BaseException):
    """The engine declined every example so far; it would decline the others."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while a case was explored; `record` holds what is known of it."""

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__()
        self.record = {**record, "interrupted": True}


# A clause may take a path that an engine offers after one that it does not, but then another example soon does.
_DECLINED_BEFORE_GIVING_UP: Final = 3


@dataclass
class Examination:
    """What is known of a case so far."""

    case: Case
    engine: Engine
    expected: Expectation | None = None
    programs: int = 0
    compared: int = 0
    model_seconds: float = 0.0
    declined: dict[str, None] = field(default_factory=dict)
    lowered: dict[str, None] = field(default_factory=dict)
    conventions: dict[str, dict[str, None]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    ratio: float = 0.0
    census: Census = field(default_factory=Census)
    index: int | None = None
    attributed: str | None = None
    finding: Finding | None = None
    witness: Program | None = None
    passed: Program | None = None

    @property
    def offered(self) -> frozenset[str]:
        """What random programs may use: what the engine offers, less what its expected failure is about."""
        return self.engine.adapter.offers - set(self.expected.without if self.expected else ())

    @contextmanager
    def beyond(self) -> Iterator[None]:
        """What was found before stays, unless something is found here: of that no expectation speaks."""
        known, self.finding, self.witness = (self.finding, self.witness), None, None
        try:
            yield
        finally:
            if self.finding:
                self.expected = None
            else:
                self.finding, self.witness = known

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

    def judged(self, program: Program) -> bool:
        """Has the engine execute `program` and judges it, unless it declines; raises _Disagreement or _Lost."""
        reply = self.engine.run(program)
        self.programs += 1
        if isinstance(reply, Finding):
            self._found(program, reply)
            raise _Lost
        self.declined.update(dict.fromkeys(reply["declined"]))
        if reply["declined"]:
            if self.programs == _DECLINED_BEFORE_GIVING_UP and not self.compared and not self.case.clause.stored:
                raise _Declined
            return False
        self.lowered.update(dict.fromkeys(reply.get("lowered", ())))
        judgement = judge(program, reply)
        self.compared += judgement.compared
        for outcome, ratio in judgement.outcomes:
            self.outcomes[outcome] += 1
            self.ratio = max(
                self.ratio, ratio if outcome == "pass" else 0.0
            )  # how near right numbers come to the bound
        admissible = judgement.seen if self.case.clause.level == "convention" else None
        for what, seen in (admissible or {}).items():
            self.conventions.setdefault(what, {})[seen] = None
        if judgement.finding:
            self._found(program, judgement.finding)
            raise _Disagreement(judgement.finding.message)
        self.passed = program if judgement.compared else self.passed
        return True

    def written(self, indices: Iterable[int], seed: int) -> list[tuple[int, Sketch, Program]]:
        """The random programs of some indices, without those of which nothing can be said."""
        writer, offered, found = self.case.clause.writer, self.offered, []
        assert writer is not None
        started = time.perf_counter()
        for index in indices:
            sketch = drawn(self.case, index, seed, offered, compiles=self.engine.adapter.compiles)
            try:
                found.append((index, sketch, writer(sketch, offered)))
            except Unwritable as reason:
                self.census.unwritable[str(reason)] += 1
        self.model_seconds += time.perf_counter() - started
        return found

    def generated(self, index: int, sketch: Sketch, program: Program) -> None:
        """Judges the random program of one index; raises _Disagreement or _Lost with the smallest witness."""
        judged = True
        try:
            judged = self.judged(program)
        except (_Disagreement, _Lost):
            self.index = index
            self._minimise(sketch)
            raise
        finally:
            if judged:
                self.census.add(program, sketch.kinds)

    def _minimise(self, sketch: Sketch) -> None:
        """Makes the witness as small as it can be and still show the same kind of fault."""
        writer, finding, offered = self.case.clause.writer, self.finding, self.offered
        assert writer is not None
        assert finding is not None

        def write(candidate: Sketch) -> Program:
            return writer(candidate, offered)

        assert self.witness is not None
        kind = _kind(self.witness, finding)

        def shown(program: Program) -> Finding | None:
            reply = self.engine.run(program)
            found = reply if isinstance(reply, Finding) else judge(program, reply).finding
            return found if found and _kind(program, found) == kind else None

        def fails(candidate: Sketch) -> bool:
            try:
                return shown(write(candidate)) is not None
            except Exception:  # whatever a candidate makes of the model: it is no smaller witness
                return False

        if patience := _RESTARTING.get(finding.verdict):
            smallest = minimise(sketch, fails, seconds=patience)
        else:
            clock = self.engine.clock
            smallest = minimise(sketch, fails, seconds=_MINIMISING, clock=lambda: clock.engine + clock.pipe)
        program = trimmed(write(smallest), lambda it: shown(it) is not None)
        if found := shown(program):
            self._found(program, found)
        if self.finding and self.witness:
            self.attributed = clause_of(self.witness, self.finding)

    def _found(self, program: Program, finding: Finding) -> None:
        self.finding, self.witness = finding, program if finding.at is None else program.until(finding.at)


def _proper(program: Program) -> None:
    """A program must expect something; one that awaits a refusal must also see its legal twin succeed."""
    expectations = [it for _, it in program.walk() if it.verb == "expect"]
    if not expectations:
        raise SpecificationError("the clause expects nothing")
    if all(it.options["observe"] == "outcome" for it in expectations):
        raise SpecificationError("a clause that awaits a refusal must also expect something of its accepted twin")


def _kind(program: Program, finding: Finding) -> tuple[str, ...]:
    """What makes two findings of one kind: the verdict, and what was being done or looked at."""
    it = next((it for index, it in program.walk() if index == finding.at), None)
    return (finding.verdict, *((it.verb, str(it.options.get("observe"))) if it else ()))


@dataclass(frozen=True)
class Effort:
    """How much a case is given.

    seconds: a time for random programs, which takes the place of their number. tell: is told how many programs were judged
    and how many seconds were used, about once a second. index: of random programs only this one. exploring: the context in which
    programs are run, and Ctrl-C loses nothing. expectations: the folder of those that count.
    """

    profile: str
    seed: int
    seconds: float | None = None
    tell: Callable[[int, float], None] = lambda programs, seconds: None
    index: int | None = None
    exploring: Callable[[], AbstractContextManager[None]] = nullcontext
    expectations: Path = BUILTIN

    def indices(self) -> Iterator[int]:
        """The indices of random programs: so many as the profile says, or until the time is used up; or the one."""
        if self.index is not None:
            yield self.index
            return
        started = told = time.monotonic()
        index = 0
        while index < PROFILES[self.profile] if self.seconds is None else time.monotonic() - started < self.seconds:
            yield index
            index += 1
            if time.monotonic() - told > 1:
                told = time.monotonic()
                self.tell(index, told - started)


def examine(case: Case, engine: Engine, effort: Effort, expected: Expectation | None = None) -> dict[str, Any]:
    """The record of `case` on `engine`. An expected failure is decided by its pinned witness, whatever is drawn beside it.

    Ctrl-C raises Interrupted, with the record, when a failure was found, or when the case is given a time, which is over then.
    """
    examination, started = Examination(case, engine, expected), time.perf_counter()

    def record() -> dict[str, Any]:
        rerun = again(case, engine, effort, examination.index)
        return recorded(examination, time.perf_counter() - started, examination.expected, rerun)

    if reason := _not_asked(case, engine):
        examination.declined[reason] = None
        return record()
    try:
        with effort.exploring():
            _explore(examination, effort)
    except KeyboardInterrupt:
        timed = effort.seconds is not None and case.clause.writer is not None
        if examination.finding or (timed and examination.compared):
            raise Interrupted(record()) from None
        raise
    return record()


def _not_asked(case: Case, engine: Engine) -> str:
    """Why an engine is not asked about a case: it does not speak the dialect, or its adapter composes the operator."""
    dialect, operator = case.clause.dialect, case.parameters.get("operator")
    if dialect and dialect not in engine.adapter.speaks:
        return f"the dialect {dialect}"
    if case.clause.writer and case.dtype not in engine.adapter.dtypes:
        return case.dtype
    return f"{operator} (composed of other operators)" if operator in engine.adapter.composed else ""


def _explore(examination: Examination, effort: Effort) -> None:
    """Asks the case; of an expected failure its pinned witness, and then the random programs that are drawn in spite of it."""
    expected = examination.expected
    if expected is None or expected.witness is None:
        _asked(examination, lambda: _whole(examination, effort))
        return
    witness = expected.witness
    _asked(examination, lambda: examination.judged(witness))
    if expected.without and examination.finding and examination.finding.verdict == expected.verdict:
        with examination.beyond():
            _asked(examination, lambda: _whole(examination, effort))
            if not (examination.finding or examination.census.programs):
                why = f"the expectation leaves nothing to judge: without {', '.join(expected.without)}"
                missing = f" there is no {', '.join(examination.declined)}" if examination.declined else ""
                examination.finding = Finding("error", None, why + missing)


def _whole(examination: Examination, effort: Effort) -> None:
    """Asks everything that the clause asks."""
    clause = examination.case.clause
    if clause.stored:
        for program in clause.test(**examination.case.parameters):
            examination.judged(program)
    elif clause.writer:
        indices = effort.indices()
        while block := list(islice(indices, BLOCK)):
            for index, sketch, program in examination.written(block, effort.seed):
                examination.generated(index, sketch, program)
    else:
        _test(examination, effort)()


def _asked(examination: Examination, ask: Callable[[], object]) -> None:
    """Asks, until something is found; whatever is raised becomes a finding, or what is declined."""
    try:
        ask()
    except (_Disagreement, _Lost, _Declined):
        pass
    except NotOffered as missing:
        examination.declined[missing.key] = None
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


def _test(examination: Examination, effort: Effort) -> Callable[[], None]:
    """The clause's body as a Hypothesis test whose examples are judged by `examination`."""
    case = examination.case
    clause, fixed = case.clause, {name: value for name, value in case.parameters.items() if name != "dtype"}
    if not clause.given:
        return lambda: examination.example(clause.test, fixed)

    def example(**drawn: Any) -> None:
        examination.example(clause.test, {**fixed, **drawn})

    configured = settings(
        max_examples=PROFILES[effort.profile],
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    test: Callable[[], None] = hypothesis.seed(derive(effort.seed, case.id))(
        configured(hypothesis.given(**clause.given)(example))
    )
    return test
