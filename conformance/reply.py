"""What an agent may reply: nothing of another shape reaches the judge. `conformance/schema/` says the same as a JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.capabilities import KINDS
from conformance.program import Program

Json = Mapping[str, Any]

# A number as text: digits are an exact integer, p/q a rational, what has a point or an exponent is read as a binary64.
NUMBER: Final = r"^(-?([0-9]+(/0*[1-9][0-9]*)?|[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|inf)|nan)$"
_NUMBER: Final = re.compile(NUMBER)
LONGEST: Final = 4000  # characters of a number; Python refuses to read more than 4300 digits


class Malformed(Exception):
    """A reply that the protocol does not allow; the text says what is wrong with it."""


def checked(reply: Json, program: Program) -> Json:
    """`reply`, when it is one that the protocol allows to `program`; raises Malformed."""
    instructions = dict(program.walk())
    for key, legal in _FIELDS.items():
        if not legal(reply.get(key)):
            raise Malformed(f"a reply whose {key!r} is missing or malformed")
    failure = reply.get("failure", "missing")
    if failure is not None and not (_is_refusal(failure) and failure.get("at") in instructions):
        raise Malformed("a reply whose 'failure' is malformed")
    for index, seen in reply["observations"]:
        it = instructions.get(index)
        if it is None or it.verb != "expect" or not _legal(it.options["observe"], seen):
            raise Malformed(f"a reply with a malformed observation of instruction {index}")
    if not reply["declined"] and (unseen := _unseen(program, reply)):
        raise Malformed(f"a reply without the observation of instruction {unseen[0]}")
    return reply


def _unseen(program: Program, reply: Json) -> list[int]:
    """The expectations that were reached and not observed: all before a failure, but those after a refusal in its block."""
    seen, failure = dict(reply["observations"]), reply.get("failure")
    end = failure["at"] if failure else math.inf
    refused = {
        it.args[0]: seen[index]["at"]
        for index, it in program.walk()
        if index in seen and seen[index].get("outcome") == "refused"
    }
    skipped = {
        inner
        for index, it in program.walk()
        if it.verb == "attempt" and it.out[0] in refused
        for inner in range(refused[it.out[0]] + 1, index + it.size())
    }
    expected = [index for index, it in program.walk() if it.verb == "expect" and index < end]
    return [index for index in expected if index not in seen and index not in skipped]


def _legal(kind: str, seen: Any) -> bool:
    legal = _KINDS.get(kind, _is_flag)
    return legal(seen)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of(legal: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(legal(part) for part in value)


def _is_duration(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


def _is_leak(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(value.get(key)) for key in ("name", "before", "after"))


def _is_entry(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _is_count(value[0]) and isinstance(value[1], dict)


def _is_refusal(value: Any) -> bool:
    named = isinstance(value, dict) and _is_text(value.get("type")) and _is_text(value.get("message"))
    return named and _is_count(value.get("at")) and "kind" in value and value["kind"] in (*KINDS, None)


def _is_number(value: Any) -> bool:
    return _is_text(value) and len(value) <= LONGEST and _NUMBER.fullmatch(value) is not None


def _is_array(seen: Any) -> bool:
    whole = isinstance(seen, dict) and _is_list_of(_is_count)(seen.get("shape")) and _is_text(seen.get("dtype", ""))
    return whole and _is_list_of(_is_number)(seen.get("values"))


def _is_tensor(seen: Json) -> bool:
    return seen.get("absent") is True or _is_array(seen)


def _is_outcome(seen: Json) -> bool:
    return seen.get("outcome") == "accepted" or (seen.get("outcome") == "refused" and _is_refusal(seen))


def _is_flag(seen: Any) -> bool:
    return isinstance(seen, dict) and isinstance(seen.get("flag"), (bool, str))


_FIELDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "observations": _is_list_of(_is_entry),
    "declined": _is_list_of(_is_text),
    "leaks": _is_list_of(_is_leak),
    "seconds": _is_duration,
}
_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "tensor": _is_tensor,
    "grad": _is_tensor,
    "calls": lambda seen: _is_list_of(lambda call: _is_array(call) or _is_flag(call))(seen.get("calls")),
    "warnings": lambda seen: _is_list_of(_is_text)(seen.get("warnings")),
    "outcome": _is_outcome,
    "text": lambda seen: _is_text(seen.get("text")),
}
