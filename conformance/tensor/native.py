"""What only some engines have: a dialect's own words, identities, warnings, threads, and names that are dropped.

The model says nothing of a dialect's words: what a clause expects of them is judged by its literal alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.program import Instruction
from conformance.tensor.recorder import Observed, current
from conformance.tensor.tensor import Tensor


def native(text: str, *tensors: Tensor) -> None:
    """A statement in the dialect's own words: {0}, {1} … stand for the tensors, {ns} for the engine's namespace.

    What it changes is unknown to the model; expect only `native_value` afterwards.
    """
    current().put(Instruction("native", (), tuple(tensor.name for tensor in tensors), {"text": text}))


def native_value(text: str, *tensors: Tensor) -> Observed:
    """An expression in the dialect's own words; booleans and strings are seen as they are, anything else as its str()."""
    return Observed("native", tuple(tensor.name for tensor in tensors), {}, text)


def same(a: Tensor, b: Tensor) -> Observed:
    """Whether two names stand for one object."""
    return Observed("same", (a.name, b.name), {})


def fewer_nodes(a: Tensor, b: Tensor) -> Observed:
    """Whether the graph of `a` holds fewer nodes than that of `b`."""
    return Observed("fewer_nodes", (a.name, b.name), {})


def drop(tensor: Tensor) -> None:
    """The user's name for a tensor goes away, as a temporary does; only the graph may still hold it."""
    current().add("drop", args=(tensor.name,))


@contextmanager
def warned() -> Iterator[Observed]:
    """Collects the warnings of what is inside, for `expect_matches` after the block."""
    name = current().name("warned")  # no name that an engine imports
    with current().block("warned", (name,)):
        yield Observed("warnings", (name,), {})


@contextmanager
def in_thread() -> Iterator[None]:
    """What is inside runs in a thread of its own, which is awaited; a new thread records."""
    recorder = current()
    with recorder.block("thread"), recorder.twin.mode(True):
        yield
