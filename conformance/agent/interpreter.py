"""Executes lowered programs in the engine's process and collects what can be observed."""

import importlib.util
import os
import re
import sys
import threading
import time
import warnings
from functools import lru_cache

from .lowering import Misspelt, NotOffered, spelled
from .printing import printed
from .text import clipped, exact, extents, flat

MANY_FUNCTIONS = 1 << 14
_FLAGS = ("bool", "bool_")  # Python's, and NumPy's by either of its names
# Whichever engine raises them. What a hook raises says nothing; Python's own exception of this name says what was divided.
_EVERYWHERE = (
    ("exhausted", "RecursionError", ""),
    ("exhausted", "MemoryError", ""),
    ("raised", "ZeroDivisionError", "^$"),
)
_DTYPE = re.compile(r"bool|complex\d+|b?float\d+|u?int\d+")


class ProgramException(Exception):
    """The exception that a program raises itself, as a user's code would."""


class Refused(Exception):
    """An engine's exception, with the instruction that met it, and the key of the spelling that was being executed."""

    def __init__(self, index, reason, key=None):
        Exception.__init__(self, index)
        self.index = index
        self.reason = reason
        self.key = key


@lru_cache(maxsize=4096)
def compiled(text, mode):
    """Statements recur from program to program: each text is compiled once."""
    return compile(text, "<program>", mode)


class Interpreter:
    """One engine, ready to execute programs; every program starts from the same state."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.refusals = [
            (kind, name, re.compile(pattern)) for kind, name, pattern in (*adapter["refusals"], *_EVERYWHERE)
        ]
        self.prelude = {"__name__": "__main__"}
        warnings.simplefilter("ignore")
        folder = adapter.get("folder")
        if folder and folder not in sys.path:
            sys.path.append(folder)  # an engine beside its adapter, which shadows nothing
        try:
            exec(compile(adapter["prelude"], "<prelude>", "exec"), self.prelude)
        except ImportError as reason:
            sought = unfound(adapter)
            if not sought:
                raise
            raise ImportError(clipped(reason) + sought) from None
        self.filters = list(warnings.filters)
        self.functions = {}
        self.state = self.snapshot()

    def function(self, code):
        """The function that `code` gives, among the prelude's names; made once."""
        if code not in self.functions:
            if len(self.functions) > MANY_FUNCTIONS:
                self.functions.clear()
            self.functions[code] = eval(compile(code, "<spelling>", "eval"), self.prelude)
        return self.functions[code]

    def version(self):
        return clipped(eval(self.adapter["version"], self.prelude))

    def run(self, program, announce):
        """Executes one program; returns observations, failure, declined keys, leaks and the engine's seconds."""
        reply = {"observations": [], "failure": None, "declined": [], "lowered": [], "leaks": [], "seconds": 0.0}
        try:
            lowering, steps = spelled(program, self.adapter)
        except NotOffered as missing:
            reply["declined"] = [missing.key]
            return reply
        except Misspelt as reason:
            reply["failure"] = self.described(Refused(program["instructions"][0]["index"], reason))
            return reply
        run = Run(self, dict(self.prelude), reply["observations"], announce)
        started = time.perf_counter()
        try:
            run.steps(steps)
        except Refused as refused:
            reply["failure"] = self.described(refused)
        reply["seconds"] = time.perf_counter() - started
        reply["lowered"] = lowering.lowered
        run.names.clear()
        reply["leaks"] = self.restored()
        return reply

    def described(self, refused):
        reason = refused.reason
        described = {
            "at": refused.index,
            "kind": self.kind(reason),
            "type": clipped(type(reason).__name__),
            "message": clipped(reason),
        }
        if refused.key is not None:
            described.update(spelling=refused.key, template=self.adapter["spellings"][refused.key])
        return described

    def kind(self, reason):
        """The kind of a refusal by the adapter's table; None when no row matches."""
        names = [parent.__name__ for parent in type(reason).__mro__]
        message = clipped(reason)
        for kind, name, pattern in self.refusals:
            if name in names and pattern.search(message):
                return kind
        return None

    def snapshot(self):
        state = self.adapter["state"]
        return {name: repr(eval(compiled(text, "eval"), self.prelude)) for name, (text, _) in state.items()}

    def restored(self):
        """Reports what a program left changed, and changes it back, so that no program depends on another."""
        leaks = []
        now = self.snapshot()
        for name, before in self.state.items():
            if now[name] != before:
                leaks.append({"name": name, "before": before, "after": clipped(now[name])})
                exec(compiled(self.adapter["state"][name][1], "exec"), self.prelude)
        if warnings.filters != self.filters:
            warnings.filters[:] = self.filters
            warnings.simplefilter("ignore")
            self.filters = list(warnings.filters)
        return leaks


class Run:
    """One execution: the names that the program binds, and what was observed."""

    def __init__(self, interpreter, names, observations, announce):
        self.interpreter = interpreter
        self.names = names
        self.observations = observations
        self.announce = announce

    def steps(self, steps):
        for step in steps:
            if self.announce:
                self.announce(step[1])
            getattr(self, "_" + step[0])(*step[1:])

    def guarded(self, index, key, action, *arguments):
        """Runs the engine's code for the spelling `key`; whatever it raises is a refusal of instruction `index`."""
        try:
            return action(*arguments)
        except (Refused, ProgramException):
            raise
        except BaseException as reason:  # hostile engines raise SystemExit and KeyboardInterrupt too
            raise Refused(index, reason, key) from None

    def _do(self, index, text, key):
        self.guarded(index, key, self.executed, text)

    def _bind(self, index, name, text, key, code, names, values):
        self.names[name] = self.guarded(index, key, self.called, code, names, values)

    def called(self, code, names, values):
        return self.interpreter.function(code)(*[self.names[name] for name in names], *values)

    def executed(self, text):
        exec(compiled(text, "exec"), self.names)

    def evaluated(self, text):
        return eval(compiled(text, "eval"), self.names)

    def _define(self, index, header, steps):
        self._do(index, header + "\n" + "\n".join(printed(steps, {}, "    ")), None)

    def _with(self, index, text, steps, key):
        expression, _, name = text.partition(" as ")
        manager = self.guarded(index, key, self.evaluated, expression)
        entered = self.guarded(index, key, lambda: manager.__enter__())
        if name:
            self.names[name] = entered
        try:
            self.steps(steps)
        except (Refused, ProgramException) as reason:
            self.guarded(index, key, manager.__exit__, type(reason), reason, reason.__traceback__)
            raise
        self.guarded(index, key, manager.__exit__, None, None, None)

    def _attempt(self, index, name, steps):
        try:
            self.steps(steps)
        except Refused as refused:
            self.names[name] = dict(self.interpreter.described(refused), outcome="refused")
        else:
            self.names[name] = {"outcome": "accepted"}

    def _catch(self, index, steps):
        try:
            self.steps(steps)
        except ProgramException:
            pass

    def _warned(self, index, name, steps):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.steps(steps)
        self.names[name] = [clipped(warning.message) for warning in caught]

    def _thread(self, index, steps):
        raised = []

        def run():
            try:
                self.steps(steps)
            except (Refused, ProgramException) as reason:
                raised.append(reason)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]

    def _repeat(self, index, times, steps):
        for _ in range(times):
            self.steps(steps)

    def _raise(self, index):
        raise ProgramException("raised by the program")

    def _observe(self, index, kind, parts):
        self.observations.append([index, self.observed(index, kind, parts)])

    def observed(self, index, kind, parts):
        if kind in ("outcome", "warnings"):
            found = self.names[parts[kind][0]]
            return found if kind == "outcome" else {"warnings": found}
        if kind not in ("tensor", "grad"):
            return self.read(index, parts[kind], READERS.get(kind, flag))
        if self.read(index, parts["object"], absent):
            return {"absent": True}
        observed = self.read(index, parts["value"], array)
        for part in ("shape", "dtype"):
            if part in parts:
                observed[part] = self.read(index, parts[part], READERS[part])
        return observed

    def read(self, index, part, reader):
        """Evaluates one expression and makes JSON of what it gives: either may fail by the adapter's or the engine's fault."""
        text, key = part
        return self.guarded(index, key, lambda: reader(self.evaluated(text)))


# --- what is observed, as JSON


def absent(value):
    return value is None


def array(value):
    """The numbers of nested lists, and the shape that lists can tell."""
    return {"values": [exact(number) for number in flat(value)], "shape": extents(value)}


def dtype(value):
    text = clipped(value)
    found = _DTYPE.search(text)
    return found.group() if found else text


def flag(value):
    """A flag, or the text of what is none."""
    if type(value).__name__ in _FLAGS:
        return {"flag": bool(value)}
    return {"flag": clipped(value if isinstance(value, str) else repr(value))}


def noted(call):
    """What a hook noted of one call: a flag, or its argument's dtype or value."""
    if isinstance(call, str):
        return {"flag": dtype(call)}
    return flag(call) if type(call).__name__ in _FLAGS else array(call)


READERS = {
    "shape": lambda value: [int(extent) for extent in value],
    "dtype": dtype,
    "calls": lambda value: {"calls": [noted(call) for call in value]},
    "text": lambda value: {"text": clipped(value)},
}


def unfound(adapter):
    """Where the engine of a user's own adapter was looked for, when it is not there; nothing when it is."""
    if not adapter.get("folder"):
        return ""
    try:
        found = importlib.util.find_spec(adapter["module"])
    except (ImportError, ValueError):
        found = None
    if found is not None:
        return ""
    places = (adapter["module"], sys.executable, adapter["folder"], os.getcwd())
    return "; the module %s is not installed for %s, nor is it in the adapter's folder %s or in %s" % places
