"""A small writer of programs for the tests: plays a sketch on the model's twin and expects what the twin then holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.execution import Engine
from conformance.generation.sketch import Sketch, Unwritable
from conformance.judge import Finding, judge
from conformance.model import numbers
from conformance.model.numbers import Inexact
from conformance.model.protocol import Refusal, Twin
from conformance.model.state import Hook, State
from conformance.program import Instruction, Operand, Program, Scalar

NUMBER = {"shape": [], "values": ["1"]}


def leaf(name: str, *values: str, shape: list[int] | None = None, constant: bool = False) -> Instruction:
    """A leaf; a number when it has one value and no shape."""
    extents = shape if shape is not None else [len(values)] if len(values) > 1 else []
    value = {"shape": extents, "values": list(values)}
    return Instruction("leaf", (name,), (), {"value": value, "requires_grad": not constant})


def op(out: str, operator: str, *args: str | Scalar, **attributes: Any) -> Instruction:
    """An operator."""
    return Instruction("apply", (out,), args, {"operator": operator, **attributes})


def act(verb: str, *args: str, out: tuple[str, ...] = (), **options: Any) -> Instruction:
    """Any other instruction."""
    return Instruction(verb, out, args, options)


def sketch(*instructions: Instruction) -> Sketch:
    """A sketch in float64."""
    return Sketch("float64", instructions)


def written(made: Sketch) -> Program:
    """A writer that refuses whatever the model refuses."""
    author = _Author(made.dtype)
    try:
        body = author.played(made.instructions)
        program = Program(made.dtype, (*body, *author.farewell()))
    except (Refusal, Inexact) as reason:
        raise Unwritable(str(reason)) from None
    except (LookupError, TypeError, ValueError, ZeroDivisionError, AttributeError) as reason:
        raise Unwritable(f"{type(reason).__name__} {reason}") from None
    if not any(it.verb == "expect" for _, it in program.walk()):
        raise Unwritable("nothing is left to expect")
    return program


class _Author:
    def __init__(self, dtype: str) -> None:
        self.twin = Twin(dtype)
        self.states: dict[str, State] = {}
        self.hooks: dict[str, tuple[State, Hook]] = {}

    def played(self, instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
        return tuple(part for it in instructions for part in self._played(it))

    def _played(self, it: Instruction) -> list[Instruction]:
        if it.verb in ("no_grad", "enable_grad"):
            with self.twin.mode(it.verb == "enable_grad"):
                return [Instruction(it.verb, it.out, it.args, it.options, self.played(it.body))]
        play: Callable[[Instruction], list[Instruction] | None] = getattr(self, f"_{it.verb}")
        return [it, *(play(it) or ())]

    def farewell(self) -> list[Instruction]:
        """Every hook's calls, and every value."""
        calls = [expect("calls", name, {"calls": hook.calls}) for name, (_, hook) in self.hooks.items()]
        return calls + [self._value(name) for name in self.states]

    def _value(self, name: str) -> Instruction:
        return expect("tensor", name, numbers.to_json(self.states[name].value.array))

    def _grads(self) -> list[Instruction]:
        held = {name: state.grad for name, state in self.states.items() if state.is_leaf or state.retains_grad}
        return [
            expect("grad", name, numbers.to_json(grad.value.array) if grad else {"absent": True})
            for name, grad in held.items()
            if grad or not self.states[name].is_leaf
        ]

    def _state(self, operand: Operand) -> State:
        if isinstance(operand, Scalar):
            return self.twin.leaf(numbers.exact_array(numbers.rational(operand.text)), False)
        return self.states[operand]

    def _leaf(self, it: Instruction) -> None:
        array = numbers.from_json(it.options["value"])
        self.states[it.out[0]] = self.twin.leaf(array, it.options["requires_grad"])

    def _apply(self, it: Instruction) -> None:
        attributes = {key: value for key, value in it.options.items() if key != "operator"}
        plain = {key: tuple(value) if key == "shape" else value for key, value in attributes.items()}
        operands = [self._state(arg) for arg in it.args]
        self.states[it.out[0]] = self.twin.apply(it.options["operator"], operands, plain)

    def _options(self, it: Instruction) -> dict[str, Any]:
        options = dict(it.options)
        options["cotangent"] = self.states[options["cotangent"]] if options.get("cotangent") else None
        if options.get("inputs"):
            options["inputs"] = [self.states[name] for name in options["inputs"]]
        return options

    def _gradients(self, it: Instruction) -> list[Instruction]:
        options = self._options(it)
        inputs = [self.states[str(name)] for name in it.args[1:]]
        if any(state.grad for state in inputs):
            raise Unwritable("gradients() wants fresh leaves")
        known = list(self.states.values())
        states = self.twin.grad(self._state(it.args[0]), inputs, options.pop("cotangent"), known, **options)
        self.states.update(zip(it.out, states, strict=True))
        return [self._value(name) for name in it.out]

    _grad = _gradients

    def _backward(self, it: Instruction) -> list[Instruction]:
        options = self._options(it)
        known = list(self.states.values())
        self.twin.backward(self._state(it.args[0]), options.pop("cotangent"), known, **options)
        return self._grads()

    def _clear(self, it: Instruction) -> list[Instruction]:
        self.twin.clear(self._state(it.args[0]), it.options["how"])
        return self._grads()

    def _detach(self, it: Instruction) -> None:
        self.states[it.out[0]] = self.twin.detach(self._state(it.args[0]))

    def _retain_grad(self, it: Instruction) -> None:
        self.twin.retain_grad(self._state(it.args[0]))

    def _write(self, it: Instruction) -> None:
        a, b = map(self._state, it.args)
        self.twin.write(a, it.options["how"], b, it.options.get("index"))

    def _drop(self, it: Instruction) -> None:
        self.states.pop(str(it.args[0]))

    def _hook(self, it: Instruction) -> None:
        state = self._state(it.args[0])
        self.hooks[it.out[0]] = (state, self.twin.hook(state, tuple(it.options["body"])))

    def _remove(self, it: Instruction) -> None:
        self.twin.remove(*self.hooks[str(it.args[0])])


def expect(kind: str, name: str, value: dict[str, Any]) -> Instruction:
    """An expectation of exact equality."""
    return Instruction("expect", (), (name,), {"observe": kind, "relation": "equals", "value": value, "why": ""})


def finding(program: Program, engine: Engine) -> Finding | None:
    """What is wrong with what an engine makes of a program; nothing when it declines."""
    reply = engine.run(program)
    if isinstance(reply, Finding):
        return reply
    return None if reply["declined"] else judge(program, reply).finding


class Failing:
    """Whether a candidate still fails on an engine; counts how often it was asked."""

    def __init__(self, engine: Engine, verdict: str = "fail") -> None:
        self.engine = engine
        self.verdict = verdict
        self.asked = 0

    def __call__(self, candidate: Sketch) -> bool:
        return self.program(written(candidate))

    def program(self, program: Program) -> bool:
        """The same of a finished program."""
        self.asked += 1
        found = finding(program, self.engine)
        return found is not None and found.verdict == self.verdict

    def clock(self) -> float:
        """The seconds that the engine and the way to it took."""
        return self.engine.clock.engine + self.engine.clock.pipe
