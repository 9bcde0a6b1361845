"""Writing files: what cannot be written leaves them as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.files import writable, write


def test_what_cannot_be_encoded_leaves_the_file(tmp_path: Path) -> None:
    """Half of a surrogate pair is no text: the file is not opened for it."""
    path = tmp_path / "file"
    write(path, "as it was")
    with pytest.raises(UnicodeEncodeError):
        write(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "as it was"


def test_asking_whether_it_is_writable_changes_nothing(tmp_path: Path) -> None:
    """A file keeps its text, a new one is not left behind, and what lies in a file is refused."""
    old, new = tmp_path / "old", tmp_path / "folder" / "new"
    write(old, "as it was")
    writable(old)
    writable(new)
    assert old.read_text(encoding="utf-8") == "as it was"
    assert not new.exists()
    for path in (old / "below", tmp_path):
        with pytest.raises(UsageError, match="cannot write"):
            writable(path)
