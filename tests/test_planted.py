"""Planted faults: each has a subject, random programs catch them, and one that is not caught is no secret."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import cli, planted, showing
from conformance.adapter import load, resolve
from conformance.clause import specification
from conformance.execution import Engine
from conformance.planted import LIKELY, Pair, Programs, hunt, hunted, likeliest
from conformance.script import printed
from implementations.mutants import FAULTS, MUTANTS, PLANTED
from implementations.mutants.planted import LEFT_OUT, SUBJECTS

PROTOCOL = [it for it in PLANTED.values() if it.subject != "numbers"]
# A few of each subject that are caught early.
EARLY = {
    "numbers": ("mean_divides_by_a_little_more", "parts_overwrite_one_another"),
    "accumulation": ("accumulate_overwrites", "gradients_are_absolute"),
    "zeroing": ("zero_halves", "forgetting_zeroes"),
    "detach": ("detach_keeps_the_graph",),
    "modes": (
        *("no_grad_records", "other_threads_accumulate_nothing"),
        *("backward_turns_recording_off", "grad_changes_the_mode", "no_grad_is_not_restored_after_an_exception"),
    ),
    "hooks": ("root_hooks_do_not_run",),
    "lifetime": ("every_node_is_freed",),
    "versions and views": ("writes_are_not_recorded", "writes_do_not_count"),
    "shapes and dtypes": (
        *("broadcast_averages", "gradients_are_double", "functional_gradients_are_single"),
        "products_with_numbers_are_double",
    ),
}


def test_every_mutant_is_planted_or_says_why_not() -> None:
    """Each mutant stands once: under a subject, or under the reason why no random program is asked to find it."""
    listed = Counter(name for names in (*SUBJECTS.values(), *LEFT_OUT.values()) for name in names)
    numbers = [name for name, it in PLANTED.items() if it.subject == "numbers"]
    assert Counter([*listed.elements(), *numbers]) == Counter(list(FAULTS))
    assert set(PLANTED) == set(FAULTS) - {name for names in LEFT_OUT.values() for name in names}
    assert all(MUTANTS[name] is FAULTS[name] for name in MUTANTS)


def test_there_are_sixty_faults_of_the_protocol_and_more() -> None:
    """They are spread over the subjects, and the numbers are planted in kernels."""
    counts = Counter(it.subject for it in PLANTED.values())
    assert len(PROTOCOL) >= 60
    assert set(counts) == set(LIKELY) == set(EARLY)
    assert min(counts.values()) >= 10
    assert {it.mutant.of for it in PLANTED.values() if it.subject == "numbers"} == {"kernels"}


def test_every_patch_is_python_and_its_own() -> None:
    """Patches compile at the end of their engine's prelude, and no two are the same."""
    ours = [it.mutant for it in PLANTED.values()]
    for mutant in ours:
        compile(resolve(f"{mutant.of},mutant={mutant.name}").prelude, mutant.name, "exec")
    assert len({mutant.patch for mutant in FAULTS.values()}) == len(FAULTS)
    assert all(mutant.fault for mutant in FAULTS.values())


@pytest.mark.parametrize("subject", LIKELY)
def test_the_likely_kinds_come_first_and_all_come(subject: str) -> None:
    """A hunt tries every case of random programs, in float64 before float32."""
    cases = likeliest(subject)
    every = [case for name in ("programs/functional", "programs/protocol") for case in specification()[name].cases()]
    assert sorted(case.id for case in cases) == sorted(case.id for case in every)
    assert cases[0].parameters["kind"] == LIKELY[subject][0]
    assert cases[0].dtype == "float64"


@pytest.mark.parametrize("subject", EARLY)
def test_faults_of_each_subject_are_caught(subject: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints where, after how many programs, by how many instructions; and writes the witness as a script.

    Each script, run by itself, shows its fault: those of a dtype and of a mode that is left behind among them.
    """
    assert hunted(EARLY[subject], None, "gate", 0, tmp_path) == 0
    *lines, total, _, shown = capsys.readouterr().out.splitlines()
    assert len(lines) == len(EARLY[subject])
    for line, name in zip(sorted(lines), sorted(EARLY[subject]), strict=False):
        assert line.startswith(f"caught    {subject} ")
        assert "] #" in line
        assert "instructions" in line
        assert (tmp_path / f"{name}.py").read_text(encoding="utf-8").startswith("from implementations import")
    assert total == f"caught {len(lines)} of {len(lines)}: {subject} {len(lines)}/{len(lines)}"
    assert shown == f"{len(lines)} of {len(lines)} scripts show their fault when they are run by themselves"


def test_a_witness_is_minimal_and_shows_the_fault_alone() -> None:
    """The broken engine fails it, the engine without the fault passes it, and little is in it."""
    fault, sound = PLANTED["zero_halves"], load("reference")
    with Engine(resolve("reference,mutant=zero_halves")) as broken, Engine(sound) as right:
        pair = Pair(broken, right, Programs(sound.offers, 0, 20))
        catch = hunt(fault, pair).catch
        assert catch is not None
        assert pair.shown(catch.witness) is not None
        assert Pair(right, right, pair.programs).shown(catch.witness) is None
    assert len(catch.witness) <= 4
    assert "grad.zero_()" in catch.scripts.broken


def test_what_the_engine_without_the_fault_fails_too_proves_nothing() -> None:
    """Two engines that are broken alike: every program that fails is passed over, and named."""
    fault, sound = PLANTED["zero_halves"], load("reference")
    spec = "reference,mutant=zero_halves"
    with pytest.MonkeyPatch.context() as patch, Engine(resolve(spec)) as broken, Engine(resolve(spec)) as alike:
        patch.setattr(planted, "likeliest", lambda subject: likeliest(subject)[:1])
        found = hunt(fault, Pair(broken, alike, Programs(sound.offers, 0, 3)))
    assert found.catch is None
    assert found.unsound[0].startswith("programs/protocol[accumulation,float64] #")


def test_a_fault_that_survives_ends_the_command_as_a_fault_of_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """When nothing shows a fault, the line says SURVIVED, and the exit code is 3."""
    harmless = replace(PLANTED["zero_halves"], mutant=replace(FAULTS["zero_halves"], patch=""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("implementations.mutants.PLANTED", {"zero_halves": harmless})
        patch.setitem(FAULTS, "zero_halves", harmless.mutant)
        assert hunted((), None, "quick", 0, None) == 3
    printed = capsys.readouterr().out
    assert printed.startswith("SURVIVED  zeroing ")
    assert "caught 0 of 1: zeroing 0/1" in printed


def test_a_script_that_does_not_show_its_fault_ends_the_command_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that says the same on the engine without the fault is named, and counts as a fault of the suite."""
    with pytest.MonkeyPatch.context() as patch:  # a script as it would be, were the finding not known to it
        patch.setattr(showing, "printed", lambda program, adapter, finding: printed(program, adapter))
        assert hunted(("grad_changes_the_mode", "zero_halves"), None, "quick", 0, tmp_path) == 3
    lines = capsys.readouterr().out.splitlines()
    path = tmp_path / "grad_changes_the_mode.py"
    assert [line for line in lines if "SILENT" in line] == [f"          SILENT  {path} says the same without the fault"]
    assert lines[-1] == "1 of 2 scripts show their fault when they are run by themselves"


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults are chosen by name and subject; what asks for nothing, or makes no sense, says so."""
    assert cli.main(["mutants", "--programs", "--select", "zero_d*", "--subject", "zeroing", "--profile", "quick"]) == 0
    assert "zero_does_nothing" in capsys.readouterr().out
    assert cli.main(["mutants", "--programs", "--select", "zero_d*", "--subject", "hooks"]) == 5
    assert "no planted fault matches zero_d* or hooks" in capsys.readouterr().err
    assert cli.main(["mutants", "--subject", "hooks"]) == 2
    assert "--subject and --profile are for mutants --programs" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """An interruption ends the hunt with 6, and says how far it came."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planted, "hunt", interrupted)
        assert hunted(("zero_halves",), None, "quick", 0, None) == 6
    assert capsys.readouterr().out == "interrupted after 0 of 1 faults\n"
