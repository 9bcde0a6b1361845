"""Which hooks a sweep calls, and what they do besides answering: known before it runs, since no hook looks at numbers.

The hooks of a tensor are those that it has when its cotangent is complete: what they remove or add there takes effect from the
next sweep on (torch copies the list before it calls them); at a tensor that the sweep reaches later it takes effect at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.model.forward import GradientNode, Value
from conformance.model.state import Hook, Memory, State, Step
from conformance.model.ways import ordered, reached


@dataclass
class Course:
    """A sweep that is to come.

    executed: the results whose nodes it may call. called: the hooks that each stop will call. left: those of a tensor
    afterwards, where they change. troubles: why the sweep fails at a hook. written: what hooks write, each after its stop. added:
    to what hooks add others.
    """

    executed: Collection[Value]
    former: Sequence[State]
    called: dict[State, tuple[Hook, ...]] = field(default_factory=dict)
    left: dict[State, list[Hook]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    written: list[tuple[State, State]] = field(default_factory=list)
    added: list[State] = field(default_factory=list)

    def settle(self) -> None:
        """The sweep succeeds: what its hooks add and remove is so from now on."""
        for state, hooks in self.left.items():
            state.hooks = hooks

    def arrive(self, stop: State) -> None:
        """The cotangent of a stop is complete, and its hooks are called."""
        self.called[stop] = tuple(self.left.get(stop, stop.hooks))
        for hook in self.called[stop]:
            self.troubles.extend(self._call(stop, hook))

    def _call(self, stop: State, hook: Hook) -> Iterator[str]:
        for step in hook.steps:
            if step.verb == "raise":
                yield "raised"
                return
            if step.verb == "write":
                self.written.append((stop, _written(step)))
                yield from (
                    "version_conflict" for value in self._keeping(_written(step)) if value in reached(stop.value)
                )
            self._exchange(step)
        shape = stop.value.array.shape
        if any("replace" in action and tuple(action["replace"]["shape"]) != shape for action in hook.body):
            yield "shape_mismatch"

    def _exchange(self, step: Step) -> None:
        for state in changed(step, self.former):
            hooks = [
                hook for hook in self.left.get(state, state.hooks) if not step.handle or hook is not step.handle.hook
            ]
            self.left[state] = (
                [*hooks, replace(step.hook)] if step.hook else hooks
            )  # a copy, with the same list of calls
            self.added += [state] if step.hook else []

    def _keeping(self, written: State) -> Iterator[Value]:
        """The results whose derivatives need numbers that are written."""
        for value in self.executed:
            if value.node and any(memory is written.memory for memory, _ in value.node.kept):
                yield value

    def unordered(self) -> bool:
        """Whether hooks meddle with each other or with a node, and the graph does not say which of the two is first."""
        stops = [(stop, _Touched(stop, hooks, self.former)) for stop, hooks in self.called.items()]
        return any(
            not ordered(stop.value, value) for stop, state in self.written for value in self._keeping(state)
        ) or any(
            first.meddles(second) and not ordered(stop.value, other.value)
            for stop, first in stops
            for other, second in stops
            if stop is not other
        )

    def in_the_way(self, ends: Collection[State], untouchable: Set[Memory], recorded: bool) -> bool:
        """Whether hooks touch memory that they had better not, or do what is a situation of its own outside of hooks.

        ends: what a restricted sweep is for; whether their own nodes are called is left open.
        """
        used = {memory for stop, hooks in self.called.items() for memory in _Touched(stop, hooks, self.former).memory}
        kept = {memory for end in ends if end.value.node for memory, _ in end.value.node.kept}
        steps = [step for hooks in self.called.values() for hook in hooks for step in hook.steps]
        written = [state for _, state in self.written]
        sweeps = {value.node.sweep for value in self.executed if isinstance(value.node, GradientNode)}
        kept |= {
            memory for sweep in sweeps if sweep for memory, _ in sweep.saved
        }  # how much of it is needed nobody says
        return (
            not used.isdisjoint(untouchable)
            or any(step.handle is not None and step.handle.hook is None for step in steps)
            or any(recorded or state.memory in kept or _recorded(state) for state in written)
            or any(not state.requires_grad or (len(ends) > 1 and state in ends) for state in self.added)
        )


def _recorded(state: State) -> bool:
    """Whether somebody who looks at the same memory requires grad."""
    return any(alias.requires_grad for alias in state.aliases())


class _Touched:
    """What the hooks of a stop look at, and what they change: lists of hooks, lists of calls, memory."""

    def __init__(self, stop: State, hooks: Iterable[Hook], former: Sequence[State]) -> None:
        self.read: set[object] = {stop}
        self.changed: set[object] = set()
        self.memory: set[Memory] = set()
        for hook in hooks:
            self.changed.add(id(hook.calls))
            for step in hook.steps:
                used = {operand.memory for operand in step.operands if operand} if step.verb in _NUMERIC else set()
                self.memory |= used
                self.read |= used
                self.changed |= {_written(step).memory} if step.verb == "write" else changed(step, former)

    def meddles(self, other: _Touched) -> bool:
        """Whether something is changed here that is changed or looked at there."""
        return not self.changed.isdisjoint(other.read | other.changed)


_NUMERIC: Final = ("apply", "write")


def course(stops: Iterable[State], executed: Collection[Value], former: Sequence[State]) -> Course:
    """What becomes of the hooks when a sweep comes to `stops`, the nearest first, and runs the nodes of `executed`."""
    result = Course(executed, former)
    for stop in stops:
        result.arrive(stop)
    return result


def targets(hooks: Iterable[Hook]) -> set[State]:
    """The tensors to which hooks may add others."""
    steps = [step for hook in hooks for step in hook.steps if step.hook]
    found = {step.operands[0] for step in steps if step.operands[0]}
    return found | targets(step.hook for step in steps if step.hook) if steps else found


def changed(step: Step, former: Sequence[State]) -> set[State]:
    """The tensors whose hooks a step changes; one that was registered before a write is still with what was there then."""
    if step.hook:
        return {state for state in step.operands if state}
    holders = (step.handle.state, *former) if step.handle else ()
    return {state for state in holders if state and step.handle and step.handle.hook in state.hooks}


def _written(step: Step) -> State:
    state = step.operands[0]
    assert state is not None  # torch forbids a hook to write its argument
    return state
