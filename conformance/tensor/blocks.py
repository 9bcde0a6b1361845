"""Blocks of a program: grad modes, exceptions of its own, and what an engine may or must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from conformance.model.protocol import Refusal
from conformance.tensor.expecting import expect, expect_one_of
from conformance.tensor.recorder import Observed, SpecificationError, current


class _UserException(Exception):
    """The exception that a program raises itself; see `interrupt`."""


class Attempt:
    """A block that an engine may refuse."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcome: dict[str, Any] = {"outcome": "accepted"}

    @property
    def observed(self) -> Observed:
        """How it ended."""
        return Observed("outcome", (self.name,), self.outcome)


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
    recorder = current()
    with recorder.block(verb), recorder.twin.mode(enabled):
        yield


@contextmanager
def catching() -> Iterator[None]:
    """Catches the exception that `interrupt` raises, as a user's `try` would."""
    with current().block("catch"), suppress(_UserException):
        yield


def interrupt() -> None:
    """The program raises an exception of its own here."""
    current().add("raise")
    raise _UserException


@contextmanager
def refuses(kind: str) -> Iterator[None]:
    """An engine must refuse what is inside, as `kind`; the model must agree."""
    attempt = Attempt(current().name("attempt"))
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
    recorder = current()
    attempt = Attempt(recorder.name("attempt"))
    recorder.tolerated.add(kind)
    try:
        with _attempted(attempt):
            yield attempt
    finally:
        recorder.tolerated.discard(kind)
    choices = [{"outcome": "refused", "kind": kind}, {"outcome": "accepted"}]
    expect_one_of(attempt.observed, choices, f"refused as {kind}, or done right")


@contextmanager
def _attempted(attempt: Attempt) -> Iterator[None]:
    with current().block("attempt", (attempt.name,)):
        try:
            yield
        except Refusal as refusal:
            attempt.outcome.update(outcome="refused", kind=refusal.kind)


def grad_enabled() -> Observed:
    """The current grad mode."""
    return Observed("grad_enabled", (), {"flag": current().twin.grad_enabled})
