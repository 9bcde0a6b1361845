"""One program in the making, and the model's state beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from conformance.errors import ConformanceError
from conformance.model.protocol import Twin
from conformance.model.state import State
from conformance.program import Instruction, Operand, Program


class SpecificationError(ConformanceError):
    """A clause contradicts the model, or is no property at all: the suite is wrong, not the engine."""


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


_recorder: ContextVar[Recorder] = ContextVar("recorder")


@contextmanager
def recording(dtype: str) -> Iterator[Recorder]:
    """Everything written inside becomes one program."""
    token = _recorder.set(Recorder(dtype))
    try:
        yield _recorder.get()
    finally:
        _recorder.reset(token)


def current() -> Recorder:
    """The recorder of the program that is being written."""
    return _recorder.get()


def recorded_dtype() -> str:
    """The dtype of the program being recorded; a dialect's texts show it."""
    return current().dtype


class Observed:
    """Something other than a tensor that an engine lets us see; it carries the model's answer."""

    def __init__(self, kind: str, args: tuple[str, ...], answer: Mapping[str, Any], template: str = "") -> None:
        self.kind = kind
        self.template = template
        self.args = args
        self.answer = answer

    def __bool__(self) -> bool:
        if not self.answer:
            raise SpecificationError(f"the model says nothing of {self.kind}, so control flow cannot depend on it")
        return bool(next(iter(self.answer.values())))
