"""The command that keeps expectations in step: a failure enters with a reason, and leaves when it passes."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import expectations
from conformance.cli import main, parser
from conformance.errors import UsageError
from conformance.expecting import WITNESS, Cause, update
from conformance.journal import read_journal
from tests.example_journals import case, journal
from tests.test_merge import written

BROKEN = "reference,mutant=accumulate_overwrites"
RUN = ["--select", "accumulation/*", "--jobs", "1"]
WHY = ["--reason", "backward writes where it should add", "--link", "https://example.com/issues/7"]


def test_from_a_failure_to_its_mending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It fails; with a reason it conforms; mended it is against expectation; then the row leaves, and it conforms."""
    out, folder = tmp_path / "out", tmp_path / "expectations"
    folder.mkdir()
    kept = ["--expectations", str(folder), "--out", str(out)]
    update_it = ["expect", "update", str(out / "reference.jsonl"), "--expectations", str(folder)]
    assert main(["run", "--engine", BROKEN, *RUN, *kept]) == 1
    assert main(update_it) == 1
    assert "reference: accumulation/each_backward_adds[float64] needs a --reason\n" in capsys.readouterr().err
    assert main([*update_it, *WHY]) == 0
    assert main(["run", "--engine", BROKEN, *RUN, *kept]) == 0
    assert main(["run", "--engine", "reference", *RUN, *kept]) == 1
    assert main(update_it) == 0
    assert expectations.load("reference", folder) == {}
    assert main(["run", "--engine", "reference", *RUN, *kept]) == 0


FILE = """\
# Why acme may differ.

# What it does to hooks.
[[cause]]
reason = "hooks run backwards"  # since 0.2
link = "https://example.com/1"

[[cause.case]]
id = "hooks/order[float64]"
verdict = "declined"

[[cause.case]]
id = "hooks/other[float64]"
verdict = "declined"

# Another matter.
[[cause]]
reason = "it is slow"
link = "https://example.com/2"

[[cause.case]]
id = "vjp/one[float64]"
verdict = "declined"
"""
KNOWN = {"verdict": "declined", "reason": "", "link": "", "script": ""}
FAILING = journal([case("vjp/one", "fail", witness={})])
SHOWN = Cause("it is wrong", "https://example.com", "print(1)\nprint(2.0)\n", "2.0", "fault")
DIFFERENT = {
    "link": replace(SHOWN, link="https://example.com/2"),
    "script": replace(SHOWN, script="print(2.0)"),
    "prints": replace(SHOWN, prints="3.0"),
    "kind": replace(SHOWN, kind="missing"),
}
UNTRUE = {
    "print(2.0)\nprint(3.0)": "prints 3.0, and not 2.0",
    "print(2.0)\n1 / 0": "ends with code 1: ZeroDivisionError",
    "2.0": "prints nothing",
}
# A form feed and a carriage return are blanks to Python.
SCRIPTS = (
    "print('''quoted''')  # \\n\nprint(2.0)\n\n",
    "\x0cprint(2.0)\n\n",
    "print(1)\x0c\nprint(2.0)\n",
    "print(1)\r\nprint(2.0)\n",
    "print(1)  # \x7f\nprint(2.0)",
)
INEXPECTABLE = [("error", "error", 3), ("flaky", "flaky", 1), ("fail", "fail without a witness", 1)]
LATER = [
    case("hooks/order", expectation=KNOWN),
    case("hooks/other", "declined", expectation=KNOWN),
    case("vjp/one", expectation=KNOWN),
]


def test_what_is_kept_stays_as_it_was_written(tmp_path: Path) -> None:
    """Comments and the rows that still hold; a cause leaves with its last row."""
    (tmp_path / "acme.toml").write_text(FILE)
    change = update(journal(LATER), tmp_path, [], None)
    assert change.removed == ("hooks/order[float64]", "vjp/one[float64]")
    for text in ("# Why acme may differ.", "# What it does to hooks.", "# since 0.2", 'id = "hooks/other[float64]"'):
        assert text in change.after
    assert [cause["reason"] for cause in tomllib.loads(change.after)["cause"]] == ["hooks run backwards"]


def test_a_failure_joins_the_cause_that_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(FILE)
    failing = journal(
        [case("hooks/new", "fail", witness={"schema": 1}), case("hooks/newer", "fail", dtype="float32", witness={})]
    )
    change = update(failing, tmp_path, [], Cause("hooks run backwards", "https://example.com/1", kind="fault"))
    causes = tomllib.loads(change.after)["cause"]
    assert [row["id"] for row in causes[0]["case"]] == [
        "hooks/order[float64]",
        "hooks/other[float64]",
        "hooks/new[float64]",
        "hooks/newer[float32]",
    ]
    assert causes[1] == tomllib.loads(FILE)["cause"][1]


def test_a_case_has_one_row(tmp_path: Path) -> None:
    """A new failure beside the known one of a case of random programs takes the place of its row."""
    (tmp_path / "acme.toml").write_text(FILE)
    change = update(
        journal([case("vjp/one", "fail", witness={})]), tmp_path, [], Cause("it is wrong", "https://example.com")
    )
    rows = [row for cause in tomllib.loads(change.after)["cause"] for row in cause["case"]]
    assert [row["verdict"] for row in rows if row["id"] == "vjp/one[float64]"] == ["fail"]


def test_what_the_file_explains_is_not_explained_again(tmp_path: Path) -> None:
    """The same journal a second time, or another that is as old: the rows stay where they are, and need no reason."""
    update(FAILING, tmp_path, [], Cause("the first reason", "https://example.com")).write()
    for witness in ({}, {"schema": 1}):
        for cause in (Cause("another reason", "https://example.com"), None):
            change = update(journal([case("vjp/one", "fail", witness=witness)]), tmp_path, [], cause)
            assert (change.diff(), change.kept, change.exit_code) == ("", ("vjp/one[float64]",), 0)


def test_a_new_failure_beside_a_known_one_is_not_explained_by_it(tmp_path: Path) -> None:
    """A row with `without` speaks of its witness alone; the new row leaves out the keys of both."""
    drawn = {"programs": 3, "unwritable": {}}
    for key, witness in (("pow", {}), ("log", {"schema": 1})):
        found = journal([case("programs/functional", "fail", witness=witness, generated=drawn)])
        update(found, tmp_path, [], Cause(f"{key} is wrong", "https://example.com", without=(key,))).write()
    (cause,) = expectations.causes(tmp_path)["acme"]
    assert cause["reason"] == "log is wrong"
    assert cause["case"][0]["without"] == ["pow", "log"]


@pytest.mark.parametrize("key", DIFFERENT)
def test_a_known_reason_with_another_cause_is_refused(key: str, tmp_path: Path) -> None:
    """Nothing that is asked for is silently left out."""
    update(FAILING, tmp_path, [], SHOWN).write()
    more = journal([case("vjp/two", "fail", witness={})])
    assert len(update(more, tmp_path, [], SHOWN).added) == 1
    assert len(update(more, tmp_path, [], replace(SHOWN, kind="")).added) == 1
    with pytest.raises(UsageError, match=f"this reason with another {key};"):
        update(more, tmp_path, [], DIFFERENT[key])


def test_a_new_cause_has_its_script(tmp_path: Path) -> None:
    change = update(FAILING, tmp_path, [], Cause("it is wrong", "", "print(1)\nprint(2.0)\n\n", "2.0"))
    (cause,) = tomllib.loads(change.after)["cause"]
    assert cause["kind"] == "fault"
    assert cause["script"] == "print(1)\nprint(2.0)\n"
    assert cause["prints"] == "2.0"
    assert cause["case"] == [{"id": "vjp/one[float64]", "verdict": "fail", "witness": "{}"}]


def test_a_script_that_prints_something_else_is_refused(tmp_path: Path) -> None:
    for script, sentence in UNTRUE.items():
        with pytest.raises(UsageError, match=sentence):
            update(FAILING, tmp_path, [], Cause("it is wrong", "", script, "2.0"))


def test_the_script_of_the_smallest_witness(tmp_path: Path) -> None:
    """With what it really prints; a second call finds the reason, and asks for no other script."""
    records = [
        case("vjp/long", "fail", witness={}, instructions=9, script="print(9)\n"),
        case("vjp/short", "fail", witness={}, instructions=2, script="print(1)\nprint(2)\n"),
    ]
    cause = Cause("it is wrong", script=WITNESS)
    first = update(journal(records), tmp_path, [], cause)
    (known,) = tomllib.loads(first.after)["cause"]
    assert (known["script"].splitlines(), known["prints"]) == (["print(1)", "print(2)"], "2")
    first.write()
    more = [case("vjp/other", "fail", witness={}, instructions=1, script="print(0)\n")]
    (known,) = tomllib.loads(update(journal(more), tmp_path, [], cause).after)["cause"]
    assert (len(known["case"]), known["prints"]) == (3, "2")


def test_the_script_runs_beside_the_adapter_in_the_engines_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the agent does: an engine that lies beside its adapter is found. An interpreter that is not there is refused."""
    (tmp_path / "acme.py").write_text("answer = 2.0\n")
    (tmp_path / "script.py").write_text("import acme\nprint(acme.answer)\n")
    (tmp_path / "acme_adapter.py").write_text("from implementations.reference_eager import ADAPTER\n")
    found = journal(FAILING.cases, engine={**FAILING.header["engine"], "spec": str(tmp_path / "acme_adapter.py")})
    path, folder = written(tmp_path / "j.jsonl", found), tmp_path / "expectations"
    command = ["expect", "update", str(path), "--expectations", str(folder), "--reason", "it is wrong"]
    command += ["--script", str(tmp_path / "script.py")]
    assert main([*command, "--prints", "2.0", "--python", "/nowhere/python"]) == 2
    assert main([*command, "--prints", "3.0"]) == 2
    assert "the script prints 2.0, and not 3.0" in capsys.readouterr().err
    assert main([*command, "--prints", "2.0"]) == 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_script_can_be_written_and_read_again(script: str, tmp_path: Path) -> None:
    """What TOML admits only as an escape is escaped."""
    change = update(FAILING, tmp_path, [], Cause("it is wrong", "", script, "2.0"))
    assert tomllib.loads(change.after)["cause"][0]["script"].strip() == script.strip()


def test_only_what_is_selected(tmp_path: Path) -> None:
    failing = journal([case("vjp/one", "fail", witness={}), case("hooks/one", "fail", witness={})])
    change = update(failing, tmp_path, ["vjp/*"], Cause("it is wrong", "https://example.com"))
    assert change.added == ("vjp/one[float64]",)


@pytest.mark.parametrize(("verdict", "words", "code"), INEXPECTABLE)
def test_what_cannot_be_expected(
    verdict: str, words: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with what the verdict ends a run with, and no row is written that a run would refuse."""
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", verdict)]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *WHY]) == code
    assert f"no expectation can excuse vjp/one[float64] ({words})\n" in capsys.readouterr().err
    assert not (tmp_path / "acme.toml").exists()


def test_a_dry_run_shows_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), "--dry-run", *WHY]) == 0
    assert '+id = "vjp/one[float64]"' in capsys.readouterr().out
    assert not (tmp_path / "acme.toml").exists()


def test_the_commands_of_the_guide_are_ours() -> None:
    """Every `autograd-conformance` command in the guides to expectations, CI and comparing can be parsed."""
    folder = Path(__file__).resolve().parent.parent / "docs"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("expectations.md", "ci.md", "comparing.md")]
    blocks = [block.replace("\\\n", "") for text in texts for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("autograd-conformance ")]
    assert len(commands) >= 8
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[1:])


BECAUSE = ["--reason", "because"]
REFUSED = {
    "a reason that nobody can check": (["--reason", "because"], "needs --link URL or --script F"),
    "a link without a reason": (["--link", "https://example.com"], "go with --reason"),
    "a script that is not there": ([*BECAUSE, "--script", "nowhere.py", "--prints", "2"], "cannot read the script"),
    "a script that prints nobody knows what": ([*BECAUSE, "--script", "nowhere.py"], "--script F needs --prints TEXT"),
    "what no script prints": ([*BECAUSE, "--link", "https://example.com", "--prints", "2"], "--prints needs --script"),
    "a key without a reason": (["--without", "pow"], "go with --reason"),
    "a key that there is not": ([*WHY, "--without", "power"], "--without power: no adapter spells this"),
    "a key, and no random programs": ([*WHY, "--without", "pow"], "is for cases of random programs"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    options, sentence = REFUSED[what]
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *options]) == 2
    assert sentence in capsys.readouterr().err


SECOND = {
    "an incomplete journal": (journal([case("vjp/one")], name="other", complete=False), "is incomplete"),
    "a file that cannot be read": (journal([case("vjp/one")], name="broken"), "cannot be read"),
    "another of the same engine": (journal([case("vjp/two", "fail", witness={})]), "2 journals are of acme"),
}
BROKEN_FILES = {
    "no TOML": "[[cause",
    "a cause without cases": '[[cause]]\nreason = "it is slow"\n',
    "no causes": "cause = 3\n",
}


@pytest.mark.parametrize("what", BROKEN_FILES)
def test_a_file_that_cannot_be_read_is_left_alone(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme.toml").write_text(BROKEN_FILES[what])
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one", "fail", witness={})]))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *WHY]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert (tmp_path / "acme.toml").read_text() == BROKEN_FILES[what]


def test_a_row_whose_case_is_an_error_now_stays(tmp_path: Path) -> None:
    """Nobody said that the failure is gone: the adapter is broken, and the row waits."""
    (tmp_path / "acme.toml").write_text(FILE)
    rows = [case("hooks/order", "error", expectation=KNOWN), case("hooks/new", "fail", witness={})]
    change = update(journal(rows), tmp_path, [], Cause("another matter", "https://example.com/3"))
    assert 'id = "hooks/order[float64]"' in change.after
    assert change.removed == ()


def test_an_incomplete_journal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not asked would look as if it passed."""
    path = written(tmp_path / "j.jsonl", journal([case("vjp/one")], complete=False))
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path)]) == 2
    assert "is incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("second", SECOND)
def test_nothing_is_written_before_every_journal_is_read(
    second: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is wrong, whichever it is, leaves all files as they were."""
    other, sentence = SECOND[second]
    (tmp_path / "broken.toml").write_text("[[cause")
    paths = [written(tmp_path / "a.jsonl", FAILING), written(tmp_path / "b.jsonl", other)]
    assert main(["expect", "update", *map(str, paths), "--expectations", str(tmp_path), *WHY]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "acme.toml").exists()


def test_a_glob_that_matches_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bracket is that of an id, as it is for `run`."""
    path = written(tmp_path / "j.jsonl", FAILING)
    globs = ["--select", "vjp/one[float64]", "--select", "vjp/[o]ne*"]
    assert main(["expect", "update", str(path), "--expectations", str(tmp_path), *WHY, *globs]) == 0
    assert capsys.readouterr().err == "autograd-conformance: --select vjp/[o]ne*: no case matches\n"


DEEP = ["--select", "programs/functional[deep*", "--jobs", "1"]


def test_a_known_fault_that_random_programs_are_drawn_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--without` the next fault is found too; without it the run remarks that nothing was drawn."""
    out, folder, patch = tmp_path / "out", tmp_path / "expectations", tmp_path / "wrong.py"
    folder.mkdir()
    run = ["run", "--engine", f"reference,patch={patch}", *DEEP, "--expectations", str(folder), "--out", str(out)]
    update_it = ["expect", "update", str(out / "reference.jsonl"), "--expectations", str(folder), "--script", WITNESS]
    patch.write_text(_wrong("sigmoid"))
    assert main(run) == 1
    assert main([*update_it, "--reason", "sigmoid is wrong"]) == 0
    assert main(run) == 0
    remark = "reference: 2 expected cases drew no program: name the operators with `without`\n"
    assert remark in capsys.readouterr().out
    text = (
        (folder / "reference.toml").read_text().replace('verdict = "fail"', 'verdict = "fail"\nwithout = ["sigmoid"]')
    )
    (folder / "reference.toml").write_text(text)
    assert main(run) == 0
    assert remark not in capsys.readouterr().out
    patch.write_text(_wrong("sigmoid") + _wrong("log"))
    assert main(run) == 1
    assert main([*update_it, "--reason", "log is wrong", "--without", "log"]) == 0
    assert main(run) == 0
    known = expectations.load("reference", folder).values()
    assert ("sigmoid", "log") in {expectation.without for expectation in known}
    assert all(record["generated"]["programs"] for record in read_journal(out / "reference.jsonl").cases)


def _wrong(operator: str) -> str:
    """Statements that break an operator of the reference."""
    lines = ["from implementations.reference import Tensor", f"right_{operator} = Tensor.{operator}"]
    return "\n".join([*lines, f"Tensor.{operator} = lambda a: right_{operator}(a) * 1.5", ""])
