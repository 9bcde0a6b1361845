"""A program as a script of JavaScript: how witnesses are printed for an engine whose adapter's texts are JavaScript's.

The agent that executes such texts, implementations/tfjs/agent.mjs, gives the engine the same calls in the same order. Both know
the functional shape alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from conformance.agent.lowering import NotOffered, between, unflattened
from conformance.program import ATTRIBUTES

Json = Mapping[str, Any]
Remarks = Mapping[int, tuple[str, str]]
_MODES: Final = ()


def script(program: Json, adapter: Json, remarks: Remarks) -> str:
    """The script; `remarks` maps an instruction's index to its remark, and to the part that is printed beside its value.

    Raises NotOffered when the adapter has no spelling for what the program needs.
    """
    if program["dtype"] not in adapter["dtypes"]:
        raise NotOffered(program["dtype"])
    body = _Printer(adapter, program["dtype"], remarks).block(program["instructions"])
    if adapter["around"]:
        body = [f"{adapter['around']}(() => {{", *_indented(body), "});"]
    return "\n".join([*adapter["prelude"].rstrip().splitlines(), *body]) + "\n"


class _Printer:
    """What has been printed so far: a function that is differentiated repeats what led to its root."""

    def __init__(self, adapter: Json, dtype: str, remarks: Remarks) -> None:
        self.adapter, self.dtype, self.remarks = adapter, dtype, remarks
        self.past: list[tuple[Json, tuple[str, ...]]] = []
        self.functions = 0

    def block(self, instructions: Iterable[Json]) -> list[str]:
        lines = []
        for it in instructions:
            lines += self.lines(it)
            self.past.append((it, _MODES))
        return lines

    def lines(self, it: Json) -> list[str]:
        if it["verb"] not in _VERBS:
            raise NotOffered(it["verb"])
        return _VERBS[it["verb"]](self, it)

    def spelled(self, key: str, **parts: str) -> str:
        if key not in self.adapter["spellings"]:
            raise NotOffered(key)
        return str(self.adapter["spellings"][key].format(**parts))

    def bound(self, it: Json, text: str) -> list[str]:
        return [f"var {it['out'][0]} = {text};"]

    # --- values

    def leaf(self, it: Json) -> list[str]:
        options = it["options"]
        dtype = options.get("dtype") or self.dtype
        if dtype not in self.adapter["dtypes"]:
            raise NotOffered(dtype)
        value = options["value"]
        parts = {
            "value": json.dumps(unflattened(value, _number)).replace('"', ""),
            "shape": json.dumps(value["shape"]),
            "dtype": self.adapter["dtypes"][dtype],
        }
        return self.bound(it, self.spelled("leaf" if options["requires_grad"] else "constant", **parts))

    def apply(self, it: Json) -> list[str]:
        options = it["options"]
        key = options["operator"]
        if key == "index" and isinstance(options["index"], list):
            key = "index.list"
        parts = {name: json.dumps(options[name]) for name in ATTRIBUTES if name in options}
        parts |= dict(zip("abc", map(self.operand, it["args"]), strict=False))
        return self.bound(it, self.spelled(key, **{"keepdim": "false", **parts}))

    def operand(self, operand: Any) -> str:
        return operand if isinstance(operand, str) else self.spelled("scalar", value=_number(operand["scalar"]))

    def detach(self, it: Json) -> list[str]:
        return self.bound(it, self.spelled("detach", a=it["args"][0]))

    def unbind(self, it: Json) -> list[str]:
        return [f"var [{', '.join(it['out'])}] = {self.spelled('unbind', a=it['args'][0])};"]

    def drop(self, it: Json) -> list[str]:
        return [f"{it['args'][0]} = undefined;"]

    # --- derivatives

    def differentiated(self, it: Json) -> list[str]:
        for name in ("retain_graph", "allow_unused"):
            if it["options"].get(name):
                raise NotOffered(f"grad.{name}")
        root, *inputs = it["args"]
        cotangent = it["options"].get("cotangent")
        self.functions += 1
        name = f"f{self.functions}"
        body = [line for past, _ in between(self.past, root, inputs) for line in self.lines(past)]
        parts = {"inputs": ", ".join(inputs), "positions": json.dumps([*range(len(inputs))])}
        text = self.spelled("vjp" if cotangent else "gradient", f=name, cotangent=cotangent or "", **parts)
        head = f"var {name} = ({', '.join(dict.fromkeys(inputs))}) => {{"
        return [head, *_indented([*body, f"return {root};"]), "};", f"var [{', '.join(it['out'])}] = {text};"]

    # --- blocks and observations

    def repeat(self, it: Json) -> list[str]:
        body = [line for inner in it["body"] for line in self.lines(inner)]
        loop = f"for (let round = 0; round < {it['options']['times']}; round += 1) {{"
        return [*self.bound(it, it["args"][0]), loop, *_indented(body), "}"]

    def attempt(self, it: Json) -> list[str]:
        refused = [f"{it['out'][0]} = 'refused';", "console.log(String(refusal));"]
        body = _indented(self.block(it["body"]))
        return [*self.bound(it, "'accepted'"), "try {", *body, "} catch (refusal) {", *_indented(refused), "}"]

    def caught(self, it: Json) -> list[str]:
        return ["try {", *_indented(self.block(it["body"])), "} catch (raised) {}"]

    def raised(self, it: Json) -> list[str]:
        return ["throw new Error('raised by the program');"]

    def expect(self, it: Json) -> list[str]:
        kind, name = it["options"]["observe"], it["args"][0]
        if kind not in ("tensor", "outcome"):
            raise NotOffered(kind)
        remark, beside = self.remarks.get(it["index"], ("", ""))
        shown = [name if kind == "outcome" else self.spelled("value", a=name)]
        if beside in ("shape", "dtype") and beside in self.adapter["spellings"]:
            shown.append(self.spelled(beside, a=name))
        return [f"console.log({', '.join(shown)});" + (f"  // {remark}" if remark else "").replace("\n", "\n// ")]


_VERBS: Final[Mapping[str, Callable[[_Printer, Json], list[str]]]] = {
    "leaf": _Printer.leaf,
    "apply": _Printer.apply,
    "detach": _Printer.detach,
    "unbind": _Printer.unbind,
    "drop": _Printer.drop,
    "gradients": _Printer.differentiated,
    "grad": _Printer.differentiated,
    "repeat": _Printer.repeat,
    "attempt": _Printer.attempt,
    "catch": _Printer.caught,
    "raise": _Printer.raised,
    "expect": _Printer.expect,
}


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _number(text: str) -> str:
    """A rational's literal. JavaScript rounds the shortest decimal of a binary64 as Python does."""
    if text == "-0":
        return "-0"
    numerator, _, denominator = text.partition("/")
    value = int(numerator) / int(denominator or "1")
    return repr(int(value) if value.is_integer() and abs(value) < 2**53 else value)
