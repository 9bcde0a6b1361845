"""The script that shows a cause: it is run with the engine alone, to see what its last line prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conformance.adapter import Adapter, resolve
from conformance.errors import UsageError
from conformance.journal import Journal
from conformance.showing import alone

_SECONDS = 120.0


def last_line(script: str, journal: Journal, python: str) -> str:
    """What the last line of `script` prints, run with the engine of `journal` in the environment of `python`.

    Raises UsageError when it does not run to its end, or prints nothing.
    """
    spec = journal.header["engine"].get("spec")
    command, folder = _runner(resolve(str(spec)) if spec else None, python)
    try:
        done = alone([*command, script], folder, _SECONDS)
    except subprocess.TimeoutExpired:
        raise UsageError(f"the script does not end within {_SECONDS:g} seconds") from None
    except OSError as reason:
        raise UsageError(f"the script cannot be run: {reason}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise UsageError(
            f"the script ends with code {done.returncode}: {last}; --python names the engine's interpreter"
        )
    if not done.stdout.strip():
        raise UsageError("the script prints nothing; its last line must show what the engine does")
    return done.stdout.strip().splitlines()[-1].strip()


def _runner(adapter: Adapter | None, python: str) -> tuple[list[str], Path | None]:
    """What runs a script that is added to it, and where: an engine of JavaScript is found from the folder of its packages."""
    if adapter and adapter.language == "javascript":
        return [adapter.command[0], "-e"], Path(adapter.command[1]).parent
    if adapter and adapter.command:
        raise UsageError(
            f"{adapter.name} is written in another language, so that no script can be checked; give a --link"
        )
    return [python, "-c"], Path(adapter.folder) if adapter and adapter.folder else None
