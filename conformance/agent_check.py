"""Checks an agent: does it speak the protocol? For whoever writes one; what the engine computes is judged elsewhere.

Each check sends a small program and looks at the reply as the harness does; see docs/agent-protocol.md.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.console import say
from conformance.errors import EngineError
from conformance.execution import Agent, Died, Hung
from conformance.judge import number
from conformance.program import SCHEMA, Program
from conformance.reply import Malformed, checked
from conformance.wellformed import FLOATS

Json = Mapping[str, Any]
_ENDING_SECONDS: Final = 5.0


class Wrong(Exception):
    """What an agent did wrong, as a sentence."""


class Unasked(Exception):
    """Why a check could not be made, as a sentence."""


class _Listening(Agent):
    """An agent whose every message is kept."""

    def __init__(self, adapter: Adapter, python: str) -> None:
        self.heard: list[Json] = []
        super().__init__(adapter, python)

    def _receive(self, deadline: float) -> Json:
        self.heard.append(super()._receive(deadline))
        return self.heard[-1]


class Session:
    """An agent that is asked: started when it must be, again when it was lost."""

    def __init__(self, adapter: Adapter, python: str, timeout: float) -> None:
        self._adapter, self._python, self._timeout = adapter, python, timeout
        self._agent: _Listening | None = None
        self.dtype = FLOATS[0]

    @property
    def agent(self) -> _Listening:
        """The agent, started."""
        if self._agent is None:
            self._agent = _Listening(self._adapter, self._python)
        return self._agent

    def reply(self, *steps: Json, trace: bool = False, known: bool = True) -> Json:
        """The reply to a program of `steps`; raises Wrong when there is none, or one that the protocol does not allow."""
        program = {"schema": SCHEMA, "dtype": self.dtype, "instructions": [*map(_numbered, range(len(steps)), steps)]}
        agent = self.agent
        try:
            reply = agent.run(program, trace, self._timeout)
            return checked(reply, Program.from_json(program if known else {**program, "instructions": []}))
        except (Died, Hung, Malformed) as reason:
            words = agent.last_words()
            self.close()
            raise Wrong(f"the agent {reason}; {words}" if not isinstance(reason, Malformed) else str(reason)) from None

    def seen(self, *steps: Json) -> list[Json]:
        """What was observed, when nothing was declined and nothing failed."""
        reply = self.reply(*steps)
        if reply["declined"]:
            raise Wrong(f"it declined {', '.join(reply['declined'])}, which no engine may")
        if reply["failure"]:
            raise Wrong(f"instruction {reply['failure']['at']} failed: {reply['failure']['message']}")
        return [observation for _, observation in reply["observations"]]

    def close(self) -> None:
        """Ends the agent."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None


# --- programs


def _numbered(index: int, step: Json) -> Json:
    return {"index": index, "out": [], "args": [], "options": {}, "body": [], **step}


def _leaf(name: str, shape: Sequence[int], *values: str) -> Json:
    value = {"shape": list(shape), "values": list(values)}
    return {"verb": "leaf", "out": [name], "options": {"value": value, "requires_grad": True}}


def _apply(name: str, operator: str, *args: Any) -> Json:
    return {"verb": "apply", "out": [name], "args": list(args), "options": {"operator": operator}}


def _look(name: str, observe: str = "tensor") -> Json:
    return {"verb": "expect", "args": [name], "options": {"observe": observe}}


_TINY: Final = (
    _leaf("x", [2], "1", "2"),
    _apply("y", "mul", "x", "x"),
    _look("y"),
    _apply("s", "sum", "y"),
    {"verb": "gradients", "out": ["g"], "args": ["s", "x"]},
    _look("g"),
)


def _same(seen: Json, shape: Sequence[int], values: Sequence[str]) -> None:
    """Raises Wrong unless the numbers and their shape are these."""
    texts = seen.get("values", [])
    if seen.get("shape") != list(shape) or [_exact(text) for text in texts] != [_exact(text) for text in values]:
        raise Wrong(f"sent or awaited {list(values)} of shape {list(shape)}, got {texts} of shape {seen.get('shape')}")


def _exact(text: str) -> Fraction | str:
    known = number(text)
    return text.lstrip("-") if known is None else known


# --- checks: each raises Wrong


def _computes(session: Session) -> None:
    for dtype in FLOATS:
        session.dtype = dtype
        if dtype not in session.reply(*_TINY)["declined"]:
            break
    values, gradient = session.seen(*_TINY)
    _same(values, [2], ["1", "4"])
    _same(gradient, [2], ["2", "4"])
    if values.get("dtype", session.dtype) != session.dtype:
        raise Wrong(f"the program is of {session.dtype}, and what it computed of {values['dtype']}")


# The greatest power of two, the greatest odd integer and a number next to the least normal one: its denominator is no binary64.
_EXTREMES: Final = {
    "float64": (str(2**1023), str(2**53 - 1), f"{2**52 + 1}/{2**1074}"),
    "float32": (str(2**127), str(2**24 - 1), f"{2**23 + 1}/{2**149}"),
}


def _numbers(session: Session) -> None:
    values = ("1/2", "-3", str(2**60), *_EXTREMES[session.dtype])
    _same(session.seen(_leaf("x", [len(values)], *values), _look("x"))[0], [len(values)], values)


def _specials(session: Session) -> None:
    high = str(2 ** {"float64": 1023, "float32": 127}[session.dtype])
    found = session.seen(
        _leaf("x", [2], high, "-" + high),
        _leaf("zero", [1], "-0"),
        _apply("y", "mul", "x", {"scalar": "2"}),
        _leaf("n", [1], "0"),
        _apply("z", "sum", "y"),
        *(_look(name) for name in ("y", "z", "zero")),
    )
    _same(found[0], [2], ["inf", "-inf"])
    if [seen.get("values") for seen in found[:2]] != [["inf", "-inf"], ["nan"]]:
        raise Wrong(f"awaited inf, -inf and nan, got {found[0]} and {found[1]}")
    if not str(next(iter(found[2].get("values", ())), "")).startswith("-0"):
        raise Wrong(f"sent -0, got {found[2]}")


def _shapes(session: Session) -> None:
    lone, none, square = session.seen(
        *(_leaf("a", [], "7"), _leaf("b", [2, 0]), _leaf("c", [2, 3], *"123456")), *map(_look, "abc")
    )
    _same(lone, [], ["7"])
    _same(none, [2, 0], [])
    _same(square, [2, 3], [*"123456"])


def _declines(*steps: Json) -> Callable[[Session], None]:
    def check(session: Session) -> None:
        reply = session.reply(*steps, known=False)
        if not reply["declined"] or reply["observations"] or reply["failure"]:
            raise Wrong(f"it did not decline, but answered {dict(reply)}")

    return check


def _refuses(session: Session) -> None:
    attempt = {"verb": "attempt", "out": ["end"], "body": [_numbered(2, _apply("y", "add", "x", "nobody"))]}
    steps = (_leaf("x", [1], "1"), attempt, {**_look("end", "outcome"), "index": 3}, {**_look("x"), "index": 4})
    reply = session.reply(*steps)
    if reply["declined"]:
        raise Unasked("the agent declines attempts, so that no clause about refusals will be asked of it")
    outcome = dict(reply["observations"]).get(3, {})
    if outcome.get("outcome") != "refused" or outcome["at"] != 2:
        raise Wrong(
            f"instruction 2 reads a name that nothing binds; the attempt should end as refused there, and is {outcome}"
        )


def _fails(session: Session) -> None:
    reply = session.reply(_leaf("x", [1], "1"), _look("x"), _apply("y", "add", "x", "nobody"), _look("y"))
    failure = reply["failure"]
    if not failure or failure["at"] != 2 or [index for index, _ in reply["observations"]] != [1]:
        raise Wrong(f"instruction 2 reads a name that nothing binds; awaited its failure, got {failure}")


def _forgets(session: Session) -> None:
    session.reply(_leaf("past", [1], "1"), _look("past"))
    failure = session.reply(_apply("y", "add", "past", "past"), _look("y"))["failure"]
    if not failure or failure["at"] != 0:
        raise Wrong("a program could read a name that another program bound")


def _repeats(session: Session) -> None:
    first, second = (session.seen(*_TINY) for _ in range(2))
    if first != second:
        raise Wrong(f"the same program was answered by {first}, then by {second}")


def _traces(session: Session) -> None:
    agent = session.agent
    before = len(agent.heard)
    session.reply(*_TINY, trace=True)
    announced = list(dict.fromkeys(message.get("at") for message in agent.heard[before:-1]))
    if announced != list(range(len(_TINY))):
        raise Wrong(f"instructions 0 to {len(_TINY) - 1} were executed, and {announced} announced")


def _takes_long_lines(session: Session) -> None:
    values = [str(n) for n in range(20_000)]
    _same(session.seen(_leaf("x", [len(values)], *values), _look("x"))[0], [len(values)], values)


def _ends(session: Session) -> None:
    agent = session.agent
    try:
        agent.hang_up(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        raise Wrong(f"it still ran {_ENDING_SECONDS:g} s after its input was closed") from None
    finally:
        session.close()


@dataclass(frozen=True)
class Check:
    """One check: what is asked, and what to do when it fails."""

    what: str
    check: Callable[[Session], None]
    advice: str


CHECKS: Final = (
    Check("computes x * x and its gradient", _computes, "execute leaf, apply, gradients and expect in their order"),
    Check(
        "reads and writes exact numbers", _numbers, "divide p/q in binary64; write digits alone only if they are exact"
    ),
    Check("writes inf, -inf, nan and -0", _specials, "see 'Numbers' of the protocol; a negative zero is -0.0"),
    Check("keeps shapes: 0-d, empty, 2-d", _shapes, "values are row-major; the shape is the tensor's, not the lists'"),
    Check(
        "declines an unknown verb",
        _declines({"verb": "no_such_verb"}),
        "look at all verbs first; name what you lack in declined, and execute nothing",
    ),
    Check(
        "declines an unknown operator",
        _declines(_leaf("x", [1], "1"), _apply("y", "no_such_operator", "x")),
        "look at all operators first; name what you lack in declined, and execute nothing",
    ),
    Check(
        "reports a refusal in an attempt",
        _refuses,
        "catch the engine's error; bind outcome, at, kind, type and message",
    ),
    Check("reports a failure and lives on", _fails, "end the program, not the agent; keep what was observed before"),
    Check("forgets names", _forgets, "bind names anew in every program"),
    Check("answers twice alike", _repeats, "restore whatever a program changes"),
    Check("announces instructions", _traces, "with trace true, send and flush at before each instruction"),
    Check("takes long lines", _takes_long_lines, "read until the end of the line, write until all is written"),
    Check("ends when its input closes", _ends, "end the process at the end of standard input"),
)


def examined(adapter: Adapter, python: str, timeout: float) -> int:
    """Prints every check; 0 when all are well, 4 otherwise."""
    session = Session(adapter, python, timeout)
    try:
        ready = session.agent.ready
        if lacking := [key for key in ("language", "runtime", "version") if not isinstance(ready.get(key), str)]:
            say(f"FAIL  greets: ready lacks {', '.join(lacking)}, as texts")
            return EngineError.exit_code
        say(f"ok    greets: {ready['language']} {ready['runtime']}, engine {ready['version']}")
        if not _well(CHECKS[0], session):
            say("      the other checks stand on this one; an agent that needs an adapter is sent one by --engine")
            return EngineError.exit_code
        wrong = [check for check in CHECKS[1:] if not _well(check, session)]
    finally:
        session.close()
    say(f"{len(wrong)} of {len(CHECKS) + 1} checks failed" if wrong else "the agent speaks the protocol")
    return EngineError.exit_code if wrong else 0


def _well(check: Check, session: Session) -> bool:
    try:
        check.check(session)
    except Wrong as reason:
        say(f"FAIL  {check.what}: {reason}\n      {check.advice}")
        return False
    except Unasked as reason:
        say(f"--    {check.what}: {reason}")
        return True
    say(f"ok    {check.what}")
    return True
