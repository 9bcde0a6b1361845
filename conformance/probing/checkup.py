"""A checkup of an adapter: which of its spellings work, whose fault it is when one does not, and what it could offer besides."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.adapter import Adapter
from conformance.judge import head
from conformance.operators import OPERATORS
from conformance.probing import candidates as table
from conformance.probing import operators
from conformance.probing.laboratory import NOTHING, REFUSED, RIGHT, WRONG, Laboratory, Outcome, applicable
from conformance.probing.protocol import QUESTIONS
from conformance.probing.questions import Question, operator

# Whether the engine raised, and what the outcome is worth -> what to do. An exception after a right value is the engine's.
_BROKEN: Final = (True, NOTHING)
_ADVICE: Final = {
    _BROKEN: "correct the spelling, or leave it out",
    **dict.fromkeys(((True, REFUSED), (False, REFUSED)), "it gives a right value, and then the engine raises"),
    (True, WRONG): "the engine panics",
}
_DOES_NOT_CONFORM: Final = "the spelling runs, the engine does not conform"
_MAKER: Final = re.compile(r"([A-Za-z_][\w.]*)\(")
_ROWS: Final = {**operators.OPERATORS, **table.STATE}


@dataclass(frozen=True)
class Diagnosis:
    """What is known of one key: a word for it (works, wrong, broken, declined), and a sentence that says what to do."""

    key: str
    word: str
    sentence: str = ""


def diagnosed(laboratory: Laboratory) -> Iterator[Diagnosis]:
    """A diagnosis of each key that has a tiny program; nothing is said of one whose program needs what is not offered."""
    adapter, left_out = laboratory.draft, []
    laboratory.modules = _imported(adapter)
    laboratory.survey(text for texts in _ROWS.values() for text in texts)
    for key, question in _questions():
        if key not in adapter.spellings:
            left_out.append((key, question))
            continue
        outcome = laboratory.tried(adapter, question)
        if outcome.verdict == "declined":
            continue
        other = "" if outcome.worth == RIGHT else _working(laboratory, key, question)
        yield _spelled(key, adapter.spellings[key], outcome, other)
    for key, question in left_out:
        if text := _working(laboratory, key, question):
            yield Diagnosis(key, "declined", f'but it works: add "{key}": "{text}"')


def emulated(adapter: Adapter) -> list[str]:
    """What is made of other things than the engine's own."""
    no_cotangent = (
        adapter.shape == "eager" and "backward" in adapter.spellings and "backward.cotangent" not in adapter.spellings
    )
    return [*adapter.composed, *(["a cotangent, as sum(y * v)"] if no_cotangent else [])]


def _questions() -> Iterator[tuple[str, Question]]:
    yield from QUESTIONS.items()
    yield from ((key, operator(key)) for key in (*OPERATORS, "index.list"))


def _spelled(key: str, text: str, outcome: Outcome, other: str) -> Diagnosis:
    if outcome.worth == RIGHT:
        return Diagnosis(key, "works")
    seen = outcome.verdict in ("error", "unsupported"), outcome.worth
    advice = [_ADVICE.get(seen, _DOES_NOT_CONFORM)]
    if outcome.verdict == "error" and seen != _BROKEN:
        name, _, message = outcome.note.partition(": ")
        row = f'("unsupported", "{name}", "{head(next(iter(message.splitlines()), ""))}")'
        advice.append(f"a row {row} of refusals says so, and its cases stay red")
    if other:  # then a spelling mends it, whatever the engine did with this one
        advice = [*(advice if seen == _BROKEN else ()), f'this works: "{key}": "{other}"']
    return Diagnosis(key, "broken" if seen == _BROKEN else "wrong", "; ".join([f'"{text}": {outcome.note}', *advice]))


def _working(laboratory: Laboratory, key: str, question: Question) -> str:
    """The first of the candidates of `try` that is right, for a key that the adapter leaves out or spells otherwise."""
    adapter = laboratory.draft
    if key not in _ROWS or not applicable(adapter, key) or (adapter.composed and key in OPERATORS):
        return ""
    maker = _MAKER.match(adapter.spellings["leaf"])
    gradient = adapter.spellings.get("grad_of", "{a}.grad")
    texts = [text.replace("MAKER", maker[1] if maker else "MAKER").replace("GRADIENT", gradient) for text in _ROWS[key]]
    noted = len(laboratory.guesses)
    guess = laboratory.choose(key, texts, question)
    laboratory.draft = adapter
    del laboratory.guesses[noted:]
    return guess.text or "" if guess.outcome.worth == RIGHT else ""


def _imported(adapter: Adapter) -> tuple[str, ...]:
    """What the prelude calls the engine's modules, or takes from them. Another's functions would only emulate the engine's."""
    own = adapter.module.partition(".")[0]
    names = [
        alias.asname or alias.name
        for node in ast.parse(adapter.prelude).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
        if (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0] == own
    ]
    return tuple(dict.fromkeys(names))
