"""What `init` puts into a repository: the files, from templates that are package data."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from conformance.errors import UsageError

_SKELETON: Final = "conformance_adapter.py"
# Where each file goes, and the template that it is made of.
_FILES: Final[Mapping[str, str]] = {
    "tests/test_conformance.py": "test_conformance.py",
    "tests/expectations/$name.toml": "expectations.toml",
    ".github/workflows/conformance.yml": "workflow.yml",
}
# Files that a repository may have already: how a new one begins, and what is to be added to an old one.
_SHARED: Final[Mapping[str, tuple[str, ...]]] = {
    "tox.ini": ("tox.ini", "environment.ini"),
    ".gitignore": ("gitignore",),
}


def adapter_in(folder: Path, module: str) -> str:
    """The adapter that is used: the one that `try` wrote, else the skeleton that is to be written."""
    tried = f"{module.partition('.')[0]}_adapter.py"
    return tried if (folder / tried).exists() else _SKELETON


def planned(folder: Path, name: str, module: str) -> dict[Path, str]:
    """The files to write, with their texts. Raises UsageError when one of them exists."""
    values = {"name": name, "module": module, "adapter": adapter_in(folder, module)}
    texts = {Path(Template(path).substitute(values)): rendered(template, values) for path, template in _FILES.items()}
    if values["adapter"] == _SKELETON:
        texts[Path(_SKELETON)] = rendered("adapter.py", values)
    for path, templates in _SHARED.items():
        if not (folder / path).exists():
            texts[Path(path)] = "".join(rendered(template, values) for template in templates)
    if existing := sorted(str(path) for path in texts if (folder / path).exists()):
        raise UsageError(
            f"nothing was written: {', '.join(existing)} would be overwritten; remove or rename what is there"
        )
    return texts


def additions(folder: Path, name: str) -> dict[Path, str]:
    """What the user has to add to files that exist, and that `init` leaves alone."""
    texts = {folder / path: rendered(templates[-1], {"name": name}) for path, templates in _SHARED.items()}
    return {
        path: text
        for path, text in texts.items()
        if path.exists() and text.strip() not in path.read_text("utf-8", "replace")
    }


def rendered(template: str, values: Mapping[str, str]) -> str:
    """A template, filled in."""
    text = files(__package__).joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)
