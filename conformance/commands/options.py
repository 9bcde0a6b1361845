"""Options that several commands have, and what they stand for."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from conformance.errors import UsageError
from conformance.expectations import BUILTIN

_LONGEST_TIMEOUT = 86_400


def environment(command: argparse.ArgumentParser) -> None:
    """Where the engine runs, and how long one program may take."""
    command.add_argument(
        "--python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter of the engine's environment (default: ours)",
    )
    command.add_argument(
        "--timeout", type=seconds, default=20.0, metavar="S", help="seconds for one program (default: 20)"
    )


def expectations(command: argparse.ArgumentParser) -> None:
    """Which expectations count."""
    command.add_argument(
        "--expectations", type=Path, default=BUILTIN, metavar="DIR", help="the folder of <engine>.toml (default: ours)"
    )


def positive(text: str) -> int:
    """A number of processes."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds; give more than 0 and at most {_LONGEST_TIMEOUT} seconds"
        )
    return seconds


def sizes(text: str) -> tuple[int, ...]:
    """Numbers of elements, ascending."""
    parts = text.split(",")
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} are no sizes; give numbers of elements such as 1,100")
    return tuple(sorted({int(part) for part in parts}))


def shard(text: str) -> str:
    """One of several parts, `i/n`."""
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard; the second of four is 2/4")
    return text


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def engines(options: argparse.Namespace) -> tuple[str, ...]:
    """The engines that were asked for, else those that are installed; it says which, and how the others are installed."""
    from conformance.adapter import INSTALL, builtin, load

    if options.engine:
        return tuple(dict.fromkeys(options.engine))
    known = {name: load(name) for name in builtin()}
    installed = tuple(name for name, adapter in known.items() if adapter.installed())
    engines = tuple(name for name in installed if not known[name].by_name)
    print(f"engines: {', '.join(engines)}", file=sys.stderr)
    if slow := [name for name in installed if name not in engines]:
        print(f"only by --engine, since they take minutes: {', '.join(slow)}", file=sys.stderr)
    for language, how in INSTALL.items():
        missing = [name for name in known if name not in installed and known[name].language == language]
        if missing:
            print(f"not installed: {', '.join(missing)} ({how.format(','.join(missing))})", file=sys.stderr)
    return engines


def interpreter(name: str, option: str = "--python") -> str:
    """The path of the interpreter that `option` names; raises UsageError when there is none."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{option} {name}: there is no such interpreter")
    return found
