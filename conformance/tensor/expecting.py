"""What must be seen: expectations, each checked against the model while it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

from conformance.judge import RELATIONS, show, show_expected
from conformance.model import numbers
from conformance.model.state import State
from conformance.program import Instruction
from conformance.tensor.recorder import Observed, SpecificationError, current
from conformance.tensor.tensor import Gradient, Tensor


class Named(Protocol):
    """Something that an expectation can depend on: an attempt."""

    name: str
    outcome: dict[str, Any]


Subject = Tensor | Gradient | Observed
_NOTHING: Final = {"absent": True}


def expect(subject: Subject, value: Any, why: str = "", *, when: tuple[Named, str] | None = None) -> None:
    """What must be seen here: `value` comes from a formula in the clause, never from an engine."""
    _expect(subject, "equals", _value(subject, value), why, when)


def expect_one_of(subject: Subject, values: Sequence[Any], why: str = "") -> None:
    """One of `values` must be seen here."""
    _expect(subject, "one_of", {"choices": [_value(subject, value) for value in values]}, why, None)


def expect_within(subject: Subject, low: Any, high: Any, what: str) -> None:
    """A convention: every element lies in [low, high]; what is seen there is recorded under the name `what`."""
    _expect(subject, "within", {"low": _value(subject, low), "high": _value(subject, high)}, what, None)


def expect_matches(subject: Observed, *patterns: str, why: str = "") -> None:
    """A text, or each of the warnings in order, must hold a match of a regular expression."""
    _expect(subject, "matches", {"patterns": list(patterns)}, why, None)


def _expect(subject: Subject, relation: str, value: Any, why: str, when: tuple[Named, str] | None) -> None:
    kind, args, answer = _answer(subject)
    dtype = current().dtype
    condition = [when[0].name, when[1]] if when else None
    if when and when[1] not in ("accepted", "refused"):
        raise SpecificationError(f"an attempt is accepted or refused, never {when[1]!r}")
    modelled = when is None or when[0].outcome["outcome"] == when[1]
    if answer and modelled and not RELATIONS[relation](answer, value, dtype):
        said, wanted = show(answer), show_expected(relation, value)
        raise SpecificationError(
            f"clause and model disagree about {kind} of {args}: model {said}, clause {wanted}; {why}"
        )
    options = {"observe": kind, "relation": relation, "value": value, "why": why}
    if isinstance(subject, Observed) and subject.template:
        options["native"] = subject.template
    if condition:
        options["when"] = condition
    current().put(Instruction("expect", (), args, options))


def _answer(subject: Subject) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The kind of observation, its operands, and the model's answer."""
    if isinstance(subject, Observed):
        return subject.kind, subject.args, subject.answer
    if isinstance(subject, Gradient):
        state = subject.owner.state.grad
        return "grad", (subject.owner.name,), _array(state) if state else _NOTHING
    return "tensor", (subject.name,), _array(subject.state)


def _array(state: State) -> dict[str, Any]:
    return _typed(numbers.to_json(state.value.array), state)


def _typed(value: dict[str, Any], state: State | None) -> dict[str, Any]:
    """A value whose dtype is said when it is not the program's."""
    return {**value, "dtype": state.dtype} if state and state.dtype else value


def _value(subject: Subject, value: Any) -> Any:
    if isinstance(subject, Observed):
        return _observed_value(subject.kind, value)
    if value is None:
        return _NOTHING
    state = subject.state if isinstance(subject, Tensor) else subject.owner.state.grad
    return _typed(numbers.to_json(numbers.exact_array(value)), state)


def _observed_value(kind: str, value: Any) -> dict[str, Any]:
    if kind == "calls":
        return {"calls": [_call(call) for call in value]}
    if kind == "outcome":
        return dict(value)
    if kind == "version":
        return {"flag": str(value)}
    return {"text": value} if kind == "text" else {"flag": value}


def _call(call: Any) -> dict[str, Any]:
    if isinstance(call, dict):
        return call
    if isinstance(call, bool):
        return {"flag": call}
    return numbers.to_json(numbers.exact_array(np.asarray(call, dtype=object)))
