"""Engines that misbehave, as rows of a table: the reference engine, patched, or an agent that babbles.

A fake misbehaves where its patch says, most often when `exp` is computed, and is right everywhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Final

_AGENT: Final = Path(__file__).resolve().parent / "agent.py"
_IMPORTS: Final = """\
import ctypes, os, signal, subprocess, sys, threading, time
from implementations.reference import core
right = core.Tensor.exp
"""
_EXP: Final = "operators/value_and_gradient[exp,float64]"
_TEXT: Final = "printed_text/a_tensor_shows_its_history[float64]"
HARMFUL: Final = "<script>alert('owned')</script>\0\x1b[31m\ud800]]>&amp;\u2028\r\n\x85"


@dataclass(frozen=True)
class Fake:
    """One way to misbehave, and what must be said of it.

    verdict: of the cases that meet it. exit_code: the gate's. message, got: patterns of the record's fields.
    verb: the instruction named, if one can be. case: the one that meets it. mode: a foreign agent's.
    """

    name: str
    patch: str
    verdict: str
    exit_code: int
    message: str = ""
    got: str = ""
    verb: str | None = None
    case: str = _EXP
    mode: str = ""

    def write(self, folder: Path) -> Path:
        """Writes the fake's adapter."""
        path = folder / f"{self.name}.py"
        command = (sys.executable, str(_AGENT), self.mode) if self.mode else ()
        path.write_text(
            "from dataclasses import replace\n"
            "from implementations.reference_eager import ADAPTER as REFERENCE\n"
            f"PATCHED = REFERENCE.patched({self.patch!r}, name={self.name!r})\n"
            f"ADAPTER = replace(PATCHED, command={command!r})\n",
            encoding="utf-8",
        )
        return path


def _dies(
    name: str, patch: str, message: str, verdict: str = "crash", verb: str | None = "apply", got: str = ""
) -> Fake:
    return Fake(name, _IMPORTS + dedent(patch), verdict, 1, message, got, verb)


def _raises(name: str, raised: str, got: str) -> Fake:
    patch = f"""
    class Odd(BaseException):
        def __str__(self):
            raise SystemExit
    def exp(self):
        raise {raised}
    core.Tensor.exp = exp
    """
    message = "an exception that the adapter does not map"
    return Fake(name, _IMPORTS + dedent(patch), "error", 3, message, got, "apply")


def _wrong(name: str, patch: str, message: str, got: str, case: str = _EXP) -> Fake:
    return Fake(name, _IMPORTS + dedent(patch), "fail", 1, message, got, case=case)


def _harmless(name: str, patch: str) -> Fake:
    return Fake(name, _IMPORTS + dedent(patch), "pass", 0)


def _babbles(mode: str, message: str) -> Fake:
    return Fake(f"answers_{mode}", "", "error", 3, f"the agent broke the protocol: {message}", mode=mode)


def _rows() -> Iterator[Fake]:
    # --- the process ends, or never answers
    yield _dies("segfaults", "core.Tensor.exp = lambda self: ctypes.string_at(0)", "SIGSEGV")
    yield _dies("exits", "core.Tensor.exp = lambda self: os._exit(0)", "exited with code 0")
    yield _dies(
        "dies_of_a_nameless_signal",
        "core.Tensor.exp = lambda self: os.kill(os.getpid(), signal.SIGRTMIN + 1)",
        "was ended by signal 35",
    )
    yield _dies(
        "segfaults_in_backward",
        'core.OPERATORS["exp"] = (core.OPERATORS["exp"][0], lambda g, y: ctypes.string_at(0))',
        "SIGSEGV",
        verb="gradients",
    )
    yield _dies(
        "hangs_in_c",  # PyDLL keeps the GIL: no thread and no signal handler of the agent's can run
        """
        def exp(self):
            open(os.path.join(os.environ["FAKES_FOLDER"], "hangs"), "w").close()
            ctypes.PyDLL(None).sleep(1000)
        core.Tensor.exp = exp
        """,
        "no answer within 1 s",
        "timeout",
    )
    yield _dies(
        "crashes_beside_a_child",  # which holds the pipe open
        "core.Tensor.exp = lambda self: os._exit(7) if os.fork() else time.sleep(1000)",
        "exited with code 7",
    )
    yield _dies(
        "closes_every_descriptor",
        "core.Tensor.exp = lambda self: os.closerange(0, 256) or right(self)",
        "exited with code",
    )
    yield _dies(
        "crashes_once",
        """
        def exp(self):
            try:
                os.close(os.open(os.path.join(os.environ["FAKES_FOLDER"], "crashed"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return right(self)
            os._exit(1)
        core.Tensor.exp = exp
        """,
        "was lost once",
        "flaky",
        verb=None,
    )
    words = HARMFUL.encode("utf-8", "surrogatepass")
    yield _dies(
        "dies_with_markup",
        f"core.Tensor.exp = lambda self: os.write(2, {words!r}) and os._exit(3)",
        "exited with code 3",
        got="<script>",
    )
    # --- exceptions
    yield _raises(
        "raises_ten_megabytes",
        "RuntimeError('x' * 10_000_000)",
        r"RuntimeError: x{2000}\.\.\. \(10000000 char",
    )
    yield _raises("raises_markup", f"RuntimeError({HARMFUL!r})", "RuntimeError: <script>")
    yield _raises("raises_keyboard_interrupt", "KeyboardInterrupt", "KeyboardInterrupt")
    yield _raises("raises_system_exit", "SystemExit(0)", "SystemExit: 0")
    yield _raises("raises_the_unprintable", "Odd", "Odd: <unprintable Odd: SystemExit>")
    yield _raises(
        "raises_an_endless_name", "type('N' * 10_000_000, (Exception,), {})", r"N{2000}\.\.\. \(10000000 char"
    )
    yield Fake(
        "exhausts_memory",
        _IMPORTS
        + dedent("""
        import resource
        def exp(self):
            before = resource.getrlimit(resource.RLIMIT_AS)
            with open("/proc/self/statm") as pages:
                used = int(pages.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 27), before[1]))  # room for 128 MiB more
            try:
                return [bytearray(1 << 24) for _ in range(1000)]
            finally:
                resource.setrlimit(resource.RLIMIT_AS, before)
        core.Tensor.exp = exp
        """),
        "fail",
        1,
        "apply was refused as exhausted, but it is legal",
        "MemoryError",
    )
    # --- wrong values and states
    yield _wrong(
        "returns_nan",
        "core.Tensor.exp = lambda self: right(self) * float('nan')",
        "y is not what the specification says",
        "nan",
    )
    yield _wrong(
        "returns_infinities",
        'core.OPERATORS["exp"] = (core.OPERATORS["exp"][0], lambda g, y: g / 0)',
        "is not what the specification says",
        "inf|nan",
    )
    yield _wrong(
        "prints_markup",
        f"core.Tensor.__repr__ = lambda self: {HARMFUL!r}",
        "is not what the specification says",
        "<script>",
        case=_TEXT,
    )
    yield _wrong(
        "prints_ten_megabytes",
        "core.Tensor.__repr__ = lambda self: 'x' * 10_000_000",
        "is not what the specification says",
        r"x{2000}\.\.\. \(10000000 char",
        case=_TEXT,
    )
    yield _wrong(
        "leaves_grad_mode_off",
        "core.Tensor.exp = lambda self: (right(self), core.set_grad_enabled(False))[0]",
        "the program changed the grad mode",
        "False",
    )
    # --- noise that harms nobody
    yield _harmless(
        "prints_a_lot",
        """
        def exp(self):
            print("stdout " * 100_000)
            print("stderr " * 100_000, file=sys.stderr)
            os.write(1, b"\\xff\\0{}\\n" * 10_000)
            ctypes.CDLL(None).puts(b'{"ran": 1}')
            ctypes.CDLL(None).fflush(None)
            return right(self)
        core.Tensor.exp = exp
        """,
    )
    yield _harmless(
        "leaves_a_thread_running",
        """
        def exp(self):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            return right(self)
        core.Tensor.exp = exp
        """,
    )
    yield _harmless(
        "leaves_a_process_running",
        "core.Tensor.exp = lambda self: subprocess.Popen(['sleep', '1000']) and right(self)",
    )
    yield _harmless(
        "closes_the_standard_descriptors",
        "core.Tensor.exp = lambda self: os.closerange(0, 3) or right(self)",
    )
    # --- the protocol
    yield Fake(
        "writes_into_the_protocol",
        _IMPORTS
        + dedent("""
        def exp(self):
            for descriptor in range(3, 16):
                try:
                    os.write(descriptor, b"garbage\\n")
                except OSError:
                    continue
            return right(self)
        core.Tensor.exp = exp
        """),
        "error",
        3,
        "the agent broke the protocol: a line that is not JSON: b'garbage', in apply",
        verb="apply",
    )
    yield _babbles("text", "a line that is not JSON")
    yield _babbles("bytes", "a line that is not JSON")
    yield _babbles("a_list", "a message that is no object")
    yield _babbles("nesting", "a line that is not JSON")
    yield _babbles("something_else", "a message that answers nothing")
    yield _babbles("another_program", "a message that answers nothing")
    yield _babbles("too_little", "a reply whose 'observations' is missing")
    yield _babbles("no_time", "a reply whose 'seconds'")
    yield _babbles("no_numbers", "a reply with a malformed observation")
    yield _babbles("no_such_instruction", "a reply whose 'failure' is malformed")
    yield _babbles("odd_leaks", "a reply whose 'leaks'")
    yield _babbles("odd_declined", "a reply whose 'declined'")
    yield _babbles("ten_megabytes", "a line of more than 4000000 bytes")
    yield Fake("answers_half_a_line", "", "crash", 1, "exited with code 0", mode="half_a_line")
    yield Fake("answers_nothing", "", "timeout", 1, "no answer within 1 s", mode="nothing")


FAKES: Final = tuple(_rows())

# Engines that do not load: what their import does, and a pattern of the sentence that says so.
UNLOADABLE: Final = {
    "raises_import_error": ("raise ImportError('no such library')", "ImportError: no such library"),
    "raises_on_import": ("raise SystemExit('go\\n\\x1b[31maway')", r"SystemExit: go\\n\\x1b\[31maway"),
    "raises_the_unprintable_on_import": (
        "class Odd(BaseException):\n    def __str__(self):\n        raise KeyboardInterrupt\nraise Odd",
        "Odd: <unprintable Odd: KeyboardInterrupt>",
    ),
    "exits_on_import": ("import os\nos._exit(0)", "exited with code 0"),
    "segfaults_on_import": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "is_no_python": ("def", "SyntaxError"),
}
