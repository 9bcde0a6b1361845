"""Whether operators record: a mode of the thread, always restored to what it was before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Mode(threading.local):
    """Whether operators record; each thread has its own, which starts enabled."""

    enabled = True


MODE = Mode()


def is_grad_enabled() -> bool:
    return MODE.enabled


def enter_mode(flag: bool) -> bool:
    """Set this thread's mode and return the previous one, which is what to restore."""
    previous, MODE.enabled = MODE.enabled, flag
    return previous


def exit_mode(previous: bool) -> None:
    MODE.enabled = previous


@contextmanager
def no_grad() -> Iterator[None]:
    """Nothing is recorded inside; the previous mode returns at the end, also after an exception."""
    previous = enter_mode(False)
    try:
        yield
    finally:
        exit_mode(previous)


@contextmanager
def enable_grad() -> Iterator[None]:
    """Recording is on inside, also within `no_grad`."""
    previous = enter_mode(True)
    try:
        yield
    finally:
        exit_mode(previous)


class set_grad_enabled:  # noqa: N801 (torch's spelling)
    """Sets the mode at once; used with `with`, restores the previous one at the end."""

    def __init__(self, flag: bool) -> None:
        self.flag = flag
        self.previous = enter_mode(flag)

    def __enter__(self) -> None:
        enter_mode(self.flag)

    def __exit__(self, *exception: object) -> None:
        exit_mode(self.previous)
