"""One workload at one size, in the engine's own statements."""

import ast
import signal
import time
from contextlib import contextmanager

import pytest
from conformance_agent.lowering import Lowering, NotOffered
from conformance_agent.printing import bound, printed
from conformance_agent.text import clipped

FEWEST, MOST = 3, 500  # rounds
SHORTEST = 1e-9  # seconds: a clock may stand still
PATTERN = [-0.75, 0.5, 1.25, -1.0, 0.25]
TOO_SLOW = {}  # workload: the size at which it took too long; larger ones are not tried


def test_workload(asked, facts, report, request, benchmark, costs):
    job, slow = request.config.job, TOO_SLOW.get(asked["workload"])
    if slow:
        unmeasured(report, "timeout", "not tried: size %d took more than %g s" % (slow, job["timeout"]))
    try:
        leaves, run = compiled(asked["program"], job["adapter"], request.config.interpreter.prelude)
        rounds = job["seconds"] / settled(leaves, run, job["timeout"], getattr(time, job["clock"]))
        rounds = max(FEWEST, min(MOST, int(rounds)))
        benchmark.extra_info.update(facts, state="measured")  # before: what is interrupted has rounds, too
        benchmark.pedantic(run, setup=leaves, rounds=rounds)
        if job["counts"]:
            benchmark.extra_info.update(costs(run, leaves()[0]))
    except NotOffered as missing:
        unmeasured(report, "declined", missing.key)
    except TooSlow:
        TOO_SLOW[asked["workload"]] = asked["size"]
        unmeasured(report, "timeout", "more than %g s" % job["timeout"])
    except KeyboardInterrupt:
        benchmark.has_error = not benchmark.stats  # of no round at all pytest-benchmark cannot write statistics
        raise
    except Exception as reason:
        unmeasured(report, "error", "%s: %s" % (type(reason).__name__, clipped(reason)))
    report(state="measured", median=benchmark.stats.stats.median)


def unmeasured(report, state, reason):
    report(state=state, reason=reason)
    pytest.skip(state)


class TooSlow(BaseException):
    """A program did not end in time; no Exception, which an engine might catch."""


def settled(leaves, run, timeout, clock):
    """Warms the engine up (it compiles, fills caches, takes memory); the seconds of a round once it is warm."""
    with alarm(timeout):
        run(*leaves()[0])
        started = clock()
        run(*leaves()[0])
        return max(clock() - started, SHORTEST)


@contextmanager
def alarm(seconds):
    """Raises TooSlow in what takes longer; what hangs inside C is the harness's to end."""

    def ring(*_):
        raise TooSlow

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- from a program to two functions


class Unwritten(Lowering):
    """A lowering whose leaves hold numbers that no literal writes out: a million of them would be compiled."""

    def numbers(self, value, read):
        return "numbers[%r]" % (tuple(value["shape"]),), None


class Numbers(dict):
    """Nested lists of small dyadic numbers by shape, made when they are first asked for."""

    def __missing__(self, shape):
        count, rest = shape[0], shape[1:]
        self[shape] = [self[rest]] * count if rest else (PATTERN * (count // len(PATTERN) + 1))[:count]
        return self[shape]


def compiled(program, adapter, prelude):
    """The functions `leaves`, which makes a program's inputs, and `run`, which takes them and does what is timed."""
    names = dict(prelude, numbers=Numbers())
    exec(compile(source(program, adapter), "<workload>", "exec"), names)
    return names["leaves"], names["run"]


def source(program, adapter):
    lowering = Unwritten(program, adapter)
    instructions = program["instructions"]
    leaves = [it for it in instructions if it["verb"] == "leaf"]
    inputs = ", ".join(leaf["out"][0] for leaf in leaves)
    made = lowering.steps(leaves)
    steps = lowering.whole(instructions[len(leaves) :])
    results = last(instructions)["out"]
    if lowering.functional:
        steps = needed(steps, results)
    lines = ["def leaves():"] + printed(made, {}, "    ") + ["    return (%s,), {}" % inputs]
    lines += ["def run(%s):" % inputs] + printed(steps, {}, "    ")
    if "finish" in adapter["spellings"]:
        lines += ["    " + lowering.spelled("finish", a=name) for name in results]
    return "\n".join(lines)


def last(instructions):
    return last(instructions[-1]["body"]) if instructions[-1]["body"] else instructions[-1]


def needed(steps, results):
    """The steps that the results depend on.

    A function that is differentiated runs its operators itself: what a program computes before it would be computed twice.
    """
    wanted, kept = set(results), []
    for step in reversed(steps):
        if step[0] == "define":
            *body, returned = step[3]
            step = step[:3] + (needed(body, read(returned[2])) + [returned],)
        text = "\n".join(printed([step], {}, ""))
        if wanted.intersection(bound(text)):
            wanted.update(read(text))
            kept.insert(0, step)
    return kept


def read(text):
    """The names that a statement reads and does not bind itself, as a function does its arguments and its own names."""
    nodes = list(ast.walk(ast.parse(text)))
    own = {node.arg for node in nodes if isinstance(node, ast.arg)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own.update(node.id for node in names if not isinstance(node.ctx, ast.Load))
    return {node.id for node in names} - own
