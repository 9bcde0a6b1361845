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
    """Writes `text` as UTF-8; raises UsageError when it cannot be written. What cannot be encoded leaves the file as it was."""
    encoded = text.encode("utf-8")
    with writing(path):
        path.write_bytes(encoded)


def writable(path: Path) -> None:
    """Raises UsageError when `path` cannot be written; whatever is in the file stays, and no new file does."""
    with writing(path):
        fresh = not path.exists()
        path.open("ab").close()
        if fresh:
            path.unlink()


def remove(path: Path) -> None:
    """Removes the file, if there is one, so that yesterday's is not taken for today's; raises UsageError when it cannot."""
    with writing(path):
        path.unlink(missing_ok=True)
