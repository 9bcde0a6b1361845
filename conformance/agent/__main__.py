"""The protocol loop: JSON lines in, JSON lines out.

    -> {"hello": {"protocol": 1, "adapter": {...}}}
    <- {"ready": {"protocol": 1, "language": "python", "runtime": "3.11.7", "version": "2.13.0"}}
       {"refused": {"kind": "import", "message": "..."}}
    -> {"run": 7, "program": {...}, "trace": false, "seconds": 20}
    <- {"at": 3}                                    only with trace: instruction 3 is about to run
    <- {"ran": 7, "observations": [[5, {...}]], "failure": null, "declined": [], "leaks": [], "seconds": 0.0002}

The agent ends when its input closes. Values are text that reads back exactly; see docs/agent-protocol.md.
"""

import json
import os
import platform
import signal
import sys

from .interpreter import Interpreter
from .lifetime import die_first, end_with_parent
from .text import clipped

PROTOCOL = 1


def main():
    end_with_parent()
    die_first()
    channel, requests = _private_channel()
    hello = json.loads(requests.readline() or "null")
    if hello is None:
        return
    interpreter = _load(hello["hello"]["adapter"], channel)
    if interpreter is None:
        return
    for line in requests:
        request = json.loads(line)
        if "hello" in request:  # the same engine, spelled otherwise
            interpreter = _load(request["hello"]["adapter"], channel) or interpreter
        else:
            _answer(interpreter, request, channel)


def _private_channel():
    """Keeps the pipes to ourselves: whatever the engine prints or reads goes elsewhere."""
    channel = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    requests = os.fdopen(os.dup(0), "r", encoding="ascii", newline="\n")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    sys.stdout = sys.stderr
    return channel, requests


def _load(adapter, channel):
    try:
        interpreter = Interpreter(adapter)
        version = interpreter.version()
    except BaseException as reason:  # an engine may raise anything while it is imported, SystemExit included
        kind = "import" if isinstance(reason, ImportError) else "load"
        message = "%s: %s" % (type(reason).__name__, clipped(reason))
        _send(channel, {"refused": {"kind": kind, "message": message}})
        return None
    ready = {"protocol": PROTOCOL, "language": "python", "runtime": platform.python_version(), "version": version}
    _send(channel, {"ready": ready})
    return interpreter


def _answer(interpreter, request, channel):
    announce = (lambda index: _send(channel, {"at": index})) if request["trace"] else None
    _alarm(request["seconds"])
    reply = interpreter.run(request["program"], announce)
    _alarm(0)
    reply["ran"] = request["run"]
    _send(channel, reply)


def _send(channel, message):
    channel.write(json.dumps(message, separators=(",", ":")) + "\n")
    channel.flush()


def _alarm(seconds):
    """A second line of defence: the default action of SIGALRM ends us even when the engine hangs inside C.

    The harness's own deadline comes first; this one matters only when the harness is gone.
    """
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds * 2) + 1 if seconds else 0)


if __name__ == "__main__":
    main()
