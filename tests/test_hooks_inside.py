"""What hooks do besides answering: the rules, by hand, of the twin and of engines that follow torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from conformance.adapter import load
from conformance.execution import Engine
from conformance.generation.play import Player, Unplayable
from conformance.generation.sketch import Sketch
from conformance.generation.watching import write
from conformance.judge import Finding, judge
from conformance.model.protocol import Failure
from conformance.program import Instruction, Scalar
from conformance.script import printed

Instructions = tuple[Instruction, ...]


@pytest.fixture(scope="module", params=["torch", "kernels", "reference"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that follows torch's protocol."""
    adapter = load(request.param)
    if not adapter.installed():
        pytest.skip(f"{request.param} is not installed")
    with Engine(adapter) as started:
        yield started


def leaf(name: str, *numbers: str, trained: bool = True) -> Instruction:
    """A vector."""
    value = {"shape": [len(numbers)], "values": list(numbers)}
    return Instruction("leaf", (name,), (), {"value": value, "requires_grad": trained})


def mul(name: str, a: str, b: str | Scalar) -> Instruction:
    """A product."""
    return Instruction("apply", (name,), (a, b), {"operator": "mul"})


def inside(operator: str, *args: str | Scalar) -> Instruction:
    """An operator of a hook."""
    return Instruction("apply", ("g",), args, {"operator": operator})


def hook(name: str, on: str, *body: Instruction, answer: Sequence[Mapping[str, Any]] = ()) -> Instruction:
    """A hook with a body, whose argument is g."""
    return Instruction("hook", (name, "g"), (on,), {"body": list(answer)}, body)


def again(name: str, on: str) -> Instruction:
    """The function of a hook, registered once more."""
    return Instruction("hook", (), (on, name), {"body": []})


def remove(name: str) -> Instruction:
    """The removal of a hook."""
    return Instruction("remove", (), (name,))


def written(name: str, how: str, by: str | Scalar) -> Instruction:
    """A write in place."""
    return Instruction("write", (), (name, by), {"how": how})


def swept(root: str, by: str = "v", retain: bool = True) -> Instruction:
    """A backward that keeps the graph."""
    return Instruction("backward", (), (root,), {"cotangent": by, **({"retain_graph": True} if retain else {})})


CHAIN = (
    *(leaf("x", "3"), leaf("v", "1", trained=False), leaf("c", "5", trained=False)),
    *(mul("y", "x", Scalar("2")), mul("z", "y", "c")),
)
TWICE = (swept("z"), swept("z"))
SEEN = hook("seen", "y")

# Instructions, and afterwards: the arguments of hooks by name, the gradient of x, and c.
RULES: Mapping[str, tuple[Instructions, Mapping[str, list[int]], int, int]] = {
    "a hook that removes itself is called once": (
        (hook("h", "y", remove("h")), SEEN, *TWICE),
        {"h": [5], "seen": [5, 5]},
        20,
        5,
    ),
    "what is removed from the same tensor is still called in this sweep": (
        (hook("h", "y", remove("seen")), SEEN, *TWICE),
        {"h": [5, 5], "seen": [5]},
        20,
        5,
    ),
    "what is removed from a tensor that the sweep reaches later is not called": (
        (SEEN, hook("h", "z", remove("seen")), *TWICE),
        {"h": [1, 1], "seen": []},
        20,
        5,
    ),
    "what is removed from a leaf is not called": (
        (hook("seen", "x"), hook("h", "z", remove("seen")), *TWICE),
        {"seen": []},
        20,
        5,
    ),
    "what is added to the same tensor is called from the next sweep on": (
        (hook("seen", "x"), hook("h", "y", again("seen", "y")), remove("seen"), *TWICE),
        {"h": [5, 5], "seen": [5]},
        20,
        5,
    ),
    "what is added to a tensor that the sweep reaches later is called in it": (
        (SEEN, hook("h", "z", again("seen", "y")), remove("seen"), *TWICE),
        {"h": [1, 1], "seen": [5, 5, 5]},
        20,
        5,
    ),
    "what is added to a leaf is called in this sweep": (
        (SEEN, hook("h", "z", again("seen", "x")), remove("seen"), swept("z")),
        {"seen": [10]},
        10,
        5,
    ),
    "what is added to a tensor that the sweep has passed waits for the next": (
        (hook("seen", "x"), hook("h", "y", again("seen", "z")), remove("seen"), *TWICE),
        {"seen": [1]},
        20,
        5,
    ),
    "a function that is added answers there too": (
        (hook("h", "x", answer=[{"scale": "3"}]), hook("k", "z", again("h", "y")), remove("h"), swept("z")),
        {"h": [5]},
        30,
        5,
    ),
    "a removal ends one registration of a function": (
        (SEEN, again("seen", "y"), remove("seen"), swept("z")),
        {"seen": [5]},
        10,
        5,
    ),
    "operators make the answer, one after the other": (
        (hook("h", "y", inside("mul", "g", Scalar("3")), inside("sub", "c", "g"), inside("neg", "g")), swept("z")),
        {"h": [5]},
        20,
        5,
    ),
    "an answer is made of what operators left": (
        (hook("h", "y", inside("add", "g", Scalar("1")), answer=[{"scale": "3"}]), swept("z")),
        {"h": [5]},
        36,
        5,
    ),
    "a constant that was used by then is written": (
        (hook("h", "y", written("c", "add", "g")), swept("z", retain=False)),
        {"h": [5]},
        10,
        10,
    ),
    "numbers are written in the order of the body": (
        (hook("h", "y", written("c", "add", Scalar("1")), written("c", "mul", "g")), swept("z", retain=False)),
        {"h": [5]},
        10,
        30,
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules(engine: Engine, rule: str) -> None:
    """The twin says what the rule says, and so does the engine."""
    instructions, calls, gradient, constant = RULES[rule]
    program = write(Sketch("float64", (*CHAIN, *instructions)))
    said = {(it.options["observe"], *it.args): it.options["value"] for _, it in program.walk() if it.verb == "expect"}
    for name, arguments in calls.items():
        assert [call["values"] for call in said["calls", name]["calls"]] == [[str(each)] for each in arguments]
    assert said["grad", "x"]["values"] == [str(gradient)]
    assert said["tensor", "c"]["values"] == [str(constant)]
    agrees(engine, Sketch("float64", (*CHAIN, *instructions)))


def agrees(engine: Engine, sketch: Sketch) -> None:
    """The engine shows what the program of a sketch says."""
    program = write(sketch)
    reply = engine.run(program)
    assert not isinstance(reply, Finding), reply
    assert not reply["declined"]
    assert judge(program, reply).finding is None, printed(program, engine.adapter)


FAILURES: Mapping[str, tuple[Instructions, set[str]]] = {
    "what a hook raises": ((hook("h", "y", Instruction("raise")), swept("z")), {"raised"}),
    "a number that is needed further down": (
        (hook("h", "z", written("c", "add", "g")), swept("z")),
        {"version_conflict"},
    ),
    "a number that was needed, in the next sweep": (
        (hook("h", "y", written("c", "mul", Scalar("2"))), *TWICE),
        {"version_conflict"},
    ),
    "a function that answers in another shape, added": (
        (
            hook("h", "x", answer=[{"replace": {"shape": [2], "values": ["1", "1"]}}]),
            hook("k", "z", again("h", "y")),
            remove("h"),
            swept("z"),
        ),
        {"shape_mismatch"},
    ),
    "a function that raises, added": (
        (hook("h", "x", Instruction("raise")), hook("k", "z", again("h", "y")), remove("h"), swept("z")),
        {"raised"},
    ),
}
AFTERWARDS = (leaf("x2", "7"), leaf("v2", "1", trained=False), mul("y2", "x2", "x2"), swept("y2", by="v2"))


@pytest.mark.parametrize("failure", FAILURES)
def test_failures(engine: Engine, failure: str) -> None:
    """A sweep fails at what hooks do; nothing that was there is looked at, and what is new is swept as ever."""
    instructions, kinds = FAILURES[failure]
    sketch = Sketch("float64", (*CHAIN, *instructions, *AFTERWARDS))
    program = write(sketch)
    expected = [it for _, it in program.walk() if it.verb == "expect"]
    outcome = next(it.options["value"] for it in expected if it.options["observe"] == "outcome")
    assert {choice["kind"] for choice in outcome.get("choices", [outcome])} == kinds
    assert {it.args for it in expected if it.options["observe"] == "grad"} == {("x2",), ("v2",), ("y2",)}
    agrees(engine, sketch)


def test_a_removed_hook_raises_no_more(engine: Engine) -> None:
    """A hook that would raise, or answer wrongly, is removed before the sweep comes to it."""
    raising = hook("h", "y", Instruction("raise"))
    wrong = hook("w", "x", answer=[{"replace": {"shape": [2], "values": ["1", "1"]}}])
    agrees(engine, Sketch("float64", (*CHAIN, raising, wrong, hook("k", "z", remove("h"), remove("w")), *TWICE)))
    player = Player("float64")
    for it in (*CHAIN, raising, wrong):
        player.play(it)
    with pytest.raises(Failure):
        player.play(swept("z"))
    player.play(hook("k", "z", remove("h"), remove("w")))
    player.play(swept("z"))


def test_a_sweep_that_would_fail_changes_nothing() -> None:
    """Whether a sweep fails is known before it runs: hooks that it would have removed are still there."""
    player = Player("float64")
    for it in (*CHAIN, hook("h", "z", remove("h")), hook("k", "y", Instruction("raise"))):
        player.play(it)
    with pytest.raises(Failure):
        player.play(swept("z"))
    assert len(player.tensors["z"].hooks) == 1
    assert player.hooks["h"][1].calls == []


SIBLINGS = (*CHAIN, mul("a", "x", Scalar("2")), mul("b", "x", Scalar("3")), mul("r", "a", "b"))


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ((hook("h", "a"), hook("k", "b", remove("h"))), "unordered hooks"),
        ((hook("h", "a"), hook("k", "b", again("h", "a"))), "unordered hooks"),
        ((hook("h", "a"), again("h", "b")), "unordered hooks"),
        ((hook("h", "a", written("c", "add", "g")), hook("k", "b", inside("mul", "g", "c"))), "unordered hooks"),
        ((hook("h", "r", remove("later")),), "hooks in the way"),
        ((mul("u", "x", "c"), mul("s", "u", "r"), hook("h", "a", written("c", "add", "g"))), "unordered hooks"),
        ((hook("h", "r", written("v", "add", "g")),), "hooks in the way"),
        ((Instruction("set_grad", (), ("x", "c")), hook("h", "r", written("c", "add", "g"))), "hooks in the way"),
        ((Instruction("set_grad", (), ("x", "c")), hook("h", "r", inside("mul", "g", "c"))), "hooks in the way"),
    ],
)
def test_what_is_nobodys_promise_is_not_played(instructions: Instructions, reason: str) -> None:
    """A sweep whose outcome hangs on the order of unrelated hooks, or on memory that it shares, is left out."""
    player = Player("float64")
    for it in (*SIBLINGS, *instructions):
        player.play(it)
    root = "s" if "s" in player.tensors else "r"
    with pytest.raises(Unplayable, match=reason):
        player.play(swept(root))


@pytest.mark.parametrize(
    "body",
    [
        remove("x"),
        again("h", "y"),
        again("k", "c"),
        written("x", "add", Scalar("1")),
        written("g", "add", Scalar("1")),
        inside("mul", "c", "c"),
        inside("mul", "g", "wide"),
        mul("other", "g", Scalar("2")),
        Instruction("detach", ("u",), ("x",)),
    ],
)
def test_what_makes_no_sense_inside(body: Instruction) -> None:
    """A hook whose body cannot be played is left out whole: it is not registered either."""
    player = Player("float64")
    for it in (*CHAIN, leaf("wide", "1", "2"), hook("k", "y")):
        player.play(it)
    with pytest.raises(Unplayable):
        player.play(hook("h", "y", body))
    assert set(player.hooks) == {"k"}
    assert len(player.tensors["y"].hooks) == 1


def test_what_a_hook_reads_is_not_dropped() -> None:
    """A hook looks its names up when it is called."""
    player = Player("float64")
    for it in (*CHAIN, hook("h", "y", inside("mul", "g", "c"))):
        player.play(it)
    with pytest.raises(Unplayable, match="a hook reads it"):
        player.play(Instruction("drop", (), ("c",)))
