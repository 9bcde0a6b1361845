"""The tensors of a program being written; each method appends an instruction and moves the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from conformance.model import numbers
from conformance.model.numbers import Array
from conformance.model.state import Hook, State
from conformance.program import Instruction, Operand, Scalar, attributes_of
from conformance.tensor.recorder import Observed, Recorder, SpecificationError, current


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

    def eq(self, other: Any) -> Tensor:
        """Where two tensors are equal; of dtype bool, without a gradient."""
        return apply("eq", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return apply("gt", self, other)

    def __pow__(self, exponent: int) -> Tensor:
        return apply("pow", self, exponent)

    def __matmul__(self, other: Tensor) -> Tensor:
        return apply("matmul", self, other)

    def __neg__(self) -> Tensor:
        return apply("neg", self)

    def __abs__(self) -> Tensor:
        return apply("abs", self)

    def __getitem__(self, index: int | list[int] | slice) -> Tensor:
        return apply("index", self, index=_literal(index))

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
        retain_variables: bool = False,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Accumulates this tensor's gradients into the leaves; `retain_variables` is retain_graph before 0.4."""
        recorder = self._recorder
        recorder.add(
            "backward",
            args=(self.name,),
            cotangent=cotangent.name if cotangent else None,
            retain_graph=retain_graph,
            retain_variables=retain_variables,
            create_graph=create_graph,
            inputs=[tensor.name for tensor in inputs] if inputs else None,
        )
        recorder.twin.backward(
            self.state,
            cotangent.state if cotangent else None,
            recorder.states,
            retain_graph=retain_graph,
            retain_variables=retain_variables,
            create_graph=create_graph,
            inputs=[tensor.state for tensor in inputs] if inputs else None,
        )

    @property
    def grad(self) -> Gradient:
        """The accumulated gradient, to expect something of, to clear, or to compute with."""
        return Gradient(self)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            self._recorder.add("clear", args=(self.name,), how="none")
            self._recorder.twin.clear(self.state, "none")
        else:
            self._recorder.add("set_grad", args=(self.name, value.name))
            self._recorder.twin.set_grad(self.state, value.state)

    def detach(self) -> Tensor:
        """The same value as a constant."""
        result = bound(self._recorder, "u", self._recorder.twin.detach(self.state))
        self._recorder.add("detach", (result.name,), (self.name,))
        return result

    def rewrapped(self, requires_grad: bool = False) -> Tensor:
        """A new Variable of this one's data, `Variable(v.data)` (dialect variable)."""
        result = bound(self._recorder, "v", self._recorder.twin.rewrap(self.state, requires_grad))
        self._recorder.put(Instruction("rewrap", (result.name,), (self.name,), {"requires_grad": requires_grad}))
        return result

    def requires_grad_(self, flag: bool = True) -> Tensor:
        """Flips a leaf's flag in place; what it returns has a name of its own, which is to be the same tensor's."""
        returned = Tensor(self._recorder, self._recorder.name("q"), self.state)
        self._recorder.put(Instruction("require_grad", (returned.name,), (self.name,), {"flag": flag}))
        self._recorder.twin.require_grad(self.state, flag)
        return returned

    def add_(self, other: Any) -> None:
        """Adds to this tensor in place."""
        self._write("add", other)

    def mul_(self, other: Any) -> None:
        """Multiplies this tensor in place."""
        self._write("mul", other)

    def __setitem__(self, index: int | slice, other: Any) -> None:
        self._write("set", other, index=_literal(index))

    def _write(self, how: str, other: Any, **index: Any) -> None:
        self._recorder.put(Instruction("write", (), (self.name, _operand(other)), {"how": how, **index}))
        self._recorder.twin.write(self.state, how, _state(self._recorder, other), **index)

    def retain_grad(self) -> None:
        """Asks that this non-leaf keep its gradient."""
        self._recorder.add("retain_grad", args=(self.name,))
        self._recorder.twin.retain_grad(self.state)

    def unbind(self) -> list[Tensor]:
        """The entries along the first axis, as `for entry in x` gives them."""
        results = [bound(self._recorder, "y", state) for state in self._recorder.twin.unbind(self.state)]
        self._recorder.add("unbind", [result.name for result in results], (self.name,))
        return results

    def register_hook(self, *, scale: int | None = None, replace: Any = None, note: str | None = None) -> Handle:
        """Registers a hook that records its argument (or its flag `note`) and, if asked, scales or replaces it."""
        body: list[dict[str, Any]] = [{"note": note}] if note else []
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
    def version(self) -> Observed:
        """How often the memory of this tensor was written, by whatever looks at it."""
        return self._flag("version", str(self.state.memory.version))

    @property
    def volatile(self) -> Observed:
        """The pre-0.4 flag that keeps everything computed from it out of the graph."""
        return self._flag("is_volatile", self.state.volatile)

    # Texts and names of a dialect have no answer in the model: the clause's literal alone judges them.

    def node_name(self) -> Observed:
        """The class name of the node that produced this tensor (dialect torch)."""
        return Observed("node_name", (self.name,), {})

    def creator(self) -> Observed:
        """The class name of the node that produced this Variable, or NoneType (dialect variable)."""
        return Observed("creator", (self.name,), {})

    def data_entry(self) -> Observed:
        """The first entry of a Variable's data, as it prints (dialect variable)."""
        return Observed("data_entry", (self.name,), {})

    def shares_memory(self, other: Tensor) -> Observed:
        """Whether the data of two Variables is in one place (dialect variable)."""
        return Observed("shares_memory", (self.name, other.name), {})

    def text(self) -> Observed:
        """The printed form (dialect)."""
        return Observed("text", (self.name,), {})


def bound(recorder: Recorder, stem: str, state: State) -> Tensor:
    """A tensor under a fresh name, known to the model."""
    recorder.states.append(state)
    return Tensor(recorder, recorder.name(stem), state)


def apply(operator: str, *operands: Any, **attributes: Any) -> Tensor:
    """Applies an operator of the table to tensors and Python numbers; at least one operand is a tensor."""
    recorder = next(operand._recorder for operand in operands if isinstance(operand, Tensor))
    states = [_state(recorder, operand) for operand in operands]
    args = [_operand(operand) for operand in operands]
    name = recorder.name("y")
    # The instruction comes first: an operator may be refused.
    recorder.put(Instruction("apply", (name,), tuple(args), {"operator": operator, **attributes}))
    state = recorder.twin.apply(operator, states, attributes_of(attributes))
    recorder.states.append(state)
    return Tensor(recorder, name, state)


def repeated(times: int, operator: str, start: Tensor, other: Any) -> Tensor:
    """What so many applications of one operator make of `start`: in the program a loop, not a line for each."""
    recorder, state = start._recorder, start.state
    name, second = recorder.name("y"), _state(recorder, other)
    for _ in range(times):
        state = recorder.twin.apply(operator, (state, second), {})
    body = Instruction("apply", (name,), (name, _operand(other)), {"operator": operator})
    recorder.put(Instruction("repeat", (name,), (start.name,), {"times": times}, (body,)))
    recorder.states.append(state)
    return Tensor(recorder, name, state)


def _literal(index: int | list[int] | slice) -> Any:
    return {"slice": [index.start, index.stop]} if isinstance(index, slice) else index


def _operand(operand: Any) -> Operand:
    return operand.name if isinstance(operand, Tensor) else Scalar(str(fmpq(operand)))


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
        return Observed("calls", (self.name,), {"calls": list(self._hook.calls)})


def tensor(values: Any, requires_grad: bool = False, dtype: str | None = None) -> Tensor:
    """A leaf with exact values (integers or rationals), of the case's dtype unless `dtype` is one of integers."""
    recorder = current()
    array, name = numbers.exact_array(values), recorder.name("x" if requires_grad else "c")
    options = {"value": numbers.to_json(array), "requires_grad": requires_grad, **({"dtype": dtype} if dtype else {})}
    recorder.put(Instruction("leaf", (name,), (), options))
    state = recorder.twin.leaf(array, requires_grad, dtype)
    recorder.states.append(state)
    return Tensor(recorder, name, state)


def variable(values: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """A leaf of the pre-0.4 API (dialect variable)."""
    recorder = current()
    array = numbers.exact_array(values)
    result = bound(recorder, "v", recorder.twin.variable(array, requires_grad, volatile))
    options = {"value": numbers.to_json(array), "requires_grad": requires_grad, "volatile": volatile}
    recorder.put(Instruction("variable", (result.name,), (), options))
    return result
