"""The naive twin of the protocol: what a right engine's state is after each instruction.

It is written for clarity, not speed. Where an engine sweeps its graph once, the twin asks for each tensor of interest what it
receives: the derivatives, by forward mode, of the tensors downstream of it, with every hooked or read tensor held as if it were
a leaf. So hooks and retained gradients need no traversal order here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from flint import fmpq

from conformance.model import numbers
from conformance.model.forward import GradientNode, Node, Sweep, Value, flattened, saved_between
from conformance.model.hooks import Course, course, targets
from conformance.model.numbers import Array
from conformance.model.state import Hook, Memory, State, Step
from conformance.model.ways import going_on, leading, reached
from conformance.operators.rules import array_of
from conformance.operators.table import OPERATORS


class Refusal(Exception):
    """A right engine refuses this instruction; `kind` says why, `kinds` for which of several reasons."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(*kinds)
        self.kind, self.kinds = kinds[0], kinds


class Failure(Refusal):
    """A sweep that fails on its way; how far it came is not said, so that a program ends here."""


class Twin:
    """The protocol's state, with a method for each verb that changes or reads it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.grad_enabled = True
        self.former: list[State] = []  # what tensors were before a write that is recorded: their hooks stay with them

    # --- values

    def leaf(self, array: Array, requires_grad: bool, dtype: str | None = None) -> State:
        """A new leaf; `dtype` is one of integers, or None for the program's."""
        if dtype and requires_grad:
            raise Refusal("dtype")
        return State(self._checked(Value(array)), requires_grad, dtype=dtype)

    def variable(self, array: Array, requires_grad: bool, volatile: bool) -> State:
        """A leaf of the pre-0.4 API; volatile takes precedence over requires_grad in everything computed from it."""
        return State(self._checked(Value(array)), requires_grad, volatile)

    def rewrap(self, a: State, requires_grad: bool) -> State:
        """A leaf of the pre-0.4 API on the numbers of `a`; neither history nor volatility comes with them."""
        result = self.detach(a)
        result.requires_grad = requires_grad
        return result

    def apply(self, operator: str, operands: Sequence[State], attributes: Mapping[str, Any]) -> State:
        """An operator's result: recorded if the mode is on and an operand requires grad."""
        rank = OPERATORS[operator].rank
        if rank and any(operand.value.array.ndim != rank for operand in operands):
            raise Refusal("shape_mismatch")
        # The graph has no edge to an operand that is a constant now, whatever becomes of it later.
        edges = tuple(operand.value if operand.requires_grad else Value(operand.value.array) for operand in operands)
        node = Node(operator, edges, attributes, tuple(operand.requires_grad for operand in operands))
        value = self._checked(Value(node.now()))
        volatile = any(operand.volatile for operand in operands)
        given = OPERATORS[operator].result
        needed = given is None and any(operand.requires_grad for operand in operands)
        recorded = self.grad_enabled and not volatile and needed
        value.node = node if recorded else None
        result = State(value, recorded, volatile, dtype=given)
        if recorded:
            node.kept = _stamps(operator, operands, result)
        if OPERATORS[operator].views and not isinstance(attributes.get("index"), list):
            result.look_at(operands[0], lambda cells: OPERATORS[operator].forward(cells, **attributes))
            result.base = operands[0].base or operands[0]
        return result

    def detach(self, a: State) -> State:
        """The same value, a constant; it looks at the same memory."""
        result = State(Value(a.value.array))
        result.look_at(a, lambda cells: cells)
        return result

    def write(self, a: State, how: str, b: State | None, index: Any = None) -> None:
        """Changes numbers in place: `a += b`, `a *= b`, `a[index] = b`, or zeroes them.

        A recorded write makes a new result of the base, and pieces of it of the base's views. Everything else that looks at the
        memory sees other numbers, and keeps its history.
        """
        if index is not None:
            a = self.apply("index", (a,), {"index": index})
            a.memory.members.remove(a)  # nobody holds this view
        base = a.base or a
        b = _stripped(b) if b and how == "set" else b
        shape = a.value.array.shape
        reasons = {
            "leaf_in_place": self.grad_enabled and any(each.is_leaf and each.requires_grad for each in (a, base)),
            "shape_mismatch": b is not None and np.broadcast_shapes(shape, b.value.array.shape) != shape,
        }
        if any(reasons.values()):
            raise Refusal(*(kind for kind, holds in reasons.items() if holds))
        written = self._written(a, how, b) if b else Value(_zeros(a), Node("zero", (a.value,), {}))
        recorded = self.grad_enabled and (a.requires_grad or (b is not None and b.requires_grad))
        strangers = [state for state in a.aliases() if not recorded or (state.base or state) is not base]
        for state in strangers:
            state.displace(a, written.array)
        if recorded:
            self.former.extend(base.rewritten(a, written))
        a.memory.version += 1

    def _written(self, a: State, how: str, b: State) -> Value:
        """What `a` is to become; in place an engine keeps the old numbers of what it writes aside."""
        operator = "add" if how == "set" else how
        before = self.leaf(_zeros(a), False) if how == "set" else a
        written = self.apply(operator, (before, b), {})
        if written.value.node:
            written.value.node.kept = _stamps(operator, (before, b), written, aside="a")
        return written.value

    def require_grad(self, a: State, flag: bool) -> None:
        """Flips a leaf's flag."""
        if not a.is_leaf and not flag:
            raise Refusal("not_leaf")
        if a.dtype and flag:
            raise Refusal("dtype")
        a.requires_grad = flag

    def retain_grad(self, a: State) -> None:
        """Asks for a non-leaf's gradient."""
        if not a.requires_grad:
            raise Refusal("needs_grad")
        a.retains_grad = not a.is_leaf

    def hook(self, a: State, body: tuple[Mapping[str, Any], ...]) -> Hook:
        """Registers a hook."""
        if not a.requires_grad:
            raise Refusal("needs_grad")
        a.hooks.append(Hook(body))
        return a.hooks[-1]

    def hook_again(self, a: State, hook: Hook) -> None:
        """Registers the function of another hook; the calls of both are in one list."""
        self.hook(a, hook.body)
        a.hooks[-1] = replace(hook)

    def remove(self, a: State, hook: Hook) -> None:
        """Removes a hook; twice is harmless."""
        for state in (a, *self.former):  # a hook stays with what was there before a write
            state.hooks = [kept for kept in state.hooks if kept is not hook]

    def clear(self, a: State, how: str) -> None:
        """Zeroes the gradient, or forgets it."""
        if how == "none":
            a.grad = None
        elif a.grad is None:
            raise Refusal("no_gradient")
        else:
            self.write(a.grad, "zero", None)  # whoever holds the gradient sees it cleared

    def set_grad(self, a: State, gradient: State) -> None:
        """Puts a gradient of the user's own in place."""
        if gradient.value.array.shape != a.value.array.shape:
            raise Refusal("shape_mismatch")
        a.grad = gradient

    def unbind(self, a: State) -> list[State]:
        """The entries along the first axis, as iterating over it gives them."""
        return [self.apply("index", (a,), {"index": i}) for i in range(a.value.array.shape[0])]

    # --- derivatives

    def backward(self, root: State, cotangent: State | None, known: Sequence[State], **options: Any) -> None:
        """Accumulates the gradients of `root` into the leaves among `known`, and into those who retain theirs.

        With `inputs` only they receive one; those that are no leaves retain it from now on (torch.autograd.backward).
        """
        chosen: Sequence[State] | None = options.get("inputs")
        seed = self._seed(root, cotangent, chosen or ())
        ways = reached(root.value) if chosen is None else leading(root.value, chosen)
        leaves = [state for state in known if state.is_leaf and state.requires_grad]
        stops = self._stops(root, [*leaves, *(chosen or ())], known, ways)
        way = course(stops, ways, self.former)
        self._free(way, options)
        for state in chosen or ():
            state.retains_grad = state.retains_grad or not state.is_leaf
        sweep = _recorded(ways, cotangent) if options.get("create_graph") else None
        received = self._received(root, seed, way, sweep)
        for state in leaves:
            if state in received:
                self._accumulate(state, received[state], sweep is not None)

    def grad(
        self, root: State, inputs: Sequence[State], cotangent: State | None, known: Sequence[State], **options: Any
    ) -> list[State]:
        """The gradients by `inputs`, without touching any leaf's `.grad`."""
        seed = self._seed(root, cotangent, inputs)
        ways = leading(root.value, inputs)
        way = course(self._stops(root, inputs, known, ways), going_on(ways), self.former)
        unused = not options.get("allow_unused") and any(state.value not in ways for state in inputs)
        self._free(way, options, ["unused_input"] * unused)
        sweep = _recorded(way.executed, cotangent) if options.get("create_graph") else None
        received = self._received(root, seed, way, sweep)
        return [_handed_out(received[state]) if state in received else State(Value(_zeros(state))) for state in inputs]

    def _seed(self, root: State, given: State | None, inputs: Sequence[State]) -> State:
        """The cotangent of the root; refuses what cannot be differentiated."""
        shape = root.value.array.shape
        reasons = {
            "needs_grad": not all(state.requires_grad for state in (root, *inputs)),
            "not_scalar": given is None and root.value.array.size != 1,
            "shape_mismatch": given is not None and given.value.array.shape != shape,
        }
        if any(reasons.values()):
            raise Refusal(*(kind for kind, holds in reasons.items() if holds))
        if given is None:
            return State(Value(numbers.exact_array(np.ones(shape, dtype=int))))
        return State(given.value, given.requires_grad)  # what an input receives is a tensor of its own

    def _stops(self, root: State, wanted: Sequence[State], known: Sequence[State], ways: set[Value]) -> list[State]:
        """The wanted, retaining, hooked or yet to be hooked tensors on the ways down from `root`, the nearest first."""
        there = (*known, *self.former)
        watched = [root, *wanted, *(state for state in there if state.hooks or state.retains_grad)]
        watched += targets(hook for state in there for hook in state.hooks)
        stops = [state for state in dict.fromkeys(watched) if state.value in ways]
        return sorted(stops, key=lambda stop: -stop.value.serial)

    def doubts(self, root: State) -> bool:
        """Whether it is not known if a sweep from `root` succeeds.

        Gradients of one recorded sweep share what it saved; which of them shares what, the twin does not say.
        """
        nodes = [value.node for value in reached(root.value)]
        return any(isinstance(node, GradientNode) and node.sweep and node.sweep.spent for node in nodes)

    def course(self, root: State, inputs: Sequence[State] | None, known: Sequence[State]) -> Course:
        """What hooks will do in a sweep from `root`, or from there to `inputs`."""
        ways = reached(root.value) if inputs is None else leading(root.value, inputs)
        return course(self._stops(root, inputs or (), known, ways), ways, self.former)

    def _received(self, root: State, seed: State, way: Course, sweep: Sweep | None) -> dict[State, State]:
        """What each of `stops` receives, after its hooks.

        It comes from those nearer to the root, settled already, each through its own node, with all others held.
        """
        recorded = sweep is not None
        settled: dict[State, State] = {}
        for state, hooks in way.called.items():
            cotangent = seed if state is root else self._pulled(settled, state, tuple(way.called), sweep)
            for hook in hooks:
                cotangent = self._hooked(hook, cotangent, recorded)
            settled[state] = cotangent
            if state.retains_grad:
                self._accumulate(state, cotangent, recorded)
        return settled

    def _pulled(self, settled: Mapping[State, State], by: State, stops: Sequence[State], sweep: Sweep | None) -> State:
        """What `by` receives from the settled tensors, itself differentiable if the sweep is recorded."""
        outputs = tuple((above.value, cotangent.value) for above, cotangent in settled.items())
        node = GradientNode(outputs, by.value, tuple(stop.value for stop in stops if stop is not by))
        value = self._checked(Value(flattened(node.run({}, {}))))
        if sweep is None:
            return State(value)
        node.sweep = sweep
        required = {cotangent.value for cotangent in settled.values() if cotangent.requires_grad}
        node.references, node.saves = saved_between(outputs, by.value, {stop.value for stop in stops}, required)
        value.node = node if node.references else None
        return State(value, requires_grad=bool(node.references))

    def _hooked(self, hook: Hook, cotangent: State, recorded: bool) -> State:
        """What a hook makes of a cotangent: it records it, then perhaps scales or replaces it."""
        note = next((action["note"] for action in hook.body if "note" in action), None)
        flags = {"requires_grad": cotangent.requires_grad, "is_variable": True, "dtype": self.dtype}
        hook.calls.append({"flag": flags[note]} if note else numbers.to_json(cotangent.value.array))
        for step in hook.steps:
            cotangent = self._stepped(step, cotangent, recorded)
        for action in hook.body:
            if "note" in action:
                continue
            if "scale" in action:
                factor = self.leaf(numbers.exact_array(numbers.rational(action["scale"])), False)
                cotangent = self._moded(recorded, "mul", cotangent, factor)
            else:
                cotangent = self.leaf(numbers.from_json(action["replace"]), False)
        return cotangent

    def _stepped(self, step: Step, cotangent: State, recorded: bool) -> State:
        """What a step computes of a cotangent, or the cotangent; a write is done, and lists of hooks are changed already."""
        operands = [operand or cotangent for operand in step.operands]
        if step.verb == "apply":
            return self._moded(recorded, step.how, *operands)
        if step.verb == "write":
            with self.mode(recorded):
                self.write(operands[0], step.how, operands[1])
        return cotangent

    def _accumulate(self, state: State, gradient: State, recorded: bool) -> None:
        if state.grad is None:
            state.grad = _copied(gradient)
        elif recorded or not state.is_leaf:
            state.grad = self._moded(recorded, "add", state.grad, gradient)
        else:  # in place: whoever holds the gradient sees the sum
            with self.mode(False):
                self.write(state.grad, "add", gradient)

    def _free(self, way: Course, options: Mapping[str, Any], troubles: Sequence[str] = ()) -> None:
        nodes = [value.node for value in way.executed if value.node is not None]
        found = (kind for kind, met in _TROUBLES.items() if any(map(met, nodes)))
        if kinds := tuple(dict.fromkeys((*troubles, *found, *way.troubles))):
            raise Failure(*kinds)
        way.settle()
        if not any(options.get(name) for name in ("retain_graph", "retain_variables", "create_graph")):
            for node in nodes:
                node.freed = True
                if isinstance(node, GradientNode) and node.sweep:
                    node.sweep.freed = True

    # --- modes

    @contextmanager
    def mode(self, enabled: bool) -> Iterator[None]:
        """Sets the grad mode and restores the previous one, whatever happens inside."""
        before, self.grad_enabled = self.grad_enabled, enabled
        try:
            yield
        finally:
            self.grad_enabled = before

    def _moded(self, enabled: bool, operator: str, *operands: State) -> State:
        with self.mode(enabled):
            return self.apply(operator, operands, {})

    def _checked(self, value: Value) -> Value:
        numbers.fits(value.array, self.dtype)
        return value


def _stamps(operator: str, operands: Sequence[State], result: State, aside: str = "") -> tuple[tuple[Memory, int], ...]:
    """The memory, with its version, of each number that the derivatives of this result need and that is not kept aside."""
    named = {**dict(zip("abc", operands, strict=False)), "y": result}
    saves = OPERATORS[operator].saves
    needed = [letters for letters, operand in zip(saves, operands, strict=True) if operand.requires_grad]
    return tuple(named[letter].memory.stamp() for letter in "".join(needed) if letter != aside)


def _recorded(executed: Iterable[Value], cotangent: State | None) -> Sweep:
    """A sweep that is recorded now, with the versions of all that it may have saved."""
    stamps = [stamp for value in executed if value.node for stamp in value.node.kept]
    return Sweep((*stamps, cotangent.memory.stamp()) if cotangent else tuple(stamps))


def _zeros(like: State) -> Array:
    return array_of(like.value.array * fmpq(0))


def _stripped(b: State) -> State:
    """What is assigned, without leading axes of extent 1."""
    shape = b.value.array.shape
    while shape and shape[0] == 1:
        shape = shape[1:]
    node = Node("reshape", (b.value,), {"shape": shape})
    return (
        b
        if shape == b.value.array.shape
        else State(Value(node.now(), node if b.requires_grad else None), b.requires_grad)
    )


def _copied(gradient: State) -> State:
    """A tensor of its own with the same numbers; its history goes on from that of the original."""
    node = Node("clone", (gradient.value,), {}) if gradient.requires_grad else None
    return State(Value(gradient.value.array, node), gradient.requires_grad)


def _handed_out(gradient: State) -> State:
    """A gradient as `grad` returns it."""
    return gradient if gradient.requires_grad else State(Value(gradient.value.array))


# Why a sweep fails at a node; which of several comes first is the engine's choice.
_TROUBLES: Mapping[str, Callable[[Node | GradientNode], bool]] = {
    "graph_freed": lambda node: node.freed and node.saves,
    "version_conflict": lambda node: any(memory.version != seen for memory, seen in node.kept),
}
