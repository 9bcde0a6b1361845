"""Being asked to end, by Ctrl-C or SIGTERM: KeyboardInterrupt comes at once, except where something would be lost by it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_REQUESTS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether this process was asked to end, and how often."""

    def __init__(self) -> None:
        self.asked = 0
        self._held = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Counts requests inside the block. The first raises KeyboardInterrupt unless it is held; no other one raises."""
        former = {number: signal.signal(number, self._request) for number in _REQUESTS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block that is not interrupted; KeyboardInterrupt comes at its end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def free(self) -> Iterator[None]:
        """A part of a held block that may be interrupted."""
        if self.asked:
            raise KeyboardInterrupt
        self._held = False
        try:
            yield
        finally:
            self._held = True

    def _request(self, *_: object) -> None:
        self.asked += 1
        if self.asked == 1 and not self._held:
            raise KeyboardInterrupt
