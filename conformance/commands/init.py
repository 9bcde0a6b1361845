"""Add a test, an adapter, expectations, a tox environment, a workflow and a .gitignore to a repository."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from conformance.console import say
from conformance.errors import UsageError
from conformance.files import write
from conformance.starting import adapter_in, additions, planned


def configure(command: argparse.ArgumentParser) -> None:
    """The options."""
    command.epilog = (
        "Files go into the working directory; none is overwritten. An adapter that `try` wrote there is used, "
        "else a skeleton is written. autograd-conformance is on no package index: workflow and tox read in AUTOGRAD_CONFORMANCE "
        "where pip finds it, and say so while it is empty. Exit codes: 0 written, 2 a file exists or the name cannot be used."
    )
    command.add_argument("name", metavar="NAME", help="what the engine is called")
    command.add_argument("--engine", metavar="MODULE", help="the module to import (default: NAME)")


def execute(options: argparse.Namespace) -> int:
    """Writes the files, and says what to do next."""
    name, module = options.name, options.engine or options.name.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module):
        raise UsageError(
            f"{name!r} of module {module!r}: a name is made of letters, digits, '_', '.', '-', a module of identifiers"
        )
    folder = Path.cwd()
    texts, added = planned(folder, name, module), additions(folder, name)
    adapter = adapter_in(folder, module)
    for path, text in texts.items():
        write(folder / path, text)
        say(f"wrote {path}")
    for path, text in added.items():
        say(f"{path.name} exists; add to it:\n\n{text}")
    say(
        "now: say in the workflow, and to tox, where pip finds autograd-conformance: AUTOGRAD_CONFORMANCE is still empty"
    )
    if Path(adapter) in texts:
        say(
            f"next: autograd-conformance try {module}:Tensor --adapter {adapter} --force   (or correct its rows by hand)"
        )
    say(f"then: autograd-conformance doctor {adapter}\nand:  pytest tests/test_conformance.py")
    return 0
