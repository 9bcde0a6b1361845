"""A checkup of an adapter: which of its spellings work, whose fault it is when one does not, and what it could offer besides."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.adapter import Adapter
from conformance.operators import OPERATORS
from conformance.probing import candidates as table
from conformance.probing import operators
from conformance.probing.laboratory import RIGHT, Laboratory, Outcome, applicable
from conformance.probing.protocol import QUESTIONS
from conformance.probing.questions import Question, operator

# An exception that no row maps, or a name that is not there, is the adapter's; every other finding is the engine's.
_OF_THE_ADAPTER: Final = ("error", "unsupported")
_MAKER: Final = re.compile(r"([A-Za-z_][\w.]*)\(")


@dataclass(frozen=True)
class Diagnosis:
    """What is known of one key: a word for it (works, wrong, broken, declined), and a sentence that says what to do."""

    key: str
    word: str
    sentence: str = ""


def diagnosed(laboratory: Laboratory) -> Iterator[Diagnosis]:
    """A diagnosis of each key that has a tiny program; nothing is said of one whose program needs what is not offered."""
    adapter = laboratory.draft
    for key, question in _questions():
        if key in adapter.spellings:
            outcome = laboratory.tried(adapter, question)
            if outcome.verdict != "declined":
                yield _spelled(key, adapter.spellings[key], outcome)
    yield from _declined(laboratory)


def emulated(adapter: Adapter) -> list[str]:
    """What is made of other things than the engine's own."""
    no_cotangent = (
        adapter.shape == "eager" and "backward" in adapter.spellings and "backward.cotangent" not in adapter.spellings
    )
    return [*adapter.composed, *(["a cotangent, as sum(y * v)"] if no_cotangent else [])]


def _questions() -> Iterator[tuple[str, Question]]:
    yield from QUESTIONS.items()
    yield from ((key, operator(key)) for key in (*OPERATORS, "index.list"))


def _spelled(key: str, text: str, outcome: Outcome) -> Diagnosis:
    if outcome.worth == RIGHT:
        return Diagnosis(key, "works")
    if outcome.verdict in _OF_THE_ADAPTER:
        return Diagnosis(key, "broken", f'"{text}": {outcome.note}; correct the spelling, or leave it out')
    return Diagnosis(key, "wrong", f'"{text}": {outcome.note}; the spelling runs, the engine does not conform')


def _declined(laboratory: Laboratory) -> Iterator[Diagnosis]:
    """The keys that are left out although one of the candidates of `try` is right."""
    adapter = laboratory.draft
    rows = {**operators.OPERATORS, **table.STATE}
    laboratory.modules = _imported(adapter.prelude)
    laboratory.survey(text for texts in rows.values() for text in texts)
    found = _MAKER.match(adapter.spellings["leaf"])
    for key, question in _questions():
        if key in adapter.spellings or key not in rows or not applicable(adapter, key):
            continue
        if adapter.composed and key in OPERATORS:
            continue
        texts = [
            text.replace("MAKER", found[1] if found else "MAKER").replace(
                "GRADIENT", adapter.spellings.get("grad_of", "{a}.grad")
            )
            for text in rows[key]
        ]
        before, noted = laboratory.draft, len(laboratory.guesses)
        guess = laboratory.choose(key, texts, question)
        laboratory.draft = before
        del laboratory.guesses[noted:]
        laboratory.restart()
        if guess.outcome.worth == RIGHT and guess.text:
            yield Diagnosis(key, "declined", f'but it works: add "{key}": "{guess.text}"')


def _imported(prelude: str) -> tuple[str, ...]:
    """What the prelude calls the modules that it imports, or what it takes from them."""
    imports = [node for node in ast.parse(prelude).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return tuple(dict.fromkeys(name.asname or name.name for node in imports for name in node.names))
