"""The naive twin of the protocol: what a right engine's state is after each instruction.

It is written for clarity, not speed. Where an engine sweeps its graph once, the twin asks for each tensor of interest what it
receives: the derivatives, by forward mode, of the tensors downstream of it, with every hooked or read tensor held as if it were
a leaf. So hooks and retained gradients need no traversal order here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import fmpq

from conformance.model import numbers
from conformance.model.forward import GradientNode, Node, Value, array_of, flattened
from conformance.model.numbers import Array
from conformance.model.state import Hook, Memory, State
from conformance.operators.table import OPERATORS


class Refusal(Exception):
    """A right engine refuses this instruction; `kind` says why."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


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
        node = Node(operator, edges, attributes)
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

    def write(self, a: State, how: str, b: State, index: Any = None) -> None:
        """Changes numbers in place: `a += b`, `a *= b`, or `a[index] = b`.

        A recorded write makes a new result of the base, and pieces of it of the base's views. Everything else that looks at the
        memory sees other numbers, and keeps its history.
        """
        a = a if index is None else self.apply("index", (a,), {"index": index})
        base = a.base or a
        if self.grad_enabled and any(state.is_leaf and state.requires_grad for state in (a, base)):
            raise Refusal("leaf_in_place")
        operator = "add" if how == "set" else how
        before = self.leaf(array_of(a.value.array * fmpq(0)), False) if how == "set" else a
        written = self.apply(operator, (before, b), {})
        if written.value.array.shape != a.value.array.shape:
            raise Refusal("shape_mismatch")
        if written.value.node:  # in place an engine keeps the old numbers of what it writes aside
            written.value.node.kept = _stamps(operator, (before, b), written, aside="a")
        recorded = self.grad_enabled and (a.requires_grad or b.requires_grad)
        strangers = [state for state in a.aliases() if not recorded or (state.base or state) is not base]
        for state in strangers:
            state.displace(a, written.value.array)
        if recorded:
            self.former.extend(base.rewritten(a, written.value))
        a.memory.version += 1

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

    def remove(self, a: State, hook: Hook) -> None:
        """Removes a hook; twice is harmless."""
        a.hooks = [kept for kept in a.hooks if kept is not hook]

    def clear(self, a: State, how: str) -> None:
        """Zeroes the gradient, or forgets it."""
        if a.grad is None:
            raise Refusal("no_gradient")
        if how == "zero":
            a.grad.value = Value(array_of(a.grad.value.array * fmpq(0)))  # whoever holds the gradient sees it cleared
        else:
            a.grad = None

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
        ways = _reached(root.value) if chosen is None else _ways(root.value, chosen)
        for state in chosen or ():
            state.retains_grad = not state.is_leaf
        self._free(ways, options)
        leaves = [state for state in known if state.is_leaf and state.requires_grad]
        received = self._received(root, seed, leaves, known, ways, options)
        for state in leaves:
            if state in received:
                self._accumulate(state, received[state], bool(options.get("create_graph")))

    def grad(
        self, root: State, inputs: Sequence[State], cotangent: State | None, known: Sequence[State], **options: Any
    ) -> list[State]:
        """The gradients by `inputs`, without touching any leaf's `.grad`."""
        seed = self._seed(root, cotangent, inputs)
        ways = _ways(root.value, inputs)
        self._free([value for value in ways if value.node and not ways.isdisjoint(value.node.operands)], options)
        received = self._received(root, seed, inputs, known, ways, options)
        if any(state not in received for state in inputs) and not options.get("allow_unused"):
            raise Refusal("unused_input")
        return [received.get(state) or State(Value(array_of(state.value.array * fmpq(0)))) for state in inputs]

    def _seed(self, root: State, given: State | None, inputs: Sequence[State]) -> State:
        """The cotangent of the root; refuses what cannot be differentiated."""
        if not root.requires_grad:
            raise Refusal("needs_grad")
        shape = root.value.array.shape
        if given is None and root.value.array.size != 1:
            raise Refusal("not_scalar")
        if given is not None and given.value.array.shape != shape:
            raise Refusal("shape_mismatch")
        if any(not state.requires_grad for state in inputs):
            raise Refusal("needs_grad")
        if given is None:
            return State(Value(numbers.exact_array(np.ones(shape, dtype=int))))
        return State(given.value, given.requires_grad)  # what an input receives is a tensor of its own

    def _received(
        self,
        root: State,
        seed: State,
        wanted: Sequence[State],
        known: Sequence[State],
        ways: set[Value],
        options: Mapping[str, Any],
    ) -> dict[State, State]:
        """What each wanted, hooked or retaining tensor on the ways down from `root` receives, after its hooks.

        It comes from those nearer to the root, settled already, each through its own node, with all others held.
        """
        recorded = bool(options.get("create_graph"))
        known = (*known, *self.former)
        watched = [root, *wanted, *(state for state in known if state.hooks or state.retains_grad)]
        stops = [state for state in dict.fromkeys(watched) if state.value in ways]
        settled: dict[State, State] = {}
        for state in sorted(stops, key=lambda stop: -stop.value.serial):
            cotangent = seed if state is root else self._pulled(settled, state, stops, recorded)
            for hook in state.hooks:
                cotangent = self._hooked(hook, cotangent, recorded)
            settled[state] = cotangent
            if state.retains_grad:
                self._accumulate(state, cotangent, recorded)
        return settled

    def _pulled(self, settled: Mapping[State, State], by: State, stops: Sequence[State], recorded: bool) -> State:
        """What `by` receives from the settled tensors, itself differentiable if `recorded`."""
        outputs = tuple((above.value, cotangent.value) for above, cotangent in settled.items())
        node = GradientNode(outputs, by.value, tuple(stop.value for stop in stops if stop is not by))
        value = self._checked(Value(flattened(node.run({}, {}))))
        value.node = node if recorded else None
        return State(value, requires_grad=recorded)

    def _hooked(self, hook: Hook, cotangent: State, recorded: bool) -> State:
        """What a hook makes of a cotangent: it records it, then perhaps scales or replaces it."""
        note = next((action["note"] for action in hook.body if "note" in action), None)
        flags = {"requires_grad": recorded, "is_variable": True, "dtype": self.dtype}
        hook.calls.append({"flag": flags[note]} if note else numbers.to_json(cotangent.value.array))
        for action in hook.body:
            if "note" in action:
                continue
            if "scale" in action:
                factor = self.leaf(numbers.exact_array(numbers.rational(action["scale"])), False)
                cotangent = self._moded(recorded, "mul", cotangent, factor)
            else:
                replacement = self.leaf(numbers.from_json(action["replace"]), False)
                if replacement.value.array.shape != cotangent.value.array.shape:
                    raise Refusal("shape_mismatch")
                cotangent = replacement
        return cotangent

    def _accumulate(self, state: State, gradient: State, recorded: bool) -> None:
        if state.grad is None:
            state.grad = State(gradient.value, gradient.requires_grad)
        elif recorded or not state.is_leaf:
            state.grad = self._moded(recorded, "add", state.grad, gradient)
        else:  # in place: whoever holds the gradient sees the sum
            state.grad.value = self._moded(recorded, "add", state.grad, gradient).value

    def _free(self, executed: Iterable[Value], options: Mapping[str, Any]) -> None:
        nodes = [value.node for value in executed if value.node is not None]
        if any(node.freed and node.saves for node in nodes):
            raise Refusal("graph_freed")
        if any(memory.version != version for node in nodes for memory, version in node.kept):
            raise Refusal("version_conflict")
        if not any(options.get(name) for name in ("retain_graph", "retain_variables", "create_graph")):
            for node in nodes:
                node.freed = True

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


def _reached(root: Value) -> set[Value]:
    """Every tensor on which `root` depends, itself included."""
    found, waiting = {root}, [root]
    while waiting:
        node = waiting.pop().node
        for operand in node.operands if node else ():
            if operand not in found:
                found.add(operand)
                waiting.append(operand)
    return found


def _ways(root: Value, inputs: Sequence[State]) -> set[Value]:
    """The tensors on a way from `root` to one of `inputs`, both ends included: what a restricted sweep passes."""
    reached = _reached(root)
    ways = {state.value for state in inputs}
    for value in sorted(reached, key=lambda value: value.serial):
        if value.node and not ways.isdisjoint(value.node.operands):
            ways.add(value)
    return ways & reached
