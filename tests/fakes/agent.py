"""An agent that breaks the protocol on every program with `exp`, in the way that its argument names."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from conformance.agent import __main__ as agent

right = agent._answer
agent.end_with_parent = lambda: None  # an agent of another language does not watch its parent
LEGAL = {
    "ran": 0,
    "observations": [],
    "failure": None,
    "declined": [],
    "lowered": [],
    "leaks": [],
    "seconds": 0.0,
}


def answer(interpreter: Any, request: dict[str, Any], channel: TextIO) -> None:
    """Answers rightly unless the program applies exp."""
    applied = [it for it in request["program"]["instructions"] if it["options"].get("operator") == "exp"]
    if not applied:
        right(interpreter, request, channel)
        return
    channel.flush()
    channel.buffer.write(bytes_of(sys.argv[1], {**LEGAL, "ran": request["run"]}))
    channel.flush()
    if sys.argv[1] == "nothing":
        Path(os.environ["FAKES_FOLDER"], "hangs").touch()
        time.sleep(1000)
    if sys.argv[1] == "half_a_line":
        sys.exit(0)


def bytes_of(mode: str, reply: dict[str, Any]) -> bytes:
    """What goes through the pipe in each mode."""
    number = {"values": ["one"], "shape": [1]}
    written: dict[str, bytes] = {
        "text": b"Traceback (most recent call last):\n",
        "bytes": b"\xff\xfe\x00\n",
        "a_list": b"[1, 2]\n",
        "nesting": b"[" * 1_000_000 + b"\n",
        "ten_megabytes": b"x" * 10_000_000 + b"\n",
        "nothing": b"",
        "half_a_line": b'{"ran": ',
    }
    replaced: dict[str, dict[str, Any]] = {
        "another_program": {"ran": reply["ran"] + 1},
        "too_little": {"observations": None},
        "no_time": {"seconds": float("nan")},
        "no_numbers": {"observations": [[index, number] for index in range(20)]},
        "no_such_instruction": {"failure": {"at": 999, "type": "E", "message": "", "kind": None}},
        "odd_leaks": {"leaks": ["grad mode"]},
        "odd_declined": {"declined": [{}]},
    }
    if mode == "something_else":
        return b'{"hello": "world"}\n'
    return written[mode] if mode in written else json.dumps({**reply, **replaced[mode]}).encode() + b"\n"


agent._answer = answer

if __name__ == "__main__":
    agent.main()
