"""`replay`: the exit codes, what is printed, and the files that `run` leaves for it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.adapter import load
from conformance.clause import specification
from conformance.corpus import FOLDER
from conformance.examination import Effort
from conformance.execution import Engine
from conformance.journal import read_journal
from conformance.record import again
from conformance.witnesses import file_name, forget, save
from tests.fakes.command import Terminal

MUTANT: Final = "reference,mutant=accumulate_overwrites"
CASE: Final = "accumulation/each_backward_adds[float64]"
WITNESS: Final = FOLDER / "a_second_backward_adds.json"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def record(terminal: Terminal) -> dict[str, Any]:
    """The record of a case that fails, of a run in this folder."""
    done = terminal.run("run", "--engine", MUTANT, "--select", CASE, "--out", "out", "--jobs", "1")
    assert done.returncode == 1, done.stderr
    (found,) = read_journal(terminal.folder / "out" / "reference.jsonl").cases
    return {**found, "printed": done.stdout}


def changed(terminal: Terminal, name: str, **options: Any) -> Path:
    """The witness of the corpus with other options of its expectation."""
    data = json.loads(WITNESS.read_text(encoding="utf-8"))
    data["witness"]["instructions"][-1]["options"].update(options)
    path = terminal.folder / name
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


# --- exit codes


def test_a_witness_that_passes(terminal: Terminal) -> None:
    """A right engine passes the corpus' witness: the script, one word, and 0."""
    done = terminal.run("replay", WITNESS, "--engine", "reference")
    assert done.returncode == 0, done.stderr
    assert "x.backward()\nx.backward()\nprint(x.grad)  # expected 2.\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "pass: every expectation of the witness holds"


def test_a_witness_that_fails(terminal: Terminal) -> None:
    """A broken one does not: verdict, clause, what was expected and got, the script below, and 1."""
    done = terminal.run("replay", WITNESS, "--engine", MUTANT)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:4] == [
        "fail: x.grad is not what the specification says",
        "  breaks accumulation/each_backward_adds",
        "  expected 2.    got 1.",
        "  witness, 3 instructions, as it ran:",
    ]
    assert "      print(x.grad)  # expected 2.\n" in done.stdout


MISTAKES: Final = {
    "nowhere.json": (None, 2, "cannot read the witness"),
    "folder.json": ("folder", 2, "cannot read the witness"),
    "text.json": ("text", 2, "cannot read the witness"),
    "deep.json": ("[" * 100_000, 2, "cannot read the witness"),
    "list.json": ("[]", 2, "holds no witness"),
    "empty.json": ('{"schema": 1, "dtype": "float64", "instructions": []}', 2, "its program is empty"),
    "verb.json": (
        '{"schema": 1, "dtype": "float64", "instructions": '
        '[{"index": 0, "verb": "jump", "out": [], "args": [], "options": {}, "body": []}]}',
        2,
        "unknown verb",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_file_that_holds_no_witness(name: str, terminal: Terminal) -> None:
    """A file that holds no witness is a sentence and 2."""
    text, code, sentence = MISTAKES[name]
    if text == "folder":
        (terminal.folder / name).mkdir()
    elif text is not None:
        (terminal.folder / name).write_text(text, encoding="utf-8")
    done = terminal.run("replay", name, "--engine", "reference")
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


ODD: Final[dict[str, dict[str, Any]]] = {
    "no relation": {"relation": "similar"},
    "no numbers": {"value": {"shape": [], "values": ["two"]}},
    "no value": {"value": 2},
    "no observation": {"observe": None},
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("way", [[], ["--script"]])
def test_a_witness_that_cannot_be_judged(name: str, way: list[str], terminal: Terminal) -> None:
    """A witness that was edited into something that nobody can judge is no traceback."""
    path = changed(terminal, "odd.json", **ODD[name])
    done = terminal.run("replay", path, "--engine", "reference", *way)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2, 3, 5)
    assert done.returncode or way


USAGE: Final = (
    ("no engine", ()),
    ("two ways", ("--engine", "reference", "--script", "--in-process")),
    ("no time", ("--engine", "reference", "--timeout", "0")),
    ("unknown engine", ("--engine", "torhc")),
    ("unknown interpreter", ("--engine", "reference", "--python", "nowhere/python")),
)


@pytest.mark.parametrize(("name", "words"), USAGE)
def test_usage(name: str, words: tuple[str, ...], terminal: Terminal) -> None:
    """A mistake on the command line is 2."""
    done = terminal.run("replay", WITNESS, *words)
    assert done.returncode == 2, name
    assert "Traceback" not in done.stderr


def test_an_engine_that_does_not_load(terminal: Terminal) -> None:
    """An engine whose process ends while it is loaded is a sentence and 4."""
    (terminal.folder / "broken.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    done = terminal.run("replay", WITNESS, "--engine", "reference,patch=broken.py")
    assert done.returncode == 4
    assert "did not load" in done.stderr


def test_an_engine_that_does_not_offer_it(terminal: Terminal) -> None:
    """An engine that does not offer what the witness needs neither passes nor fails: 5, and a script cannot be printed."""
    (terminal.folder / "small.py").write_text(
        "from dataclasses import replace\n"
        "from implementations.reference_eager import ADAPTER as REFERENCE\n"
        "rows = {key: text for key, text in REFERENCE.spellings.items() if not key.startswith('backward')}\n"
        "ADAPTER = replace(REFERENCE, name='small', spellings=rows)\n",
        encoding="utf-8",
    )
    done = terminal.run("replay", WITNESS, "--engine", "small.py")
    assert (done.returncode, done.stdout) == (5, "declined: small does not offer backward\n")
    done = terminal.run("replay", WITNESS, "--engine", "small.py", "--script")
    assert done.returncode == 5
    assert "small does not offer backward" in done.stderr


def test_a_time_out(terminal: Terminal) -> None:
    """An engine that does not answer within --timeout is a failure that names the instruction."""
    hangs = "def hang(*arguments, **options):\n    while True: pass\nreference.Tensor.backward = hang\n"
    (terminal.folder / "hangs.py").write_text(hangs, encoding="utf-8")
    done = terminal.run("replay", WITNESS, "--engine", "reference,patch=hangs.py", "--timeout", "0.5")
    assert done.returncode == 1
    assert done.stdout.startswith("timeout: no answer within 0.5 s, in backward\n")


# --- scripts


def test_the_script_alone(terminal: Terminal) -> None:
    """`--script` prints what would run and starts no engine; it can be run as it is."""
    (terminal.folder / "broken.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    done = terminal.run("replay", WITNESS, "--engine", "reference,patch=broken.py", "--script")
    assert done.returncode == 0
    assert "raise SystemExit(3)" in done.stdout
    right = terminal.run("replay", WITNESS, "--engine", "reference", "--script").stdout
    ran = subprocess.run(
        [sys.executable, "-c", right],
        env=terminal.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "tensor(2., dtype=torch.float64)\n"


# Faults that a value alone does not show, with a case that finds each, and the last line of its script.
UNSEEN: Final = {
    "gradients_are_double": (
        "programs/functional[exact,float32]",
        "print(g.tolist(), g.dtype)  # expected 1., each within 0., float32",
    ),
    "backward_turns_recording_off": (
        "programs/functional[exact,float64]",
        "print(reference.is_grad_enabled())  # expected True",
    ),
}


@pytest.mark.parametrize("mutant", UNSEEN)
def test_the_script_is_the_same_wherever_it_is_printed(mutant: str, tmp_path: Path) -> None:
    """The record, the terminal, and `replay` of the journal or of the saved file print one text, which shows the fault."""
    case, last = UNSEEN[mutant]
    terminal, engine = Terminal(tmp_path), f"reference,mutant={mutant}"
    done = terminal.run("run", "--engine", engine, "--select", case, "--out", "out", "--jobs", "1")
    (record,) = read_journal(tmp_path / "out" / "reference.jsonl").cases
    script = record["script"]
    assert script.splitlines()[-1] == last
    shown = "".join(f"      {line}\n" for line in script.splitlines())
    assert shown in done.stdout
    journal = terminal.run("replay", "out/reference.jsonl", "--case", case, "--engine", engine, "--script")
    saved = terminal.run("replay", record["saved"], "--engine", engine, "--script")
    assert journal.stdout.rstrip() == saved.stdout.rstrip() == script.rstrip()
    assert shown in terminal.run("replay", record["saved"], "--engine", engine).stdout


def copied(terminal: Terminal, name: str = "mine.json") -> Path:
    """A copy of the corpus' witness in the terminal's folder."""
    path = terminal.folder / name
    path.write_text(WITNESS.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_in_this_process(terminal: Terminal) -> None:
    """`--in-process` says where the script is, beside the witness, and executes it; what is printed comes after."""
    copied(terminal)
    done = terminal.run("replay", "mine.json", "--engine", MUTANT, "--in-process")
    assert (done.returncode, done.stdout) == (0, "wrote mine.replay.py\ntensor(1., dtype=torch.float64)\n")
    assert "accumulate" in (terminal.folder / "mine.replay.py").read_text(encoding="utf-8")


def test_in_a_debugger(terminal: Terminal) -> None:
    """A debugger that starts us stops inside the script, where the engine and the program's names can be looked at."""
    copied(terminal)
    command = [sys.executable, "-m", "pdb", *terminal.command()[1:], "replay", "mine.json", "--engine", "reference"]
    asked = "b mine.replay.py:5\nc\np x.grad.tolist()\nq\n"  # the last line, whose file must be there
    (terminal.folder / "mine.replay.py").write_text("pass\n" * 9, encoding="utf-8")
    done = subprocess.run(
        [*command, "--in-process"],
        input=asked,
        cwd=terminal.folder,
        env=terminal.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert re.search(r"mine\.replay\.py\(5\)<module>", done.stdout), done.stdout + done.stderr
    assert "(Pdb) 2.0" in done.stdout


def test_under_another_interpreter(terminal: Terminal) -> None:
    """Another interpreter takes our place: the same process, its modules."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", terminal.folder / "other"], check=True)
    other = terminal.folder / "other" / "bin" / "python"
    (terminal.folder / "small_engine.py").write_text("import sys\nprint('engine of', sys.prefix)\n", encoding="utf-8")
    (terminal.folder / "adapter.py").write_text(
        "from conformance.adapter import Adapter\n"
        "rows = dict.fromkeys(('constant', 'add', 'mul', 'sum'), '0')\n"
        "rows |= {'leaf': '[{value}]', 'backward': 'print({root})', 'grad_of': '{a}', 'value': '{a}'}\n"
        "ADAPTER = Adapter(name='tiny', module='small_engine', prelude='import small_engine', version='1', spellings=rows)\n",
        encoding="utf-8",
    )
    copied(terminal)
    done = terminal.run("replay", "mine.json", "--engine", "adapter.py", "--in-process", "--python", other)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote mine.replay.py\nengine of {terminal.folder / 'other'}\n[1.0]\n[1.0]\n[1.0]\n"


def test_an_engine_that_raises_is_not_caught(terminal: Terminal) -> None:
    """What the engine raises is seen with its traceback: that is what a debugger is started for."""
    copied(terminal)
    (terminal.folder / "raises.py").write_text("reference.Tensor.backward = lambda self: 1 / 0\n", encoding="utf-8")
    done = terminal.run("replay", "mine.json", "--engine", "reference,patch=raises.py", "--in-process")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    assert 'mine.replay.py", line' in done.stderr


# --- what a run leaves


def test_a_run_saves_its_witnesses(record: dict[str, Any], terminal: Terminal) -> None:
    """A failed case leaves its witness beside the journal; the failure and the record say where, and replay takes it."""
    path = Path("out") / "witnesses" / "reference" / "accumulation_each_backward_adds_float64.json"
    assert record["saved"] == str(path)
    assert f"  witness saved in {path}\n" in record["printed"]
    saved = json.loads((terminal.folder / path).read_text(encoding="utf-8"))
    assert saved["witness"] == record["witness"]
    assert (saved["engine"], saved["case"], saved["verdict"]) == (MUTANT, CASE, "fail")
    replayed = terminal.run("replay", path, "--engine", saved["engine"])
    assert replayed.returncode == 1
    assert f"fail: {record['message']}" in replayed.stdout
    assert terminal.run("replay", path, "--engine", "reference").returncode == 0


def test_again_asks_the_program_that_failed(tmp_path: Path) -> None:
    """`again:` needs no budget and no luck: it names the program, draws it alone, and finds the same witness."""
    terminal, engine = Terminal(tmp_path), "reference,mutant=grad_changes_the_mode"
    case = "programs/protocol[modes,float64]"
    deep = ("--profile", "deep", "--budget", "5", "--seed", "7")
    done = terminal.run("run", "--engine", engine, "--select", case, *deep, "--out", "out", "--jobs", "1")
    assert done.returncode == 1, done.stderr
    (record,) = read_journal(tmp_path / "out" / "reference.jsonl").cases
    assert record["index"] > 0  # the first one would be drawn again by any run
    assert f"again: {record['rerun']}" in done.stdout
    _, *words = shlex.split(record["rerun"])
    assert words[:1] + words[-2:] == ["run", "--out", "out/again"]
    terminal.run(*words)
    (second,) = read_journal(tmp_path / "out" / "again" / "reference.jsonl").cases
    assert second["programs"] == 1
    same = ("index", "verdict", "message", "script", "witness", "rerun")
    assert {key: second[key] for key in same} == {key: record[key] for key in same}


def test_again_where_no_program_is_to_blame() -> None:
    """A case that failed as a whole is given the same time, or as many examples, again."""
    case = next(specification()["programs/protocol"].cases())
    with Engine(load("reference")) as engine:
        assert " --profile deep --budget 2.5 --out" in again(case, engine, Effort("deep", 0, 2.5), None)
        assert " --profile gate --out" in again(case, engine, Effort("gate", 0), None)
        assert "--profile" not in again(case, engine, Effort("quick", 0), None)


def test_again_repeats_the_expectations(tmp_path: Path) -> None:
    """Another folder of expectations is named, since they say what is drawn."""
    folder = tmp_path / "known ones"
    folder.mkdir()
    terminal = Terminal(tmp_path)
    run = ("run", "--engine", MUTANT, "--select", CASE, "--out", "out", "--jobs", "1")
    assert terminal.run(*run, "--expectations", folder.name).returncode == 1
    (record,) = read_journal(tmp_path / "out" / "reference.jsonl").cases
    assert " --expectations 'known ones' --out" in record["rerun"]
    assert terminal.run(*shlex.split(record["rerun"])[1:]).returncode == 1
    (second,) = read_journal(tmp_path / "out" / "again" / "reference.jsonl").cases
    assert second["rerun"] == record["rerun"]


def test_again_names_no_expectations_of_ours(record: dict[str, Any]) -> None:
    assert "--expectations" not in record["rerun"]


def test_one_program_is_asked_in_no_time(terminal: Terminal) -> None:
    """A budget and an index contradict each other: 2."""
    done = terminal.run(
        "run", "--engine", "reference", "--profile", "deep", "--budget", "1", "--index", "3", "--out", "out/none"
    )
    assert done.returncode == 2
    assert "--index asks for one program" in done.stderr


def test_another_run_leaves_its_own(record: dict[str, Any], terminal: Terminal) -> None:
    """A run removes what an earlier one left of the same engine, and writes nothing for what passes."""
    folder = terminal.folder / "again" / "witnesses" / "reference"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text(json.dumps(record["witness"]), encoding="utf-8")
    done = terminal.run("run", "--engine", "reference", "--select", CASE, "--out", "again", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(terminal: Terminal) -> None:
    """Where witnesses cannot be written the run ends in a sentence, with 2."""
    (terminal.folder / "full").mkdir()
    (terminal.folder / "full" / "witnesses").write_text("a file\n", encoding="utf-8")
    done = terminal.run("run", "--engine", MUTANT, "--select", CASE, "--out", "full", "--jobs", "1")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_case_has_a_file_of_its_own() -> None:
    """No two cases share a file, not even where the file system ignores case; no name is odd, hidden or too long."""
    ids = [case.id for clause in specification().values() for case in clause.cases()]
    names = [file_name(case) for case in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]{1,120}\.json", name) for name in names)


@pytest.mark.parametrize("case", ["", "..", "a" * 400, "../../etc/passwd", "con", "\ud800/é\n"])
def test_a_strange_id_stays_in_its_folder(case: str, tmp_path: Path) -> None:
    """Whatever a case is called, its file is in the folder."""
    path = save(tmp_path / "here", "acme", {"case": case, "witness": {}})
    assert path.resolve().parent == (tmp_path / "here").resolve()
    assert path.exists()
    forget(tmp_path / "here")
    assert not path.exists()


def test_long_ids_do_not_meet() -> None:
    """Two long ids that begin alike have files of their own."""
    assert file_name("a" * 200 + "b") != file_name("a" * 200 + "c")
