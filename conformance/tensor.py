"""What clauses are written with: tensors that record a program while the model says what must be seen.

A clause reads like a user's code (`y = x * x`, `y.sum().backward()`, `with no_grad():`). Nothing here runs an engine: each line
appends an instruction to the program and moves the model. Control flow reads the model's values, so that no engine can
steer a program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import numpy as np
from flint import fmpq

from conformance.errors import ConformanceError
from conformance.judge import RELATIONS, show, show_expected
from conformance.model import numbers
from conformance.model.numbers import Array
from conformance.model.protocol import Hook, Refusal, State, Twin
from conformance.program import Instruction, Operand, Program, Scalar


class SpecificationError(ConformanceError):
    """A clause contradicts the model, or is no property at all: the suite is wrong, not the engine."""


class _UserException(Exception):
    """The exception that a program raises itself; see `interrupt`."""


class Recorder:
    """One program in the making, and the model's state beside it."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.twin = Twin(dtype)
        self.states: list[State] = []
        self.tolerated: set[str] = set()
        self._open: list[list[Instruction]] = [[]]
        self._names: dict[str, int] = {}

    def program(self) -> Program:
        """What was recorded."""
        return Program(self.dtype, tuple(self._open[0]))

    def add(self, verb: str, out: Sequence[str] = (), args: Sequence[Operand] = (), **options: Any) -> None:
        """Appends an instruction; options that are None or False are left out."""
        kept = {key: value for key, value in options.items() if value is not None and value is not False}
        self._open[-1].append(Instruction(verb, tuple(out), tuple(args), kept))

    def put(self, instruction: Instruction) -> None:
        """Appends an instruction as it is."""
        self._open[-1].append(instruction)

    @contextmanager
    def block(self, verb: str, out: Sequence[str] = (), **options: Any) -> Iterator[None]:
        """Records what happens inside as the body of a block."""
        self._open.append([])
        try:
            yield
        finally:
            body = tuple(self._open.pop())
            self._open[-1].append(Instruction(verb, tuple(out), (), options, body))

    def name(self, stem: str) -> str:
        """A fresh name: x, x2, x3 …"""
        number = self._names[stem] = self._names.get(stem, 0) + 1
        return stem if number == 1 else f"{stem}{number}"

    def bound(self, stem: str, state: State) -> Tensor:
        """A tensor under a fresh name, known to the model."""
        self.states.append(state)
        return Tensor(self, self.name(stem), state)


_recorder: ContextVar[Recorder] = ContextVar("recorder")


@contextmanager
def recording(dtype: str) -> Iterator[Recorder]:
    """Everything written inside becomes one program."""
    token = _recorder.set(Recorder(dtype))
    try:
        yield _recorder.get()
    finally:
        _recorder.reset(token)


class Observed:
    """Something other than a tensor that an engine lets us see; it carries the model's answer."""

    def __init__(self, kind: str, args: tuple[str, ...], answer: Mapping[str, Any]) -> None:
        self.kind = kind
        self.args = args
        self.answer = answer

    def __bool__(self) -> bool:
        return bool(next(iter(self.answer.values())))


class Tensor:
    """A tensor of the program being written; its value is the model's."""

    def __init__(self, recorder: Recorder, name: str, state: State) -> None:
        self._recorder = recorder
        self.name = name
        self.state = state

    # --- what the model knows, for formulas and control flow

    @property
    def value(self) -> Array:
        """The exact value, an object array of rationals."""
        return self.state.value.array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return tuple(self.value.shape)

    def item(self) -> fmpq:
        """The only element, exactly."""
        element: fmpq = self.value.item()
        return element

    # --- operators

    def __add__(self, other: Any) -> Tensor:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return apply("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return apply("sub", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return apply("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return apply("mul", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply("div", other, self)

    def __pow__(self, exponent: int) -> Tensor:
        return apply("pow", self, exponent)

    def __matmul__(self, other: Tensor) -> Tensor:
        return apply("matmul", self, other)

    def __neg__(self) -> Tensor:
        return apply("neg", self)

    def __abs__(self) -> Tensor:
        return apply("abs", self)

    def __getitem__(self, index: int | list[int] | slice) -> Tensor:
        literal = {"slice": [index.start, index.stop]} if isinstance(index, slice) else index
        return apply("index", self, index=literal)

    def sum(self, axis: int | None = None) -> Tensor:
        """The sum of all elements, or along one axis."""
        return apply("sum", self) if axis is None else apply("sum_axis", self, axis=axis)

    def reshape(self, *shape: int) -> Tensor:
        """The same elements in another shape."""
        return apply("reshape", self, shape=list(shape))

    def unary(self, operator: str) -> Tensor:
        """An operator of one operand by its name in the table: exp, relu, norm …"""
        return apply(operator, self)

    def binary(self, operator: str, other: Tensor) -> Tensor:
        """An operator of two operands by its name in the table: dot, mm …"""
        return apply(operator, self, other)

    # --- the protocol

    def backward(
        self,
        cotangent: Tensor | None = None,
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Accumulates this tensor's gradients into the leaves."""
        recorder = self._recorder
        recorder.add(
            "backward",
            args=(self.name,),
            cotangent=cotangent.name if cotangent else None,
            retain_graph=retain_graph,
            create_graph=create_graph,
            inputs=[tensor.name for tensor in inputs] if inputs else None,
        )
        recorder.twin.backward(
            self.state,
            cotangent.state if cotangent else None,
            recorder.states,
            retain_graph=retain_graph,
            create_graph=create_graph,
            inputs=[tensor.state for tensor in inputs] if inputs else None,
        )

    @property
    def grad(self) -> Gradient:
        """The accumulated gradient, to expect something of, to clear, or to compute with."""
        return Gradient(self)

    @grad.setter
    def grad(self, value: None) -> None:
        self._recorder.add("clear", args=(self.name,), how="none")
        self._recorder.twin.clear(self.state, "none")

    def detach(self) -> Tensor:
        """The same value as a constant."""
        result = self._recorder.bound("u", self._recorder.twin.detach(self.state))
        self._recorder.add("detach", (result.name,), (self.name,))
        return result

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Flips a leaf's flag in place."""
        self._recorder.put(Instruction("require_grad", (), (self.name,), {"flag": flag}))
        self._recorder.twin.require_grad(self.state, flag)
        return self

    def retain_grad(self) -> None:
        """Asks that this non-leaf keep its gradient."""
        self._recorder.add("retain_grad", args=(self.name,))
        self._recorder.twin.retain_grad(self.state)

    def register_hook(self, *, scale: int | None = None, replace: Any = None) -> Handle:
        """Registers a hook that records its argument and, if asked, scales or replaces it."""
        body: list[dict[str, Any]] = []
        if scale is not None:
            body.append({"scale": str(scale)})
        if replace is not None:
            body.append({"replace": numbers.to_json(numbers.exact_array(replace))})
        name = self._recorder.name("hook")
        self._recorder.put(Instruction("hook", (name,), (self.name,), {"body": body}))
        return Handle(self, name, self._recorder.twin.hook(self.state, tuple(body)))

    # --- flags

    def _flag(self, kind: str, answer: Any) -> Observed:
        return Observed(kind, (self.name,), {"flag": answer})

    @property
    def requires_grad(self) -> Observed:
        """Whether gradients flow to or through this tensor."""
        return self._flag("requires_grad", self.state.requires_grad)

    @property
    def is_leaf(self) -> Observed:
        """Whether no recorded operator produced this tensor."""
        return self._flag("is_leaf", self.state.is_leaf)

    @property
    def recorded(self) -> Observed:
        """Whether the graph holds a node for this tensor."""
        return self._flag("recorded", not self.state.is_leaf)

    @property
    def volatile(self) -> Observed:
        """The pre-0.4 flag that keeps everything computed from it out of the graph."""
        return self._flag("is_volatile", self.state.volatile)

    # Texts and names of a dialect have no answer in the model: the clause's literal alone judges them.

    def node_name(self) -> Observed:
        """The class name of the node that produced this tensor (dialect torch)."""
        return Observed("node_name", (self.name,), {})

    def text(self) -> Observed:
        """The printed form (dialect)."""
        return Observed("text", (self.name,), {})


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if key == "shape" else value for key, value in attributes.items()}


def apply(operator: str, *operands: Any, **attributes: Any) -> Tensor:
    """Applies an operator of the table to tensors and Python numbers; at least one operand is a tensor."""
    recorder = next(operand._recorder for operand in operands if isinstance(operand, Tensor))
    states = [_state(recorder, operand) for operand in operands]
    args = [operand.name if isinstance(operand, Tensor) else Scalar(str(fmpq(operand))) for operand in operands]
    result = recorder.bound("y", recorder.twin.apply(operator, states, _plain(attributes)))
    recorder.put(Instruction("apply", (result.name,), tuple(args), {"operator": operator, **attributes}))
    return result


def _state(recorder: Recorder, operand: Any) -> State:
    return operand.state if isinstance(operand, Tensor) else recorder.twin.leaf(numbers.exact_array(operand), False)


class Gradient:
    """The gradient that a tensor has accumulated."""

    def __init__(self, owner: Tensor) -> None:
        self.owner = owner

    def zero_(self) -> None:
        """Clears it in place."""
        self.owner._recorder.add("clear", args=(self.owner.name,), how="zero")
        self.owner._recorder.twin.clear(self.owner.state, "zero")

    def bound(self) -> Tensor:
        """The gradient as a tensor to compute with, as `g = x.grad`."""
        state = self.owner.state.grad
        if state is None:
            raise SpecificationError(f"{self.owner.name} has no gradient yet")
        tensor = Tensor(self.owner._recorder, self.owner._recorder.name("g"), state)
        self.owner._recorder.add("read_grad", (tensor.name,), (self.owner.name,))
        return tensor


class Handle:
    """A registered hook."""

    def __init__(self, owner: Tensor, name: str, hook: Hook) -> None:
        self._owner = owner
        self._hook = hook
        self.name = name

    def remove(self) -> None:
        """Ends it."""
        self._owner._recorder.add("remove", args=(self.name,))
        self._owner._recorder.twin.remove(self._owner.state, self._hook)

    @property
    def calls(self) -> Observed:
        """The arguments it was called with, in order."""
        return Observed("calls", (self.name,), {"calls": [numbers.to_json(call) for call in self._hook.calls]})


class Attempt:
    """A block that an engine may refuse."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcome: dict[str, Any] = {"outcome": "accepted"}

    @property
    def observed(self) -> Observed:
        """How it ended."""
        return Observed("outcome", (self.name,), self.outcome)


# --- making tensors


def tensor(values: Any, requires_grad: bool = False) -> Tensor:
    """A leaf with exact values (integers or rationals), of the case's dtype."""
    recorder = _recorder.get()
    array = numbers.exact_array(values)
    result = recorder.bound("x" if requires_grad else "c", recorder.twin.leaf(array, requires_grad))
    options = {"value": numbers.to_json(array), "requires_grad": requires_grad}
    recorder.put(Instruction("leaf", (result.name,), (), options))
    return result


def variable(values: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """A leaf of the pre-0.4 API (dialect variable)."""
    recorder = _recorder.get()
    array = numbers.exact_array(values)
    result = recorder.bound("v", recorder.twin.variable(array, requires_grad, volatile))
    options = {"value": numbers.to_json(array), "requires_grad": requires_grad, "volatile": volatile}
    recorder.put(Instruction("variable", (result.name,), (), options))
    return result


# --- derivatives


def gradients(root: Tensor, inputs: Sequence[Tensor], cotangent: Tensor | None = None) -> list[Tensor]:
    """The core: the gradients of `root` by whatever means the engine has. Laws use it; leaves must be fresh."""
    recorder = root._recorder
    if any(tensor.state.grad is not None for tensor in inputs):
        raise SpecificationError("gradients() wants fresh leaves: an engine may answer it by backward")
    states = recorder.twin.grad(
        root.state,
        [t.state for t in inputs],
        cotangent.state if cotangent else None,
        recorder.states,
        allow_unused=False,
    )
    return _bound_gradients(
        "gradients", recorder, root, inputs, states, cotangent=cotangent.name if cotangent else None
    )


def grad(
    root: Tensor,
    inputs: Sequence[Tensor],
    cotangent: Tensor | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> list[Tensor]:
    """The functional gradient: returns gradients and touches nobody's `.grad`."""
    recorder = root._recorder
    options = {"retain_graph": retain_graph, "create_graph": create_graph, "allow_unused": allow_unused}
    given, tolerated = cotangent.name if cotangent else None, allow_unused or "unused_input" in recorder.tolerated
    try:
        states = recorder.twin.grad(
            root.state,
            [t.state for t in inputs],
            cotangent.state if cotangent else None,
            recorder.states,
            **{**options, "allow_unused": tolerated},
        )
    except Refusal:
        outs = [recorder.name("g") for _ in inputs]
        recorder.add("grad", outs, (root.name, *(t.name for t in inputs)), cotangent=given, **options)
        raise
    return _bound_gradients("grad", recorder, root, inputs, states, cotangent=given, **options)


def _bound_gradients(
    verb: str, recorder: Recorder, root: Tensor, inputs: Sequence[Tensor], states: Sequence[State], **options: Any
) -> list[Tensor]:
    results = [recorder.bound("g", state) for state in states]
    recorder.add(verb, [r.name for r in results], (root.name, *(t.name for t in inputs)), **options)
    return results


# --- blocks


@contextmanager
def no_grad() -> Iterator[None]:
    """Nothing inside is recorded in the graph."""
    with _mode("no_grad", False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """What is inside is recorded again."""
    with _mode("enable_grad", True):
        yield


@contextmanager
def _mode(verb: str, enabled: bool) -> Iterator[None]:
    recorder = _recorder.get()
    with recorder.block(verb), recorder.twin.mode(enabled):
        yield


@contextmanager
def catching() -> Iterator[None]:
    """Catches the exception that `interrupt` raises, as a user's `try` would."""
    with _recorder.get().block("catch"):
        try:
            yield
        except _UserException:
            pass


def interrupt() -> None:
    """The program raises an exception of its own here."""
    _recorder.get().add("raise")
    raise _UserException


@contextmanager
def refuses(kind: str) -> Iterator[None]:
    """An engine must refuse what is inside, as `kind`; the model must agree."""
    attempt = Attempt(_recorder.get().name("attempt"))
    with _attempted(attempt):
        yield
    if attempt.outcome.get("kind") != kind:
        raise SpecificationError(f"the model does not refuse this as {kind}, it says {attempt.outcome}")
    expect(attempt.observed, {"outcome": "refused", "kind": kind}, f"this must be refused as {kind}")


@contextmanager
def attempting(kind: str) -> Iterator[Attempt]:
    """An engine may refuse what is inside, as `kind`, or do it right.

    What is expected inside is seen only if it is not refused; `when` guards what is expected afterwards.
    """
    recorder = _recorder.get()
    attempt = Attempt(recorder.name("attempt"))
    recorder.tolerated.add(kind)
    with _attempted(attempt):
        yield attempt
    recorder.tolerated.discard(kind)
    choices = [{"outcome": "refused", "kind": kind}, {"outcome": "accepted"}]
    expect_one_of(attempt.observed, choices, "either refused or done right")


@contextmanager
def _attempted(attempt: Attempt) -> Iterator[None]:
    with _recorder.get().block("attempt", (attempt.name,)):
        try:
            yield
        except Refusal as refusal:
            attempt.outcome.update(outcome="refused", kind=refusal.kind)


def grad_enabled() -> Observed:
    """The current grad mode."""
    return Observed("grad_enabled", (), {"flag": _recorder.get().twin.grad_enabled})


# --- expectations

Subject = Tensor | Gradient | Observed
_NOTHING: Final = {"absent": True}


def expect(subject: Subject, value: Any, why: str = "", *, when: tuple[Attempt, str] | None = None) -> None:
    """What must be seen here: `value` comes from a formula in the clause, never from an engine."""
    _expect(subject, "equals", _value(subject, value), why, when)


def expect_one_of(subject: Subject, values: Sequence[Any], why: str = "") -> None:
    """One of `values` must be seen here."""
    _expect(subject, "one_of", {"choices": [_value(subject, value) for value in values]}, why, None)


def expect_within(subject: Subject, low: Any, high: Any, what: str) -> None:
    """A convention: every element lies in [low, high]; what is seen there is recorded under the name `what`."""
    _expect(subject, "within", {"low": _value(subject, low), "high": _value(subject, high)}, what, None)


def _expect(subject: Subject, relation: str, value: Any, why: str, when: tuple[Attempt, str] | None) -> None:
    kind, args, answer = _answer(subject)
    dtype = _recorder.get().dtype
    condition = [when[0].name, when[1]] if when else None
    if answer and condition is None and not RELATIONS[relation](answer, value, dtype):
        said, wanted = show(answer), show_expected(relation, value)
        raise SpecificationError(
            f"clause and model disagree about {kind} of {args}: model {said}, clause {wanted}; {why}"
        )
    options = {"observe": kind, "relation": relation, "value": value, "why": why}
    if condition:
        options["when"] = condition
    _recorder.get().put(Instruction("expect", (), args, options))


def _answer(subject: Subject) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The kind of observation, its operands, and the model's answer."""
    if isinstance(subject, Observed):
        return subject.kind, subject.args, subject.answer
    if isinstance(subject, Gradient):
        state = subject.owner.state.grad
        return "grad", (subject.owner.name,), numbers.to_json(state.value.array) if state else _NOTHING
    return "tensor", (subject.name,), numbers.to_json(subject.value)


def _value(subject: Subject, value: Any) -> Any:
    if isinstance(subject, Observed):
        return _observed_value(subject.kind, value)
    if value is None:
        return _NOTHING
    return numbers.to_json(numbers.exact_array(value))


def _observed_value(kind: str, value: Any) -> dict[str, Any]:
    if kind == "calls":
        return {"calls": [numbers.to_json(numbers.exact_array(np.asarray(call, dtype=object))) for call in value]}
    if kind == "outcome":
        return dict(value)
    return {"text": value} if kind == "text" else {"flag": value}


def recorded_dtype() -> str:
    """The dtype of the program being recorded; a dialect's texts show it."""
    return _recorder.get().dtype
