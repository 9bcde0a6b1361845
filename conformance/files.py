"""Writing files: a folder is made when it is missing, and what the file system refuses is a user's mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.errors import UsageError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within, `path` can be written: its folder exists. Raises UsageError when the file system refuses something."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as reason:
        raise UsageError(f"cannot write {path}: {reason.strerror}") from None


def write(path: Path, text: str) -> None:
    """Writes `text` as UTF-8; raises UsageError when it cannot be written."""
    with writing(path):
        path.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Removes the file, if there is one, so that yesterday's is not taken for today's; raises UsageError when it cannot."""
    with writing(path):
        path.unlink(missing_ok=True)
