"""What can be said of a witness in a word each: its verbs and options, how its values hang together, what the finding was about.

backward, 2 backward            a verb that occurs, and that occurs so often or more
backward.inputs, clear.zero     an option that is set, or how a verb is to act
hook.late, reuse, freed …       how instructions hang together; see the functions below
sees.grad, of.leaf              what the finding looked at, and the verb that bound the name
awaits.KIND, refused.KIND       a refusal that was to come, and one that came although it was not to
expects.absent, got.absent …    what was to be seen, and what was
crash, fail …                   the verdict
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from conformance.generation.surgery import numbered, reads
from conformance.judge import Finding
from conformance.operators.table import OPERATORS
from conformance.program import DIFFERENTIATING, Instruction, Program, Scalar

_MODES = ("no_grad", "enable_grad")
_SWEEPS = ("backward", *DIFFERENTIATING)
_RETAINING = ("retain_graph", "retain_variables", "create_graph")
# Reductions that only make a number of a result, so that it can be differentiated.
_ENDINGS = ("sum", "mean")


def marks(program: Program, finding: Finding) -> frozenset[str]:
    """Everything that `program` and `finding` are marked by."""
    every = [it for it in _outside_hooks(program.instructions) if it.verb != "expect"]
    binders = {name: it for it in reversed(every) for name in it.out}
    parts = (
        _verbs(every),
        _uses(every),
        _shapes(every),
        _hooks(every, binders),
        _sweeps(every, binders),
        _writes(every, binders),
    )
    found = {
        mark for part in (*parts, _nesting(program.instructions), _seen(program, finding, binders)) for mark in part
    }
    if any(inner.verb != "apply" for it in every if it.verb == "hook" for inner in it.body):
        return frozenset(
            mark for mark in found if "hook" not in mark
        )  # no clause asks for hooks that do more than answer
    return frozenset(found)


def _outside_hooks(instructions: tuple[Instruction, ...]) -> Iterator[Instruction]:
    """Every instruction but those that hooks execute."""
    for it in instructions:
        yield it
        if it.verb != "hook":
            yield from _outside_hooks(it.body)


def _verbs(every: list[Instruction]) -> Iterator[str]:
    for verb, count in Counter(it.verb for it in every).items():
        yield verb
        yield from (f"{number} {verb}" for number in range(2, min(count, 4) + 1))
    for it in every:
        options = it.options
        yield from (f"{it.verb}.{name}" for name, value in options.items() if value)
        if "how" in options:
            yield f"{it.verb}.{options['how']}"
        if it.verb == "require_grad":
            yield "require_grad.on" if options["flag"] else "require_grad.off"
        for action in options.get("body", ()):
            yield from (f"hook.{key}" for key in action)
            yield from (f"hook.note.{action['note']}" for _ in range("note" in action))


def _uses(every: list[Instruction]) -> Iterator[str]:
    applied = [it for it in every if it.verb == "apply"]
    read = Counter(arg for it in applied for arg in it.args if isinstance(arg, str))
    most = max(read.values(), default=0)
    yield from (f"{number} uses" for number in range(2, min(most, 4) + 1))
    if any(isinstance(arg, Scalar) for it in applied for arg in it.args):
        yield "scalar"
    telling = [it.options["operator"] for it in applied]
    telling = [name for name in telling if name not in _ENDINGS] or telling[:1]
    yield from (f"operator.{name}" for name in telling)
    if len(telling) == 1:
        yield "one operator"
    if any(OPERATORS[name].result == "bool" for name in telling if name in OPERATORS):
        yield "compares"
    if any(isinstance(index := it.options.get("index"), list) and len(set(index)) < len(index) for it in applied):
        yield "index.repeated"


def _shapes(every: list[Instruction]) -> Iterator[str]:
    leaves = {it.out[0]: it.options["value"] for it in every if it.verb == "leaf"}
    values = [tuple(value["values"]) for name, value in leaves.items()]
    if len(values) > len(set(values)):
        yield "leaf.equal"
    for it in every:
        operator = OPERATORS.get(it.options.get("operator", ""))
        shapes = {tuple(leaves[name]["shape"]) for name in reads(it) if name in leaves}
        if operator and operator.shapes == "elementwise" and len(shapes) > 1:
            yield "broadcasts"


def _hooks(every: list[Instruction], binders: dict[str, Instruction]) -> Iterator[str]:
    roots = {it.args[0] for it in every if it.verb in _SWEEPS}
    for place, it in enumerate(every):
        if it.verb != "hook":
            continue
        name, before = str(it.args[0]), every[:place]
        yield f"hook.on.{binders[name].verb}" if name in binders else "hook"
        if not it.options["body"] and not it.body:
            yield "hook.silent"
        if name in binders and _views(binders[name]):
            yield "hook.on.view"
        if name in roots:
            yield "hook.on.root"
        if any(earlier.verb == "apply" and name in earlier.args for earlier in before):
            yield "hook.late"
        if any(earlier.verb == "backward" for earlier in before):
            yield "hook.after.backward"
        if sum(other.verb == "apply" and name in other.args for other in every) > 1 or any(
            other.args.count(name) > 1 for other in every
        ):
            yield "hook.several.uses"


def _views(it: Instruction) -> bool:
    operator = OPERATORS.get(it.options.get("operator", ""))
    return it.verb == "apply" and operator is not None and operator.views


def _sweeps(every: list[Instruction], binders: dict[str, Instruction]) -> Iterator[str]:
    """Sweeps over a graph that was swept before: retained (again), or not (freed), perhaps from a new root."""
    swept: list[tuple[Any, set[str], bool]] = []
    for it in every:
        if it.verb not in _SWEEPS:
            continue
        root, nodes = it.args[0], _nodes(str(it.args[0]), binders)
        for earlier, before, kept in swept:
            if not nodes.isdisjoint(before):
                yield "again" if kept else "freed"
                yield from ("new.root" for _ in range(earlier != root))
        swept.append((root, nodes, any(it.options.get(name) for name in _RETAINING)))
    results = {name for it in every if it.verb in ("apply", "unbind") for name in it.out}
    if any(name in results for it in every if it.verb == "grad" for name in it.args[1:]):
        yield "grad.by.result"
    if any(it.args[0] not in results for it in every if it.verb in _SWEEPS):
        yield "root.is.leaf"


def _nodes(root: str, binders: dict[str, Instruction]) -> set[str]:
    """The results of operators that a name depends on, itself included."""
    found, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        binder = binders.get(name)
        if binder is not None and binder.verb in ("apply", "unbind") and name not in found:
            found.add(name)
            waiting.extend(reads(binder))
    return found


def _writes(every: list[Instruction], binders: dict[str, Instruction]) -> Iterator[str]:
    for it in every:
        binder = binders.get(str(it.args[0])) if it.verb in ("write", "drop") else None
        if binder is not None:
            yield f"{it.verb}.on.{'view' if _views(binder) else binder.verb}"


def _nesting(instructions: tuple[Instruction, ...], outer: bool = False) -> Iterator[str]:
    for it in instructions:
        mode = it.verb in _MODES
        if mode and outer:
            yield "modes.nested"
        for inner in it.body:
            if inner.verb != "expect":
                yield f"{inner.verb}.in.{it.verb}"
        yield from _nesting(it.body, outer or mode)


def _seen(program: Program, finding: Finding, binders: dict[str, Instruction]) -> Iterator[str]:
    """What the finding was about."""
    yield finding.verdict
    refused = re.search(r"was refused as (\w+)", finding.message)
    if refused:
        yield f"refused.{refused[1]}"
    if re.search(r" of \w+, not \w+$", finding.got):
        yield "got.dtype"
    if finding.got == "no gradient":
        yield "got.absent"
    if "nan" in finding.got:
        yield "got.nan"
    if _numeric(finding.expected) and _numeric(finding.got) and _depth(finding.expected) != _depth(finding.got):
        yield "got.rank"
    it = next((it for number, it in program.walk() if number == finding.at), None)
    if it is None:
        return
    if it.verb != "expect":
        yield f"at.{it.verb}"
        return
    yield f"sees.{it.options['observe']}"
    yield f"relation.{it.options['relation']}"
    name = str(it.args[0]) if it.args else ""
    if name in binders:
        yield f"of.{binders[name].verb}"
    cleared = {other.args[0] for other in numbered(program.instructions) if other.verb == "clear"}
    if cleared and name not in cleared:
        yield "of.another"
    wanted = it.options["value"]
    for choice in wanted.get("choices", [wanted]):
        if choice.get("absent"):
            yield "expects.absent"
        if choice.get("kind"):
            yield f"awaits.{choice['kind']}"


def _numeric(text: str) -> bool:
    return bool(re.match(r"\[*\s*-?\d", text))


def _depth(text: str) -> int:
    return len(text) - len(text.lstrip("["))
