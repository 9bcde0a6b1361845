"""Where candidates are tried: one engine in its own process, one adapter after another, and what the model says of each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.adapter import Adapter
from conformance.errors import EngineError
from conformance.execution import Engine
from conformance.judge import Finding, judge
from conformance.operators import OPERATORS
from conformance.probing.questions import Question, asked
from conformance.program import Program

# What an outcome is worth: a candidate whose outcome is worth nothing is never taken.
RIGHT, DERIVATIVE, REFUSED, WRONG, NOTHING = 4, 3, 2, 1, 0
# Python's own complaints: what was tried is not there, or gives what is no tensor.
_PYTHONS: Final = ("AttributeError", "NameError", "TypeError", "SyntaxError", "IndexError")
_ABSENT: Final = ("AttributeError", "NameError")
# What may leave the engine's process changed for whatever is tried next.
_STATEFUL: Final = ("no_grad", "enable_grad", "grad_enabled")
# A Rust extension's panic is no refusal: it is taken as a lost process is.
_PANICS: Final = ("PanicException",)
# What the functional shape has no use for.
_OF_OBJECTS: Final = (
    "backward",
    "grad_of",
    "set_grad",
    "clear.none",
    "clear.zero",
    "hook",
    "remove",
    "retain_grad",
    "grad",
)
# What is not there is no reason to end the process: a look is answered, and nothing has to be started again.
_LOOKING: Final = """
def looked(see):
    try:
        return "=" + str(see())
    except Exception:
        return ""
"""
_NAMED: Final = re.compile(r"\bNS\.(\w+)")
_LONGEST_LOOK: Final = 1900


@dataclass(frozen=True)
class Outcome:
    """What came of one candidate: its worth, a few words, the spelling that raised, the verdict, and where its program ended."""

    worth: int
    note: str = ""
    spelling: str = ""
    verdict: str = ""
    at: int = -1


@dataclass(frozen=True)
class Guess:
    """What was decided about a key: the text, if any, how it did, and what was tried without success."""

    key: str
    text: str | None
    outcome: Outcome
    tried: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Attempt:
    """How far one way to make a leaf got: a rank, the text that raised if it was another, and a few words."""

    rank: tuple[int, int, bool]
    leaf: str
    text: str
    note: str


@dataclass(frozen=True)
class Found:
    """What probing came to: the adapter, what was decided about each key, and how many programs were tried."""

    adapter: Adapter
    guesses: tuple[Guess, ...]
    trials: int


class Laboratory:
    """One engine under trial. A context manager; `draft` is the adapter so far."""

    def __init__(self, draft: Adapter, python: str, timeout: float) -> None:
        self.draft = draft
        self.python = python
        self.timeout = timeout
        self.guesses: list[Guess] = []
        self.attempts: dict[str, Attempt] = {}
        self.trials = 0
        self.engine = Engine(draft, python, timeout)
        self.modules: tuple[str, ...] = ()
        self.names: dict[str, frozenset[str]] = {}

    def __enter__(self) -> Laboratory:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    # --- looking around

    def look(self, expression: str) -> str | None:
        """The text of an expression in the engine's process; None when it cannot be had."""
        seen = replace(self.draft, prelude=self.draft.prelude + _LOOKING, version=f"looked(lambda: {expression})")
        try:
            self.engine.respelled(seen)
        except EngineError:
            return None
        text = str(self.engine.ready["version"])
        return text[1:] if text.startswith("=") else None

    def survey(self, texts: Iterable[str]) -> None:
        """Learns which modules of the engine have which of the names that candidates want."""
        wanted = sorted({name for text in texts for name in _NAMED.findall(text)})
        for module in self.modules:
            found: set[str] = set()
            for some in _chunks(wanted):
                found.update((self.look(f"' '.join(n for n in {some!r} if hasattr({module}, n))") or "").split())
            self.names[module] = frozenset(found)

    def expanded(self, candidates: Iterable[str]) -> Iterator[str]:
        """The candidates with each module of the engine that has the name; without NumPy where there is none."""
        for text in candidates:
            named = _NAMED.search(text)
            if not named:
                yield text
                continue
            for module, names in self.names.items():
                if named[1] in names:
                    yield text.replace("NS.", f"{module}.")

    # --- trying

    def tried(self, adapter: Adapter, question: Question | Program, dtype: str = "") -> Outcome:
        """What comes of a question, answered by the engine through `adapter`; never raises for what the engine does."""
        self.trials += 1
        program = question if isinstance(question, Program) else asked(question, dtype or next(iter(adapter.dtypes)))
        try:
            self.engine.respelled(adapter)
        except EngineError as reason:
            return Outcome(NOTHING, str(reason))
        outcome = _outcome(program, self.engine.run(program))
        self._remember(adapter, program, outcome)
        return outcome

    def _remember(self, adapter: Adapter, program: Program, outcome: Outcome) -> None:
        """Keeps how far the leaf got at best: later questions have longer programs; that something is not there says least.

        What does not name the engine is no attempt: NumPy makes a leaf whatever the engine does.
        """
        leaf = adapter.spellings.get("leaf", "")
        text = adapter.spellings.get(outcome.spelling, leaf)
        rank = len(list(program.walk())), outcome.at, not outcome.note.startswith(_ABSENT)
        farther = leaf not in self.attempts or rank > self.attempts[leaf].rank
        if outcome.at >= 0 and farther and adapter.module in leaf + text:
            self.attempts[leaf] = Attempt(rank, leaf, "" if text == leaf else text, outcome.note)

    def choose(self, key: str, candidates: Iterable[str], question: Question, dtype: str = "") -> Guess:
        """Tries candidates for a key in their order; the draft takes the first that is right, else the best that is worth it.

        What a candidate for a mode may have left changed is gone afterwards, with the process.
        """
        best: tuple[Outcome, str] | None = None
        failed: list[tuple[str, str]] = []
        for marked in self.expanded(candidates):
            canonical, text = not marked.startswith("?"), marked.removeprefix("?")
            outcome = self.tried(self.spelt(**{key: text}), question, dtype)
            if outcome.worth == RIGHT:
                best = outcome, text
                break
            failed.append((text, outcome.note))
            meant = canonical or (outcome.worth == DERIVATIVE and key in OPERATORS)
            worth = outcome.worth if meant else NOTHING
            if worth and (best is None or worth > best[0].worth):
                best = outcome, text
        taken = best[1] if best else None
        guess = Guess(
            key, taken, best[0] if best else Outcome(NOTHING), tuple(row for row in failed if row[0] != taken)
        )
        self.settle(guess)
        if key in _STATEFUL:
            self.restart()
        return guess

    def settle(self, guess: Guess) -> None:
        """Notes a guess, and spells it in the draft."""
        self.guesses.append(guess)
        if guess.text is not None:
            self.draft = self.spelt(**{guess.key: guess.text})

    def spelt(self, **spellings: str | None) -> Adapter:
        """The draft with other spellings; None takes one out."""
        merged = {**self.draft.spellings, **spellings}
        return replace(self.draft, spellings={key: text for key, text in merged.items() if text is not None})

    def restart(self) -> None:
        """Ends the engine's process: what a candidate may have left changed is gone."""
        self.engine.close()

    def refusal(self, question: Question) -> tuple[str, str, bool] | None:
        """The exception by which the engine refuses what a question provokes: its name, its message, and whether it is mapped."""
        program = asked(question, next(iter(self.draft.dtypes)))
        with contextlib.suppress(EngineError):
            self.engine.respelled(self.draft)
            reply = self.engine.run(program)
            if not isinstance(reply, Finding):
                for _, seen in reply["observations"]:
                    if seen.get("outcome") == "refused":
                        return seen["type"], seen["message"], seen["kind"] is not None
        return None


def applicable(adapter: Adapter, key: str) -> bool:
    """Whether a key can make a difference: an option needs a verb that takes options, and each shape has keys of its own."""
    verb, option, _ = key.partition(".")
    if verb in ("backward", "grad") and option:
        template = adapter.spellings.get(verb, "")
        return adapter.shape == "eager" and ("{arguments}" in template or "{options}" in template)
    written = verb in ("write", "unbind", "version")
    return not written if adapter.composed else adapter.shape == "eager" or not (written or key in _OF_OBJECTS)


def _outcome(program: Program, reply: Mapping[str, Any] | Finding) -> Outcome:
    if isinstance(reply, Finding):
        return Outcome(
            WRONG, f"{reply.verdict}: {reply.message}", "", reply.verdict, -1 if reply.at is None else reply.at
        )
    if reply["declined"]:
        return Outcome(NOTHING, f"needs {', '.join(reply['declined'])}", verdict="declined")
    finding = judge(program, reply).finding
    if finding is None:
        return Outcome(RIGHT, verdict="pass")
    spelling, at = (reply["failure"] or {}).get("spelling") or "", -1 if finding.at is None else finding.at
    worth, note = _weighed(program, finding, spelling, at)
    return Outcome(worth, note, spelling, finding.verdict, at)


def _weighed(program: Program, finding: Finding, spelling: str, at: int) -> tuple[int, str]:
    """How much a finding is worth, and a few words: was something right before it, and was it a number or an exception?"""
    its = dict(program.walk())
    made = {it.out[0]: it.verb for it in its.values() if it.out}
    seen = [index for index, it in its.items() if it.verb == "expect"]
    earlier = any(index < at for index in seen)
    got = finding.got or finding.message
    if got.startswith(_PANICS):
        return WRONG, got
    if finding.verdict == "fail" and at in seen and not spelling:
        derivative = earlier and made[str(its[at].args[0])] != "apply"
        return (DERIVATIVE if derivative else WRONG), f"expected {finding.expected}, got {finding.got}"
    pythons = got.partition(":")[0] in _PYTHONS
    return (REFUSED if earlier and not pythons else NOTHING), got


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    """Some names at a time, so that the answer is not clipped."""
    some: list[str] = []
    for name in names:
        if sum(len(each) + 1 for each in some) + len(name) > _LONGEST_LOOK:
            yield some
            some = []
        some.append(name)
    yield some
