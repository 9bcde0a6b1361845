"""Recording is a switch of each thread; whoever turns it puts it back as it was."""

from __future__ import annotations

import threading
from types import TracebackType


class Switch(threading.local):
    """On at the start of every thread."""

    on = True


SWITCH = Switch()


def is_grad_enabled() -> bool:
    """Whether this thread records."""
    return SWITCH.on


def turn(on: bool) -> bool:
    """Turn this thread's switch; returns how it was before."""
    before, SWITCH.on = SWITCH.on, on
    return before


class GradMode:
    """A block with recording on or off; blocks nest, and one object may be entered again inside itself."""

    recording = True

    def __init__(self) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(turn(self.recording))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        turn(self.before.pop())


class no_grad(GradMode):  # noqa: N801 (torch's spelling, like the next two)
    """Inside, results are leaves that require no grad."""

    recording = False


class enable_grad(GradMode):  # noqa: N801
    """Inside, operators are recorded again."""


class set_grad_enabled(GradMode):  # noqa: N801
    """Acts at once, also without `with`; at the end of a block returns to what was before the call."""

    def __init__(self, flag: bool) -> None:
        self.recording = flag
        self.before = [turn(flag)]

    def __enter__(self) -> None:
        turn(self.recording)
