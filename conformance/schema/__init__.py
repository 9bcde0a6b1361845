"""The messages between harness and agent as a JSON Schema, made of the tables that the harness itself uses.

`agent-protocol.json`, beside this file, is what `python -m conformance.schema` prints: a copy for whoever writes an agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from conformance.agent.text import LIMIT
from conformance.capabilities import KINDS
from conformance.execution import PROTOCOL
from conformance.operators import OPERATORS
from conformance.program import ANSWERS, ATTRIBUTES, SCHEMA, VERBS
from conformance.reply import LONGEST, NUMBER
from conformance.wellformed import FLOATS

Json = dict[str, Any]

PATH: Final = Path(__file__).resolve().parent / "agent-protocol.json"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
# An exact rational, as programs have it.
RATIONAL: Final = r"^-?[0-9]+(/0*[1-9][0-9]*)?$"
_CLIPPED: Final = LIMIT + 100  # a text says how long it was


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _object(required: Json, optional: Json | None = None, closed: bool = False) -> Json:
    """An object with these properties; what else it has does not matter unless it is closed."""
    found: Json = {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}
    return {**found, "additionalProperties": False} if closed else found


def _list(items: Json, least: int = 0, most: int | None = None) -> Json:
    """An array of so many items."""
    bounds = {"minItems": least, **({} if most is None else {"maxItems": most})}
    return {"type": "array", "items": items, **bounds}


def _one_of(names: Sequence[str]) -> Json:
    return {"enum": list(names)}


_TEXT: Final[Json] = {"type": "string"}
_WORDS: Final[Json] = {"type": "string", "maxLength": _CLIPPED}
_NAME: Final[Json] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_FLAG: Final[Json] = {"type": "boolean"}
_INTEGER: Final[Json] = {"type": "integer"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_SHAPE: Final = _list(_COUNT)
_SECONDS: Final[Json] = {"type": "number", "minimum": 0}
_SLICE: Final = _object({"slice": _list({"type": ["integer", "null"]}, 2, 2)}, closed=True)
_INDEX: Final[Json] = {"anyOf": [_INTEGER, _SLICE, _ref("indices")]}

# --- programs: what each option of an instruction may be

_OPTIONS: Final[Json] = {
    "value": _ref("value"),
    "requires_grad": _FLAG,
    "volatile": _FLAG,
    "dtype": _TEXT,
    "operator": _one_of(sorted(OPERATORS)),
    "axis": _INTEGER,
    "axes": _list(_INTEGER),
    "keepdim": _FLAG,
    "shape": _SHAPE,
    "index": _INDEX,
    "low": _INTEGER,
    "high": _INTEGER,
    "widths": _list(_COUNT, 2, 2),
    "shift": _INTEGER,
    "cotangent": {"anyOf": [_NAME, {"type": "null"}]},
    "retain_graph": _FLAG,
    "retain_variables": _FLAG,
    "create_graph": _FLAG,
    "allow_unused": _FLAG,
    "inputs": _list(_NAME),
    "text": _TEXT,
    "flag": _FLAG,
    "times": _COUNT,
    "body": _list(_ref("action")),
    "observe": _TEXT,
    "native": _TEXT,
}
_HOW: Final = {"clear": ("zero", "none"), "write": ("add", "mul", "set")}
_REQUIRED: Final = {
    "leaf": ("value", "requires_grad"),
    "variable": ("value", "requires_grad", "volatile"),
    "rewrap": ("requires_grad",),
    "apply": ("operator",),
    "native": ("text",),
    "clear": ("how",),
    "write": ("how",),
    "require_grad": ("flag",),
    "hook": ("body",),
    "repeat": ("times",),
    "expect": ("observe",),
}
# How many names an instruction binds and how many operands it reads, where it is not (0, 0): least and most.
_ONE: Final = (1, 1)
_ANY: Final = (1, None)
_BINDS: Final = {
    **dict.fromkeys(("leaf", "variable", "rewrap", "apply", "read_grad", "detach"), _ONE),
    **dict.fromkeys(("require_grad", "attempt", "warned", "repeat"), _ONE),
    **dict.fromkeys(("gradients", "grad", "unbind"), _ANY),
    "hook": (0, 2),
}
_READS: Final = {
    **dict.fromkeys(("rewrap", "backward", "read_grad", "unbind", "drop", "clear", "detach"), _ONE),
    **dict.fromkeys(("require_grad", "retain_grad", "remove", "repeat"), _ONE),
    "apply": (1, 3),
    "gradients": (2, None),
    "grad": (2, None),
    "set_grad": (2, 2),
    "write": (2, 2),
    "hook": (1, 2),
    "native": (0, None),
    "expect": (0, None),
}


def _instruction(verb: str) -> Json:
    known = VERBS[verb]
    options = {
        name: _OPTIONS.get(name, {}) for name in sorted(known.options - (ANSWERS if verb == "expect" else set()))
    }
    if "how" in options:
        options["how"] = _one_of(_HOW[verb])
    required = {name: options[name] for name in _REQUIRED.get(verb, ())}
    return _object(
        {
            "index": _COUNT,
            "verb": {"const": verb},
            "out": _list(_NAME, *_BINDS.get(verb, (0, 0))),
            "args": _list(_ref("operand"), *_READS.get(verb, (0, 0))),
            "options": _object(required, options, closed=True),
            "body": _list(_ref("instruction"), 0, None if known.block else 0),
        },
        closed=True,
    )


# --- the whole


def agent_protocol() -> Json:
    """The schema: of any message, and under `$defs` of each by its name."""
    sent, received = ("hello", "run"), ("ready", "refused", "at", "ran")
    return {
        "$schema": _DRAFT,
        "$id": f"urn:autograd-conformance:agent-protocol:{PROTOCOL}",
        "title": "The agent protocol of autograd-conformance",
        "description": "One message of either direction; docs/agent-protocol.md says what each means.",
        "anyOf": [_ref("sent"), _ref("received")],
        "$defs": {
            "sent": {"anyOf": list(map(_ref, sent))},
            "received": {"anyOf": list(map(_ref, received))},
            **_messages(),
            **_programs(),
            **_observations(),
        },
    }


def _messages() -> Json:
    refused = _object({"kind": _one_of(("import", "load")), "message": _WORDS})
    ready = {"protocol": {"const": PROTOCOL}, "language": _TEXT, "runtime": _TEXT, "version": _WORDS}
    ran = {
        "ran": _COUNT,
        "observations": _list(_ref("entry")),
        "failure": {"anyOf": [{"type": "null"}, _ref("refusal")]},
        "declined": _list(_TEXT),
        "leaks": _list(_object({"name": _TEXT, "before": _TEXT, "after": _TEXT})),
        "seconds": _SECONDS,
    }
    run = {"run": _COUNT, "program": _ref("program"), "trace": _FLAG, "seconds": _SECONDS}
    return {
        "hello": _object({"hello": _object({"protocol": {"const": PROTOCOL}, "adapter": {"type": "object"}})}),
        "run": _object(run, closed=True),
        "ready": _object({"ready": _object(ready)}),
        "refused": _object({"refused": refused}),
        "at": _object({"at": _COUNT}),
        "ran": _object(ran, {"lowered": _list(_TEXT)}),
    }


def _programs() -> Json:
    program = {"schema": {"const": SCHEMA}, "dtype": _one_of(FLOATS), "instructions": _list(_ref("instruction"))}
    scalar = _object({"scalar": {"type": "string", "pattern": RATIONAL}}, closed=True)
    actions = [{"scale": {"type": "string", "pattern": RATIONAL}}, {"replace": _ref("value")}, {"note": _TEXT}]
    return {
        "program": _object(program, closed=True),
        "instruction": {"oneOf": [_ref(f"instruction.{verb}") for verb in VERBS]},
        **{f"instruction.{verb}": _instruction(verb) for verb in VERBS},
        "operand": {"anyOf": [_NAME, scalar]},
        "indices": _list({"anyOf": [_INTEGER, _ref("indices")]}),
        "action": {"oneOf": [_object(action, closed=True) for action in actions]},
        "value": _object({"shape": _SHAPE, "values": _list({"type": "string", "pattern": RATIONAL})}),
    }


def _observations() -> Json:
    kinds = ("tensor", "absent", "calls", "warnings", "outcome", "text", "flag")
    refusal = {"at": _COUNT, "kind": _one_of([*KINDS, None]), "type": _TEXT, "message": _TEXT}  # type: ignore[list-item]
    accepted, refused = _object({"outcome": {"const": "accepted"}}), _object({"outcome": {"const": "refused"}})
    return {
        "entry": {
            "type": "array",
            "prefixItems": [_COUNT, {"anyOf": [_ref(kind) for kind in kinds]}],
            "minItems": 2,
            "items": False,
        },
        "tensor": _object({"shape": _SHAPE, "values": _list(_ref("number"))}, {"dtype": _TEXT}),
        "number": {"type": "string", "pattern": NUMBER, "maxLength": LONGEST},
        "absent": _object({"absent": {"const": True}}),
        "calls": _object({"calls": _list({"anyOf": [_ref("tensor"), _ref("flag")]})}),
        "warnings": _object({"warnings": _list(_TEXT)}),
        "outcome": {"anyOf": [accepted, {"allOf": [refused, _ref("refusal")]}]},
        "refusal": _object(refusal, {"spelling": _TEXT, "template": _TEXT}),
        "text": _object({"text": _TEXT}),
        "flag": _object({"flag": {"type": ["boolean", "string"]}}),
    }


assert set(ATTRIBUTES) <= _OPTIONS.keys()
