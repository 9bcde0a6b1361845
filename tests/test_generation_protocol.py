"""Protocol programs: what is drawn, that it agrees with right engines, that it finds wrong ones, and what it stays away from."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from conformance.adapter import load, resolve
from conformance.execution import Engine
from conformance.generation.avoided import AVOIDED, Avoided
from conformance.generation.play import Player, Unplayable
from conformance.generation.protocol import KINDS, generate
from conformance.generation.sketch import Sketch, Unwritable
from conformance.generation.watching import WATCHED, write
from conformance.judge import Finding, judge
from conformance.program import Instruction, Program
from conformance.script import printed

PROGRAMS = 60
OFFERED = frozenset(load("torch").spellings)


@cache
def sketch(kind: str, seed: int, offered: frozenset[str] = OFFERED) -> Sketch:
    """The sketch of a kind and a seed; float32 and float64 take turns."""
    return generate(random.Random(f"{kind}:{seed}"), ("float64", "float32")[seed % 2], kind, offered)


@pytest.fixture(scope="module", params=["torch", "kernels", "reference"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that follows torch's protocol."""
    adapter = load(request.param)
    if not adapter.installed():
        pytest.skip(f"{request.param} is not installed")
    with Engine(adapter) as started:
        yield started


def finding(engine: Engine, program: Program) -> Finding | None:
    """The disagreement about a program, if any; everything in it must be offered."""
    reply = engine.run(program)
    if isinstance(reply, Finding):
        return reply
    assert not reply["declined"]
    return judge(program, reply).finding


@pytest.mark.parametrize("kind", KINDS)
def test_programs_agree(engine: Engine, kind: str) -> None:
    """Engines that are right show what the model says, after each instruction."""
    for seed in range(PROGRAMS):
        program = write(sketch(kind, seed))
        found = finding(engine, program)
        assert found is None, f"seed {seed}: {found}\n{printed(program, engine.adapter)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_a_program(kind: str) -> None:
    """The same seed gives the same sketch, and a sketch the same program."""
    for seed in range(20):
        again = generate(random.Random(f"{kind}:{seed}"), ("float64", "float32")[seed % 2], kind, OFFERED)
        assert again == sketch(kind, seed)
        assert again.kinds == sketch(kind, seed).kinds
        assert json.dumps(write(again).to_json()) == json.dumps(write(sketch(kind, seed)).to_json())
    assert len({json.dumps(write(sketch(kind, seed)).to_json()) for seed in range(20)}) == 20


FAULTS = {
    "accumulate_overwrites": "accumulation",
    "zeroing_replaces_the_gradient": "accumulation",
    "retained_graph_is_freed": "lifetime",
    "no_grad_is_not_restored_after_an_exception": "modes",
    "the_mode_is_of_the_process": "modes",
    "hook_replacement_is_ignored": "hooks",
    "hooks_run_in_reverse": "hooks",
    "removal_skips_the_next_hook": "hooks",
    "exceptions_of_hooks_are_swallowed": "hooks",
    "writes_inside_hooks_are_not_noticed": "hooks",
    "writes_count_twice": "in_place",
    "versions_are_not_checked": "in_place",
    "views_are_copies": "views",
}


@pytest.mark.parametrize("mutant", FAULTS)
def test_planted_faults_are_found(mutant: str) -> None:
    """An engine that is broken on purpose fails a program: an error would be the adapter's, or ours."""
    from implementations.mutants import FAULTS as PLANTED

    with Engine(resolve(f"{PLANTED[mutant].of},mutant={mutant}")) as broken:
        found = (finding(broken, write(sketch(FAULTS[mutant], seed))) for seed in range(300))
        first = next((f for f in found if f), None)
    assert first is not None
    assert first.verdict == "fail"


# What is drawn, of each verb the options; of `apply` the operators.
DRAWN = {
    "leaf": {"value", "requires_grad"},
    "apply": {"add", "sub", "mul", "neg", "square", "sum", "sum_axis", "mm", "reshape", "transpose", "index"},
    "repeat": {"times"},
    "backward": {"cotangent", "retain_graph", "create_graph", "inputs"},
    "grad": {"cotangent", "retain_graph", "create_graph", "allow_unused"},
    "read_grad": set(),
    "set_grad": set(),
    "clear": {"how"},
    "unbind": set(),
    "drop": set(),
    "write": {"how", "index"},
    "detach": set(),
    "require_grad": {"flag"},
    "retain_grad": set(),
    "hook": {"body"},
    "remove": set(),
    "no_grad": set(),
    "enable_grad": set(),
    "thread": set(),
    "catch": set(),
    "raise": set(),
}
REFUSED = {
    *("not_scalar", "shape_mismatch", "needs_grad", "graph_freed", "unused_input", "no_gradient", "not_leaf"),
    *("leaf_in_place", "version_conflict", "raised"),
}


def test_everything_is_drawn() -> None:
    """Every verb and option, every kind of refusal, every way to write and to clear, and every body of a hook."""
    seen: dict[str, set[str]] = {verb: set() for verb in DRAWN}
    words: set[str] = set()
    for kind in KINDS[2:]:
        for seed in range(200):
            for _, it in write(sketch(kind, seed)).walk():
                options = it.options
                if it.verb == "expect" and options["observe"] == "outcome":
                    words |= {choice["kind"] for choice in options["value"].get("choices", [options["value"]])}
                elif it.verb in DRAWN:
                    seen[it.verb] |= {options["operator"]} if it.verb == "apply" else set(options)
                    words |= {str(options.get("how"))} | {key for action in options.get("body", ()) for key in action}
                    words |= {type(options.get("index")).__name__}
                    words |= {f"hook does {inner.verb}" for inner in it.body if it.verb == "hook"}
                else:
                    assert it.verb in ("expect", "attempt")
    assert seen == DRAWN
    assert words >= {"zero", "none", "add", "mul", "set", "scale", "replace", "note", "int", "list", "dict"}
    assert words >= {f"hook does {verb}" for verb in ("apply", "write", "remove", "hook", "raise")}
    assert words >= REFUSED


def test_only_what_is_offered_is_drawn() -> None:
    """An engine without hooks, modes, writes and options of backward is asked for none of them, nor to show what it cannot."""
    lacking = {"hook", "no_grad", "write.set", "backward.create_graph", "grad", "detach", "mm", "version", "is_leaf"}
    offered = OFFERED - lacking
    adapter = load("kernels")
    spellings = {key: text for key, text in adapter.spellings.items() if key in offered}
    with Engine(replace(adapter, spellings=spellings)) as smaller:
        for seed in range(60):
            assert finding(smaller, write(sketch("views", seed, offered), offered)) is None


def test_any_sketch_can_be_written() -> None:
    """Whatever is cut out of a sketch, or moved, what is left is a program, or nothing."""
    draw = random.Random(1)
    written = 0
    for seed in range(150):
        whole = sketch(draw.choice(KINDS), seed)
        instructions = list(whole.instructions)
        for _ in range(draw.randint(1, 6)):
            moved = instructions.pop(draw.randrange(len(instructions)))
            if draw.random() < 0.3:
                instructions.insert(draw.randint(0, len(instructions)), moved)
        try:
            program = write(replace(whole, instructions=tuple(instructions)))
        except Unwritable:
            continue
        written += 1
        assert any(it.verb == "expect" for _, it in program.walk())
    assert written > 100


def test_what_is_drawn_in_vain_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model cannot play is left out without a word: that is for shapes that do not fit, not for faults of ours."""
    play, found = Player.play, set[str]()

    def noting(player: Player, it: Instruction) -> None:
        try:
            play(player, it)
        except Unplayable as reason:
            if reason.__context__ is not None:
                found.add(str(reason))
            raise

    monkeypatch.setattr(Player, "play", noting)
    for kind in KINDS:
        for seed in range(40):
            generate(random.Random(f"{kind}:{seed}"), "float64", kind, OFFERED)
    assert found
    assert [text for text in found if not re.match("ValueError: .*(shape|broadcast)", text)] == []


def test_watched_or_at_the_end() -> None:
    """A sketch that is watched is looked at after every instruction, any other only at its end."""
    for seed in range(20):
        found = sketch("accumulation", seed)
        watched, quiet = (
            sum(it.verb == "expect" for _, it in write(replace(found, kinds=kinds)).walk())
            for kinds in [(WATCHED,), ()]
        )
        assert watched > quiet


@pytest.mark.parametrize("row", [row for row in AVOIDED if row.script], ids=lambda row: row.name)
def test_what_is_avoided_is_still_there(row: Avoided) -> None:
    """torch still does what programs stay away from; once it does not, the row can go."""
    torch = pytest.importorskip("torch")
    names = {"torch": torch, "refused": _refused}
    *lines, last = row.script.splitlines()
    exec("\n".join(lines), names)
    assert eval(last, names)


def _refused(action: object, words: str) -> bool:
    assert callable(action)
    try:
        action()
    except RuntimeError as reason:
        return words in str(reason)
    return False


def test_memory_of_entries_is_not_cleared_either() -> None:
    """A gradient that shares memory with what was iterated over is not written with zeros; another one may be."""
    player = Player("float64")
    leaf = {"value": {"shape": [2], "values": ["1", "2"]}, "requires_grad": True}
    steps = [
        Instruction("leaf", ("x",), (), leaf),
        Instruction("leaf", ("w",), (), {"value": {"shape": [], "values": ["3"]}, "requires_grad": True}),
        Instruction("unbind", ("a", "b"), ("x",)),
        Instruction("detach", ("u",), ("a",)),
        Instruction("set_grad", (), ("w", "u")),
    ]
    for it in steps:
        player.play(it)
    with pytest.raises(Unplayable, match="written entries"):
        player.play(Instruction("clear", (), ("w",), {"how": "zero"}))
    player.play(Instruction("clear", (), ("w",), {"how": "none"}))
