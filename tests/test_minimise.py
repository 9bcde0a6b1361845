"""The minimiser: deep faults become a few instructions within a second of engine time, the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from conformance.adapter import Adapter, load, resolve
from conformance.execution import Engine
from conformance.generation import edits
from conformance.generation.edits import EDITS, plainness
from conformance.generation.minimise import minimise, trimmed
from conformance.generation.sketch import Sketch, Unwritable
from conformance.generation.surgery import Instructions, closed, numbered, reads, renamed
from conformance.program import Instruction, Program, Scalar
from tests.example_writer import Failing, act, expect, finding, leaf, op, sketch, written

# A bit of everything, so that each fault lies deep among what has nothing to do with it.
RICH: Final = sketch(
    leaf("p", "3", "-2", "5", "7", "-4", "6", shape=[2, 3]),
    leaf("q", "3", "5", "-2"),
    leaf("k", "1/2", "3", "4", constant=True),
    op("a", "mul", "p", "q"),
    op("b", "add", "a", "p"),
    act("detach", "b", out=("u",)),
    op("d", "mul", "b", "u"),
    act("hook", "b", out=("h",), body=[{"scale": "3"}]),
    op("e", "sub", "d", "k"),
    act("retain_grad", "e"),
    op("f", "mul", "e", "k"),
    replace(act("no_grad"), body=(op("n", "mul", "p", "p"), op("o", "add", "n", "q"))),
    op("r", "mul", "f", "n"),
    op("t", "transpose", "r"),
    op("v", "reshape", "t", shape=[6]),
    op("s", "sum", "v"),
    act("backward", "s", retain_graph=True),
    act("clear", "p", how="zero"),
    act("backward", "s"),
    op("w", "mul", "q", Scalar("3")),
    op("z", "neg", "w"),
    op("l", "sum", "z"),
    act("backward", "l"),
    op("y", "square", "q"),
    op("x", "sum", "y"),
    act("backward", "x"),
)

# How many instructions are left of it under a mutant of the reference engine.
MUTANTS: Final = {
    "mul_counts_one_use": 3,
    "contributions_keep_the_last": 3,
    "accumulate_overwrites": 3,
    "zero_does_nothing": 3,
    "detach_keeps_the_graph": 4,
    "hook_replacement_is_ignored": 3,
    "retain_grad_does_nothing": 4,
    "no_grad_records": 5,
    "mul_by_a_number_forgets_it": 3,
    "broadcast_averages": 5,
    "retained_graph_is_freed": 4,
}

# The same for torch, changed from outside.
TORCH: Final = {
    "a product forgets its second factor": (
        "_mul = torch.Tensor.__mul__\n"
        "torch.Tensor.__mul__ = lambda a, b: _mul(a, b.detach() if isinstance(b, torch.Tensor) else b)"
    ),
    "detach does nothing": "torch.Tensor.detach = lambda self: self",
    "what a hook returns is ignored": (
        "_register = torch.Tensor.register_hook\n"
        "torch.Tensor.register_hook = lambda self, hook: _register(self, lambda g: (hook(g), None)[1])"
    ),
    "zero_ does nothing": "torch.Tensor.zero_ = lambda self: self",
}


@pytest.fixture(scope="module")
def reference() -> Adapter:
    return load("reference")


@pytest.fixture(scope="module")
def right(reference: Adapter) -> Iterator[Engine]:
    with Engine(reference) as engine:
        yield engine


def shrunk(engine: Engine, name: str) -> Program:
    """The witness that is made of RICH on an engine, of which it prints the size and the cost."""
    fails = Failing(engine)
    before = fails.clock()
    made = minimise(RICH, fails, clock=fails.clock)
    seconds, inside = fails.clock() - before, engine.clock.engine
    program = trimmed(written(made), fails.program)
    print(
        f"\n{name}: {len(written(RICH))} -> {len(program)}, {fails.asked} programs, {seconds:.2f} s ({inside:.2f} s inside)"
    )
    assert seconds < 1
    assert fails.program(program)
    return program


def test_the_rich_sketch_is_legal(right: Engine) -> None:
    """The program that the faults are planted in has 20 to 30 instructions and passes on a right engine."""
    program = written(RICH)
    assert 20 <= len(program) <= 30
    assert finding(program, right) is None


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_deep_fault_ends_in_few_instructions(mutant: str, right: Engine) -> None:
    """Of 27 instructions 3 to 5 are left, with one expectation, and a right engine passes them."""
    with Engine(resolve(f"reference,mutant={mutant}")) as engine:
        program = shrunk(engine, mutant)
    assert len(program) <= MUTANTS[mutant]
    assert sum(it.verb == "expect" for _, it in program.walk()) <= 1
    assert finding(program, right) is None


@pytest.mark.parametrize("fault", TORCH)
def test_a_deep_fault_of_torch(fault: str) -> None:
    """On torch it is as quick, though each program takes longer."""
    torch = load("torch")
    if not torch.installed():
        pytest.skip("torch is not installed")
    with Engine(torch.patched(TORCH[fault])) as engine:
        assert len(shrunk(engine, f"torch, {fault}")) <= 5


def test_the_witness_is_plain() -> None:
    """What is left has the names and the numbers that a person would choose."""
    with Engine(resolve("reference,mutant=accumulate_overwrites")) as engine:
        made = minimise(RICH, Failing(engine))
    assert made.instructions == (leaf("x", "1"), act("backward", "x"), act("backward", "x"))


def test_the_same_sketch_gives_the_same_witness() -> None:
    """Nothing is drawn: two searches end in the same sketch after as many programs."""
    with Engine(resolve("reference,mutant=no_grad_records")) as engine:
        first, second = Failing(engine), Failing(engine)
        assert minimise(RICH, first, seconds=60) == minimise(RICH, second, seconds=60)
        assert first.asked == second.asked


# --- the search, without an engine


def _multiplies(candidate: Sketch) -> bool:
    return any(it.options.get("operator") == "mul" for it in numbered(candidate.instructions))


def test_the_best_so_far_is_given_when_time_is_over() -> None:
    """After so many seconds of the clock no candidate is tried any more, and the smallest that failed is given."""
    ticks = iter(range(10**6))
    asked: list[Sketch] = []

    def fails(candidate: Sketch) -> bool:
        asked.append(candidate)
        return _multiplies(candidate)

    made = minimise(RICH, fails, seconds=8, clock=lambda: float(next(ticks)))
    assert 8 <= len(asked) <= 10
    assert _multiplies(made)
    assert 1 < len(numbered(made.instructions)) < len(numbered(RICH.instructions))


def test_no_sketch_is_tried_twice() -> None:
    """What was tried is remembered."""
    asked: list[str] = []

    def fails(candidate: Sketch) -> bool:
        asked.append(repr(candidate.instructions))
        return _multiplies(candidate)

    minimise(RICH, fails, seconds=60)
    names = asked.pop()  # the last question is about the plain names
    assert len(asked) == len(set(asked))
    assert names


def test_what_does_not_fail_is_given_back() -> None:
    """A sketch that shows nothing is not touched."""
    assert minimise(RICH, lambda _: False) == RICH


def test_what_cannot_be_written_does_not_fail() -> None:
    """A candidate of which no program can be made is no better, and ends nothing."""

    def fails(candidate: Sketch) -> bool:
        if len(candidate.instructions) < 4:
            raise Unwritable("too short")
        return True

    assert len(minimise(RICH, fails, seconds=60).instructions) == 4


def test_every_candidate_is_less() -> None:
    """No edit gives back what it took, or more: so the search ends. Every edit finds something to do in the examples."""
    for edit in EDITS:
        found = 0
        for example in EXAMPLES:
            for position in range(len(numbered(example))):
                for candidate in edit(example, position):
                    assert _measure(candidate) < _measure(example), (edit, example[position])
                    found += 1
        assert found, edit


_BLOCKS: Final[Instructions] = (
    leaf("x", "3", "-5/8"),
    Instruction("repeat", ("y",), ("x",), {"times": 9}, (op("y", "mul", "y", Scalar("7")),)),
    op("i", "index", "y", index=[0, 1, 1]),
    op("j", "cumsum", "i", axis=2),
    act("hook", "y", out=("h",), body=[{"note": "dtype"}, {"replace": {"shape": [2], "values": ["9", "8"]}}]),
    leaf("c", "4", "4", constant=True),
    leaf("m", "4"),
    act("backward", "y", cotangent="c", retain_graph=True, inputs=["x", "y"]),
    act("grad", "y", "x", "i", out=("g", "g2"), cotangent="c", allow_unused=True),
    act("drop", "y"),
)
EXAMPLES: Final = (RICH.instructions, _BLOCKS)


def _measure(instructions: Instructions) -> tuple[Any, ...]:
    """What must become less: instructions, options and results, places of operands, operators, elements, numbers."""
    every = numbered(instructions)
    order = {name: place for place, it in enumerate(every) for name in it.out}
    options = sum(bool(value) for it in every for value in it.options.values())
    parts = sum(len(it.out) + len(it.options.get("inputs", ())) + len(it.options.get("body", ())) for it in every)
    parts += sum(it.options.get("times", 0) for it in every)
    places = sum(order.get(name, 0) for it in every for name in reads(it))
    hard = sum(it.options.get("operator", "add") not in ("add", "neg") for it in every)
    arrays = [it.options["value"] for it in every if it.verb == "leaf"]
    elements = sum(1 + len(value["values"]) + len(value["shape"]) + sum(value["shape"]) for value in arrays)
    attributes = sum(len(str(it.options.get(name, ""))) for it in every for name in ("index", "axis"))
    attributes += sum(it.options.get("axis", 0) + sum(it.options.get("index", [])) for it in every)
    numbers = sorted((plainness(text) for it in every for text in edits._texts(it)), reverse=True)
    return len(every), options + parts, places, hard, elements, attributes, numbers


def test_what_lost_its_name_goes_too() -> None:
    """Nothing reads a name that is not bound; of several inputs those that are bound stay."""
    left = closed(
        (
            leaf("x", "1"),
            op("y", "mul", "x", "w"),
            op("z", "neg", "y"),
            act("backward", "x", cotangent="c"),
            act("backward", "x", inputs=["x", "w"]),
            act("grad", "x", "w", "x", out=("g", "g2")),
            op("v", "neg", "g"),
            op("v2", "neg", "g2"),
            act("drop", "x"),
            op("late", "neg", "x"),
        )
    )
    assert [it.verb for it in left] == ["leaf", "backward", "grad", "apply", "drop"]
    assert left[1].options["inputs"] == ["x"]
    assert (left[2].args, left[2].out) == (("x", "x"), ("g2",))
    assert left[3].args == ("g2",)


def test_what_a_hook_names_may_come_after_it() -> None:
    """A hook's body reads its argument, its handle and what is bound before; a handle alone may be bound after it."""
    body = (act("remove", "h"), act("remove", "later"), act("remove", "gone"), act("write", "c", "g", how="add"))
    hook = Instruction("hook", ("h", "g"), ("x",), {"body": []}, (*body, act("write", "lost", "g", how="add")))
    left = closed((leaf("x", "1"), leaf("c", "1", constant=True), hook, act("hook", "x", out=("later",), body=[])))
    assert left[2].body == (body[0], body[1], body[3])
    assert [it.out for it in renamed(left)] == [("x",), ("c",), ("hook", "g"), ("hook2",)]
    assert [it.args for it in renamed(left)[2].body] == [("hook",), ("hook2",), ("c", "g")]


def test_names_are_those_of_a_clause() -> None:
    """x, c, u, y, hook, g: in the order of appearance, numbered from the second on."""
    before = (
        leaf("a", "1"),
        leaf("b", "1", constant=True),
        leaf("d", "1"),
        op("e", "mul", "a", "d"),
        act("detach", "e", out=("f",)),
        act("hook", "e", out=("k",), body=[]),
        act("remove", "k"),
        act("backward", "e", cotangent="b", inputs=["a"]),
        act("grad", "e", "a", "d", out=("m", "n")),
    )
    after = renamed(before)
    assert [name for it in after for name in it.out] == ["x", "c", "x2", "y", "u", "hook", "g", "g2"]
    assert [it.args for it in after[3:]] == [("x", "x2"), ("y",), ("y",), ("hook",), ("y",), ("y", "x", "x2")]
    assert (after[7].options["cotangent"], after[7].options["inputs"]) == ("c", ["x"])


# --- expectations


def _look(name: str, value: str = "1") -> Instruction:
    return expect("tensor", name, {"shape": [], "values": [value]})


def test_one_expectation_is_left() -> None:
    """Of several expectations the one that fails is kept, and nothing after it."""
    body = (
        leaf("x", "1"),
        _look("x"),
        op("y", "neg", "x"),
        _look("y", "7"),
        _look("x"),
        op("z", "neg", "y"),
        _look("z"),
    )
    program = trimmed(Program("float64", body), lambda p: any(it == _look("y", "7") for _, it in p.walk()))
    assert program.instructions == (body[0], body[2], body[3])


def test_two_expectations_that_need_each_other_are_left() -> None:
    """Where one alone shows nothing, as when it holds only after an attempt ended in one way, both stay."""
    wanted = [_look("x", "2"), _look("y", "3")]
    body = (leaf("x", "1"), _look("x"), wanted[0], op("y", "neg", "x"), _look("y"), wanted[1])

    def fails(program: Program) -> bool:
        present = [it for _, it in program.walk()]
        return all(it in present for it in wanted)

    assert trimmed(Program("float64", body), fails).instructions == (body[0], body[2], body[3], body[5])


def test_a_refusal_needs_no_expectation() -> None:
    """Where an instruction itself is the fault, nothing is expected and nothing comes after it."""
    body = (leaf("x", "1"), _look("x"), act("backward", "x"), expect("grad", "x", {"shape": [], "values": ["1"]}))
    program = trimmed(Program("float64", body), lambda p: any(it.verb == "backward" for _, it in p.walk()))
    assert program.instructions == (body[0], body[2])
