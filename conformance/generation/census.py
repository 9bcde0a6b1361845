"""What was generated: operators, features, pairs of features and lengths, counted, so that a hole is visible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from conformance.program import Instruction, Program

_TALLIES = ("operators", "features", "pairs", "lengths", "unwritable")


@dataclass
class Census:
    """Counts over programs. A feature is a verb with an option, such as `backward retain_graph`, or what a generator named.

    pairs: two features in one program, as "a & b". lengths: instructions, expectations apart, in bins of five.
    unwritable: sketches of which nothing can be said, by reason.
    """

    programs: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    unwritable: Counter[str] = field(default_factory=Counter)

    def add(self, program: Program, kinds: Iterable[str] = ()) -> None:
        """Counts one program; `kinds` are features that its generator put into it on purpose."""
        self.programs += 1
        self.operators.update(program.operators())
        features = sorted({*kinds, *(name for _, it in program.walk() for name in _features(it))})
        self.features.update(features)
        self.pairs.update(" & ".join(pair) for pair in combinations(features, 2))
        least = len(program) // 5 * 5
        self.lengths[f"{least}-{least + 4}"] += 1

    def merge(self, data: Mapping[str, Any]) -> None:
        """Adds what `to_json` wrote."""
        self.programs += data["programs"]
        for name in _TALLIES:
            getattr(self, name).update(data[name])

    def to_json(self) -> dict[str, Any]:
        """The counts, each sorted by name."""
        return {"programs": self.programs, **{name: dict(sorted(getattr(self, name).items())) for name in _TALLIES}}


_IMPLIED = frozenset({"apply", "expect", "leaf"})  # in every program


def _features(it: Instruction) -> Iterator[str]:
    if it.verb not in _IMPLIED:
        yield it.verb
    for option, value in it.options.items():
        if it.verb in ("backward", "grad", "gradients") and value:
            yield f"{it.verb} {option}"
        elif option == "how":
            yield f"{it.verb} {value}"
        elif it.verb == "hook" and option == "body":
            yield from (f"hook {word}" for action in value for word in action)
    if it.verb == "hook":
        yield from (f"hook does {inner.verb}" for inner in it.body)
