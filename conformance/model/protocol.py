"""The naive twin of the protocol: what a right engine's state is after each instruction.

It is written for clarity, not speed. Where an engine sweeps its graph once, the twin asks for each tensor of interest what it
receives: the derivatives, by forward mode, of the tensors downstream of it, with every hooked or read tensor held as if it were
a leaf. So hooks and retained gradients need no traversal order here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import fmpq

from conformance.model import numbers
from conformance.model.forward import GradientNode, Node, Value, as_array, flattened, pull
from conformance.model.numbers import Array


class Refusal(Exception):
    """A right engine refuses this instruction; `kind` says why."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(eq=False)
class Hook:
    """A hook of the closed vocabulary: it records its argument, then perhaps scales or replaces it."""

    body: tuple[Mapping[str, Any], ...]
    calls: list[Array] = field(default_factory=list)

    def __call__(self, cotangent: Array) -> Array:
        self.calls.append(cotangent)
        for action in self.body:
            if "scale" in action:
                cotangent = as_array(cotangent * numbers.rational(action["scale"]))
            else:
                cotangent = numbers.from_json(action["replace"])
        return cotangent


@dataclass(eq=False)
class State:
    """A tensor of the model: its value, and what the protocol attaches to it."""

    value: Value
    requires_grad: bool = False
    volatile: bool = False
    retains_grad: bool = False
    grad: State | None = None
    hooks: list[Hook] = field(default_factory=list)

    @property
    def is_leaf(self) -> bool:
        """A tensor that no recorded operator produced."""
        return self.value.node is None


class Twin:
    """The protocol's state, with a method for each verb that changes or reads it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.grad_enabled = True

    # --- values

    def leaf(self, array: Array, requires_grad: bool) -> State:
        """A new leaf."""
        return State(self._checked(Value(array)), requires_grad)

    def variable(self, array: Array, requires_grad: bool, volatile: bool) -> State:
        """A leaf of the pre-0.4 API; volatile takes precedence over requires_grad in everything computed from it."""
        return State(self._checked(Value(array)), requires_grad, volatile)

    def apply(self, operator: str, operands: Sequence[State], attributes: Mapping[str, Any]) -> State:
        """An operator's result: recorded if the mode is on and an operand requires grad."""
        node = Node(operator, tuple(operand.value for operand in operands), attributes)
        value = self._checked(Value(node.run({}, {})))
        volatile = any(operand.volatile for operand in operands)
        recorded = self.grad_enabled and not volatile and any(operand.requires_grad for operand in operands)
        value.node = node if recorded else None
        return State(value, recorded, volatile)

    def detach(self, a: State) -> State:
        """The same value, a constant."""
        return State(Value(a.value.array))

    def require_grad(self, a: State, flag: bool) -> None:
        """Flips a leaf's flag."""
        if not a.is_leaf and not flag:
            raise Refusal("not_leaf")
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
        a.grad = State(Value(as_array(a.grad.value.array * fmpq(0)))) if how == "zero" else None

    # --- derivatives

    def backward(self, root: State, cotangent: State | None, known: Iterable[State], **options: Any) -> None:
        """Accumulates the gradients of `root` into the leaves among `known`, and into those who retain theirs."""
        chosen = options.get("inputs")
        states = list(known)
        wanted = [s for s in states if s.requires_grad and (s.is_leaf if chosen is None else s in chosen)]
        received = self._sweep(root, cotangent, states, wanted, options)
        for state in wanted:
            if state in received:
                self._accumulate(state, received[state], bool(options.get("create_graph")))

    def grad(
        self, root: State, inputs: Sequence[State], cotangent: State | None, known: Iterable[State], **options: Any
    ) -> list[State]:
        """The gradients by `inputs`, without touching anyone's `.grad`."""
        if any(not state.requires_grad for state in inputs):
            raise Refusal("needs_grad")
        received = self._sweep(root, cotangent, list(known), list(inputs), options)
        if any(state not in received for state in inputs) and not options.get("allow_unused"):
            raise Refusal("unused_input")
        return [received[state] for state in inputs]

    def _accumulate(self, state: State, gradient: State, recorded: bool) -> None:
        before = state.grad
        if before is None:
            state.grad = gradient
            return
        with self.mode(recorded):
            state.grad = self.apply("add", (before, gradient), {})

    def _sweep(
        self,
        root: State,
        cotangent: State | None,
        known: list[State],
        wanted: list[State],
        options: Mapping[str, Any],
    ) -> dict[State, State]:
        """What each wanted (and each retaining) tensor that `root` depends on receives."""
        seed = self._cotangent(root, cotangent)
        reached = _reached(root.value)
        self._free(reached, options)
        known = known if root in known else [*known, root]
        stops = [s for s in known if s.value in reached and (s is root or s.hooks or s.retains_grad or s in wanted or s.is_leaf)]
        if options.get("create_graph"):
            return {s: self._differentiable(root, seed, s) for s in stops if s in wanted and s.requires_grad}
        totals = _received(root, seed.value.array, [s for s in stops if s.requires_grad])
        received = {state: State(Value(array)) for state, array in totals.items()}
        for state in stops:
            if state.retains_grad and state not in wanted:
                self._accumulate(state, received[state], False)
        for state in received.values():
            numbers.fits(state.value.array, self.dtype)
        return received

    def _cotangent(self, root: State, given: State | None) -> State:
        if not root.requires_grad:
            raise Refusal("needs_grad")
        if given is None:
            if root.value.array.size != 1:
                raise Refusal("not_scalar")
            return State(Value(numbers.exact_array(np.ones(root.value.array.shape, dtype=int))))
        if given.value.array.shape != root.value.array.shape:
            raise Refusal("shape_mismatch")
        return given

    def _free(self, reached: set[Value], options: Mapping[str, Any]) -> None:
        nodes = [value.node for value in reached if value.node is not None]
        if any(node.freed and node.saves for node in nodes):
            raise Refusal("graph_freed")
        if not (options.get("retain_graph") or options.get("create_graph")):
            for node in nodes:
                node.freed = True

    def _differentiable(self, root: State, seed: State, by: State) -> State:
        node = GradientNode(root.value, seed.value, by.value)
        return State(Value(flattened(node.run({}, {})), node), requires_grad=True)

    # --- modes

    @contextmanager
    def mode(self, enabled: bool) -> Iterator[None]:
        """Sets the grad mode and restores the previous one, whatever happens inside."""
        before, self.grad_enabled = self.grad_enabled, enabled
        try:
            yield
        finally:
            self.grad_enabled = before

    def _checked(self, value: Value) -> Value:
        numbers.fits(value.array, self.dtype)
        return value


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


def _received(root: State, seed: Array, stops: Sequence[State]) -> dict[State, Array]:
    """The cotangent of each stop after its hooks, nearest to the root first.

    What a stop receives comes from the stops already settled, each through its own node, with all other stops held.
    """
    settled: dict[State, Array] = {}
    for state in sorted(stops, key=lambda stop: -stop.value.serial):
        held = {stop.value: stop.value.array for stop in stops if stop is not state}
        outputs = [(stop.value, cotangent) for stop, cotangent in settled.items()]
        cotangent = pull(outputs, [state.value], held)[0]
        if state is root:
            cotangent = as_array(cotangent + seed)
        for hook in state.hooks:
            cotangent = hook(cotangent)
        settled[state] = cotangent
    return settled
