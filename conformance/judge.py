"""The judge: compares what an engine let us see with what the specification says. No tolerance anywhere.

An expected value is JSON, as it stands in a program's `expect`: {"shape", "values"} with exact rationals, {"absent": true},
{"flag": ...}, {"text": ...}, {"calls": [...]}, {"outcome": ...}. A relation says how the observed value must relate to it:

    equals      the same; for tensors value, shape and, where the engine has dtypes, dtype
    one_of      equal to one of a list
    matches     a text, or each of several warnings in order, holds a regular expression's match
    near        every number within the error that rounding allows (see enclosure.py)
    within      every element between {"low"} and {"high"}, same shape: the admissible set of a convention
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from conformance.enclosure import fails, near, outcomes
from conformance.program import Instruction, Program

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A disagreement: a verdict, the instruction that shows it, and what was expected and seen, as text.

    also: what a script must print besides, since a value alone would not show it: its `dtype` or `shape`, or the state that was
    left changed.
    """

    verdict: str
    at: int | None
    message: str
    expected: str = ""
    got: str = ""
    why: str = ""
    also: str = ""


@dataclass(frozen=True)
class Judgement:
    """The judgement of one program: how many comparisons were made, and the first disagreement, if any.

    seen: what was chosen within an admissible set. outcomes: for numbers that were enclosed, what came of each, with its error as
    a part of what is accepted.
    """

    compared: int
    finding: Finding | None = None
    seen: Mapping[str, str] | None = None
    outcomes: tuple[tuple[str, float], ...] = ()


def judge(program: Program, reply: Json) -> Judgement:
    """Judges an agent's reply (schema in docs/agent-protocol.md) to `program`."""
    observed = dict(reply["observations"])
    endings = dict(_endings(program, observed))
    compared, seen, enclosed = 0, {}, list[tuple[str, float]]()
    for index, it in program.walk():
        if it.verb == "expect" and index in observed and _applies(it, endings):
            compared += 1
            found = _enclosed(it, observed[index], program.dtype)
            enclosed.extend(found)
            finding = _compare(index, it, observed[index], program.dtype, found)
            if finding:
                return Judgement(compared, finding, None, tuple(enclosed))
            if it.options["relation"] in ("within", "one_of"):
                # How an attempt ended is the choice; the words of a refusal are not.
                seen[it.options["why"]] = observed[index].get("outcome") or show(observed[index])
    return Judgement(compared, _failure(program, reply) or _leak(reply), seen, tuple(enclosed))


def _endings(program: Program, observed: Mapping[int, Json]) -> Iterable[tuple[str, str]]:
    for index, it in program.walk():
        if it.verb == "expect" and it.options["observe"] == "outcome" and index in observed:
            yield str(it.args[0]), observed[index]["outcome"]


def _applies(it: Instruction, endings: Mapping[str, str]) -> bool:
    """Whether an expectation holds only after an attempt ended in one way, and it did."""
    condition = it.options.get("when")
    return condition is None or endings.get(condition[0]) == condition[1]


def _enclosed(it: Instruction, seen: Json, dtype: str) -> list[tuple[str, float]]:
    """What came of each number, where numbers are enclosed."""
    return outcomes(seen, it.options["value"], dtype) if it.options["relation"] == "near" else []


def _compare(
    index: int, it: Instruction, seen: Json, dtype: str, enclosed: Sequence[tuple[str, float]]
) -> Finding | None:
    wanted, why = it.options["value"], it.options["why"]
    relation = it.options["relation"]
    if it.options["observe"] == "outcome" and seen["outcome"] == "refused" and seen["kind"] is None:
        return Finding(
            "error", index, unmapped(seen, _awaited(wanted)), show_expected(relation, wanted), show(seen), why
        )
    if not fails(enclosed) if enclosed else RELATIONS[relation](seen, wanted, dtype):
        return None
    message = f"{_subject(it)} is not what the specification says"
    got, also = show(seen), _untold(seen, wanted, dtype)
    if also == "dtype":
        got += f" of {seen['dtype']}, not {wanted.get('dtype', dtype)}"
    elif not also and "shape" in seen and "shape" in wanted and list(seen["shape"]) != list(wanted["shape"]):
        got += f" of shape {tuple(seen['shape'])}, not {tuple(wanted['shape'])}"
    return Finding("fail", index, message, show_expected(relation, wanted), got, why, also)


def _untold(seen: Json, wanted: Json, dtype: str) -> str:
    """What differs and is not told by a value's nested lists: the dtype, or the shape of what is empty."""
    dtype = wanted.get("dtype", dtype)
    if seen.get("dtype", dtype) != dtype:
        return "dtype"
    empty = seen.get("values") == wanted.get("values") == []
    return "shape" if empty and list(seen["shape"]) != list(wanted["shape"]) else ""


_SUBJECTS: Final[Mapping[str, str]] = {
    "tensor": "{0}",
    "grad": "{0}.grad",
    "calls": "what {0} was called with",
    "outcome": "how {0} ended",
    "grad_enabled": "the grad mode",
    "node_name": "the name of {0}'s node",
    "text": "the printed text of {0}",
    "data_entry": "{0}.data[0]",
    "shares_memory": "whether the data of {0} and {1} is in one place",
    "same": "whether {0} is {1}",
    "fewer_nodes": "whether {0} has fewer nodes than {1}",
    "warnings": "what was warned",
    "native": "what the engine's own words say",
}


def _subject(it: Instruction) -> str:
    kind: str = it.options["observe"]
    return _SUBJECTS.get(kind, f"{{0}}.{kind}").format(*it.args)


def _failure(program: Program, reply: Json) -> Finding | None:
    failure = reply["failure"]
    if failure is None:
        return None
    instruction = next(it for index, it in program.walk() if index == failure["at"])
    got = f"{failure['type']}: {failure['message']}"
    operator = instruction.options.get("operator") if instruction.verb == "apply" else None
    if operator and failure["kind"] == "unsupported":
        return Finding("unsupported", failure["at"], f"the engine refuses this use of {operator}", "a value", got)
    if operator and _lacks(failure, operator):
        return Finding("unsupported", failure["at"], f"the engine lacks {operator}", "a value", got)
    if failure["kind"] is None:
        sentence = unmapped(failure, reading=instruction.verb == "expect")
        return Finding("error", failure["at"], sentence, "no exception", got)
    what = f"reading {_subject(instruction)}" if instruction.verb == "expect" else instruction.verb
    message = f"{what} was refused as {failure['kind']}, but it is legal"
    return Finding("fail", failure["at"], message, "no exception", got)


# What Python raises when a spelling asks for what is not there, and when it is no Python, or not what the engine takes.
_LACKING: Final = frozenset({"AttributeError", "NotImplementedError", "NameError"})
_MISSPELT: Final = frozenset({"AttributeError", "NameError", "TypeError", "SyntaxError", "IndentationError"})
_FOUNDATIONS: Final = frozenset({"add", "mul", "sum"})
_LONGEST_HEAD: Final = 60


def _lacks(failure: Json, operator: str) -> bool:
    """Whether an operator's spelling names what the engine has not; without the foundations nothing can be judged at all."""
    return failure["kind"] is None and failure["type"] in _LACKING and operator not in _FOUNDATIONS


def _awaited(wanted: Json) -> str | None:
    """The kind of refusal that an outcome is expected to be."""
    kinds = [choice["kind"] for choice in wanted.get("choices", [wanted]) if choice.get("kind")]
    return kinds[0] if kinds else None


def unmapped(failure: Json, awaited: str | None = None, reading: bool = False) -> str:
    """The sentence about an exception that no row of the adapter's refusals maps.

    It names the spelling that raised it. When Python itself complains, or while something was only being read, that is what
    is wrong; otherwise, or where the refusal `awaited` would be right, there is a row to add.
    """
    name, message = str(failure["type"]), _first_line(failure)
    row = (
        "if it is a refusal, or a bug of the engine (then the kind is 'unsupported', and the case stays red), "
        f"add the row {(awaited or 'KIND', name, head(message))!r}"
    )
    if name == "Misspelt":
        return message
    if "spelling" not in failure:
        return f"an exception that the adapter does not map; {row}"
    spelling = f'the spelling {failure["spelling"]}: "{str(failure.get("template"))[:200]}"'
    if name not in _MISSPELT and not reading:
        return f"an exception that the adapter does not map, of {spelling}; {row}"
    sentence = f"{spelling} raised {name}: {message}"
    return f"{sentence}; {row}" if awaited else sentence


def _first_line(failure: Json) -> str:
    return next(iter(str(failure["message"]).splitlines()), "")


def head(message: str) -> str:
    """A regular expression for messages like this one: what comes before the first word with a figure or a bracket."""
    special = re.search(r"\s*\S*[\d()\[\]{}<>]", message)
    kept = message[: special.start()] if special and special.start() else message
    if len(kept) > _LONGEST_HEAD:
        kept = kept[:_LONGEST_HEAD].rsplit(" ", 1)[0]
    return re.escape(kept).replace("\\ ", " ")


def _leak(reply: Json) -> Finding | None:
    for leak in reply["leaks"]:
        message = f"the program changed the {leak['name']} for whatever runs next"
        return Finding("fail", None, message, leak["before"], leak["after"], also=leak["name"])
    return None


# --- relations


def equals(seen: Json, wanted: Json, dtype: str | None) -> bool:
    """Equal by value, shape and dtype; texts and flags as they are. `dtype` None compares values and shapes only."""
    if "calls" in wanted:
        calls = seen.get("calls")
        return (
            calls is not None
            and len(calls) == len(wanted["calls"])
            and all(equals(a, b, None) for a, b in zip(calls, wanted["calls"], strict=True))
        )
    if "values" not in wanted:
        return all(seen.get(key) == value for key, value in wanted.items())
    if "values" not in seen or list(seen["shape"]) != list(wanted["shape"]):
        return False
    if dtype is not None and seen.get("dtype", dtype) != wanted.get("dtype", dtype):
        return False
    pairs = zip(seen["values"], wanted["values"], strict=False)
    return len(seen["values"]) == len(wanted["values"]) and all(number(a) == Fraction(b) for a, b in pairs)


def one_of(seen: Json, wanted: Json, dtype: str | None) -> bool:
    """Equal to one of several."""
    return any(equals(seen, choice, dtype) for choice in wanted["choices"])


def within(seen: Json, wanted: Json, dtype: str | None) -> bool:
    """Every element between two bounds, inclusive; NaN is not."""
    low, high = wanted["low"], wanted["high"]
    if "values" not in seen or list(seen["shape"]) != list(low["shape"]) or seen.get("dtype", dtype) != dtype:
        return False
    numbers = [number(text) for text in seen["values"]]
    bounds = zip(numbers, low["values"], high["values"], strict=False)
    within_bounds = (n is not None and Fraction(a) <= n <= Fraction(b) for n, a, b in bounds)
    return len(numbers) == len(low["values"]) and all(within_bounds)


def matches(seen: Json, wanted: Json, dtype: str | None) -> bool:
    """One text matches the only pattern, or each warning its own."""
    patterns = wanted["patterns"]
    texts = seen["warnings"] if "warnings" in seen else [str(next(iter(seen.values())))]
    return len(texts) == len(patterns) and all(re.search(p, text) for p, text in zip(patterns, texts, strict=True))


RELATIONS: Final[Mapping[str, Callable[[Json, Json, str | None], bool]]] = {
    "equals": equals,
    "matches": matches,
    "near": near,
    "one_of": one_of,
    "within": within,
}


def number(text: str) -> Fraction | None:
    """The exact number that an engine's text stands for; None for NaN and infinities, which equal no rational."""
    if "/" in text or text.lstrip("-").isdigit():
        return Fraction(text)
    value = float(text)
    return Fraction(value) if math.isfinite(value) else None


# --- text


def show(value: Json) -> str:
    """A value as a person reads it."""
    if value.get("absent"):
        return "no gradient"
    if "values" in value:
        return _array(value)
    if "warnings" in value:
        return "; ".join(value["warnings"]) or "no warning"
    if "calls" in value:
        return f"{len(value['calls'])} calls" + "".join(f" {show(call)}" for call in value["calls"])
    if value.get("outcome") == "refused" and "type" in value:
        return f"refused: {value['type']}: {value['message']}"
    return str(next(iter(value.values()), ""))


def show_expected(relation: str, wanted: Json) -> str:
    """An expectation as a person reads it."""
    if relation == "one_of":
        return " or ".join(dict.fromkeys(show(choice) for choice in wanted["choices"]))
    if relation == "matches":
        return " then ".join(f"a text that matches {p!r}" for p in wanted["patterns"]) or "no warning"
    if relation == "within":
        return f"between {show(wanted['low'])} and {show(wanted['high'])}"
    if relation == "near":
        wide = {**wanted, "values": [str(2 * float(allowed)) for allowed in wanted["allowed"]]}
        return f"{show(wanted)}, each within {show(wide)}"
    if wanted.get("outcome") == "refused":
        return f"refused as {wanted['kind']}" if "kind" in wanted else "refused"
    return show(wanted)


def _array(value: Json) -> str:
    numbers = [float(Fraction(text)) if "/" in text else float(text) for text in value["values"]]
    try:
        array = np.array(numbers).reshape(value["shape"])
    except ValueError:
        return f"{numbers} of shape {tuple(value['shape'])}"
    shape = "" if array.size else f" of shape {array.shape}"
    return " ".join(np.array2string(array, separator=" ", floatmode="unique").split()) + shape
