"""The command line: a mistake is one sentence and its exit code, and a command does what its help says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import pytest

from conformance import cli
from conformance.adapter import Adapter, builtin, load
from conformance.catalogue import catalogue, lines_of
from conformance.catalogue.markdown import document
from conformance.clause import specification
from conformance.cli import parser
from conformance.commands.options import engines
from conformance.journal import Journal, read_journal
from conformance.operators import OPERATORS
from tests.fakes.command import Terminal

_ADDITION: Final = "operators/value_and_gradient[add,float64]"
_OVERWRITES: Final = """
def accumulate(leaf, cotangent):
    leaf.grad = cotangent.clone()
from implementations.reference import core
core.accumulate = accumulate
"""
_ADDS: Final = "accumulation/each_backward_adds[float64]"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A folder with journals and files that are none."""
    opened = Terminal(tmp_path_factory.mktemp("cli"))
    folder = opened.folder
    _text(folder, "overwrites.py", _OVERWRITES)
    _text(folder, "broken.py", "def (:\n")
    _text(folder, "no_adapter.py", "x = 1\n")
    _text(folder, "no_core.py", _adapter("spellings={'leaf': 'tensor({value})'}"))
    _text(folder, "odd_shape.py", _adapter("spellings=REFERENCE.spellings, shape='round'"))
    _text(folder, "raises.py", "raise RuntimeError('two\\nlines \\x1b[31m')\n")
    _text(folder, "empty.jsonl", "")
    _text(folder, "text.jsonl", "hello\n")
    _text(folder, "number.jsonl", "1\n")
    _text(folder, "list.jsonl", "[]\n[]\n")
    _text(folder, "odd.jsonl", '{"record": ["header"]}\n')
    _text(folder, "nested.jsonl", "[" * 100_000 + "\n{}\n")
    _text(folder, "nothing.json", '{"schema": 1, "dtype": "float64", "instructions": []}')
    (folder / "binary.jsonl").write_bytes(b"\xff\xfe\x00\x01")
    done = opened.run("run", "--engine", "reference", "--select", _ADDITION, "--out", "good", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    lines = (folder / "good" / "reference.jsonl").read_text(encoding="ascii").splitlines(keepends=True)
    _text(folder, "odd_header.jsonl", json.dumps({**json.loads(lines[0]), "engine": "torch"}) + "\n")
    _text(folder, "odd_case.jsonl", lines[0] + json.dumps({**json.loads(lines[1]), "verdict": ["pass"]}) + "\n")
    _text(folder, "odd_footer.jsonl", "".join(lines[:-1]) + '{"record":"footer","counts":3}\n')
    _text(folder, "no_footer.jsonl", "".join(lines[:-1]))
    _text(folder, "cut.jsonl", "".join(lines)[:-20])
    _text(folder, "header.jsonl", lines[0][:-20])
    return opened


def _text(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def _adapter(fields: str) -> str:
    return (
        "from conformance.adapter import Adapter\n"
        "from implementations.reference_eager import ADAPTER as REFERENCE\n"
        f"ADAPTER = Adapter(name='own', module='own', prelude='', version='1', {fields})\n"
    )


# --- mistakes: the words of a command, its exit code, and a pattern of its one sentence

_RUN: Final = ("run", "--select", _ADDITION, "--out", "mistake", "--engine")
_UNREADABLE: Final = {
    "missing.jsonl": "cannot read the journal missing.jsonl: .*No such file",
    ".": "cannot read the journal .: .*Is a directory",
    "binary.jsonl": "cannot read the journal binary.jsonl",
    "empty.jsonl": "empty.jsonl is not a journal",
    "text.jsonl": "text.jsonl, line 1: not JSON; is this a journal?",
    "number.jsonl": "number.jsonl, line 1: not a record",
    "list.jsonl": "list.jsonl, line 1: not a record",
    "nested.jsonl": "nested.jsonl, line 1: not JSON",
    "odd.jsonl": "odd.jsonl is not a journal of schema 1",
    "odd_header.jsonl": "odd_header.jsonl, line 1: the header lacks engine",
    "odd_case.jsonl": "odd_case.jsonl, line 2: the case lacks verdict",
    "odd_footer.jsonl": "odd_footer.jsonl, line 3: the footer lacks counts",
    "header.jsonl": "header.jsonl, line 1: not JSON",
}
_MISTAKES: Final[dict[str, tuple[tuple[str, ...], int, str]]] = {
    "unknown engine": ((*_RUN, "torhc"), 2, "there is no engine 'torhc'; there are .*reference"),
    "missing adapter file": ((*_RUN, "nowhere.py"), 2, "there is no adapter nowhere.py: no such file"),
    "unknown key": ((*_RUN, "reference,pach=x"), 2, "there is no key 'pach'; there are patch and mutant"),
    "missing patch": ((*_RUN, "reference,patch=nowhere.py"), 2, "cannot read the patch nowhere.py"),
    "unknown mutant": ((*_RUN, "reference,mutant=x"), 2, "reference has no mutant 'x'; it has "),
    "no patch named": ((*_RUN, "reference,patch"), 2, "cannot read the patch"),
    "one name twice": (
        (*_RUN, "reference", "--engine=reference,patch=overwrites.py"),
        2,
        "called 'reference'",
    ),
    "adapter with a syntax error": (
        (*_RUN, "broken.py"),
        4,
        "adapter broken.py cannot be loaded: SyntaxError",
    ),
    "adapter that raises": (
        (*_RUN, "raises.py"),
        4,
        r"cannot be loaded: RuntimeError: two\\nlines \\x1b\[31m",
    ),
    "file without ADAPTER": ((*_RUN, "no_adapter.py"), 4, "no_adapter.py defines no ADAPTER"),
    "adapter without the core": (
        (*_RUN, "no_core.py"),
        4,
        "'own' must spell the core, but lacks constant, value",
    ),
    "adapter of no known shape": ((*_RUN, "odd_shape.py"), 4, "'own' has the shape 'round'; there are eager"),
    "missing interpreter": (
        (*_RUN, "reference", "--python", "nope"),
        2,
        "nope: there is no such interpreter",
    ),
    "nothing selected": (
        ("run", "--engine", "reference", "--select", "nothing/*"),
        5,
        r"no case matches nothing/\*",
    ),
    "out below a file": (
        (*_RUN, "reference", "--out", "empty.jsonl/x"),
        2,
        "cannot write empty.jsonl/x",
    ),
    "page below a file": ((*_RUN, "reference", "--html", "empty.jsonl/x"), 2, "cannot write empty.jsonl/x"),
    "no processes": (
        (*_RUN, "reference", "--jobs", "0"),
        2,
        "argument --jobs: '0' is no number of processes",
    ),
    "shard beyond the last": (
        (*_RUN, "reference", "--shard", "3/2"),
        2,
        "argument --shard: '3/2' is no shard",
    ),
    "shard of nothing": ((*_RUN, "reference", "--shard", "1/0"), 2, "argument --shard: '1/0' is no shard"),
    "seed that is no number": (
        (*_RUN, "reference", "--seed", "x"),
        2,
        "argument --seed: invalid int value: 'x'",
    ),
    "no time": ((*_RUN, "reference", "--timeout", "0"), 2, "argument --timeout: '0' is no number of seconds"),
    "time that is no number": (
        (*_RUN, "reference", "--timeout", "nan"),
        2,
        "argument --timeout: 'nan' is no number of seconds",
    ),
    "endless time": ((*_RUN, "reference", "--timeout", "inf"), 2, "argument --timeout: 'inf' is no number of seconds"),
    "unknown profile": (
        (*_RUN, "reference", "--profile", "slow"),
        2,
        "argument --profile: invalid choice: 'slow'",
    ),
    "unknown command": (("judge",), 2, "invalid choice: 'judge'"),
    "no command": ((), 2, "the following arguments are required: COMMAND"),
    "gate without a journal": (("gate",), 2, "the following arguments are required: JOURNAL"),
    "list of something else": (("list", "bugs"), 2, "invalid choice: 'bugs'"),
    "explain of an unknown clause": (("explain", "hooks/nothing"), 5, "there is no clause 'hooks/nothing'"),
    "doctor of an unknown engine": (("doctor", "torhc"), 2, "there is no engine 'torhc'"),
    "mutants of nothing": (("mutants", "--select", "nothing"), 5, "no clause matches nothing"),
    "missing witness": (
        ("replay", "nowhere.json", "--engine=reference"),
        2,
        "cannot read the witness nowhere.json",
    ),
    "witness that is no JSON": (
        ("replay", "text.jsonl", "--engine=reference"),
        2,
        "cannot read the witness text.jsonl",
    ),
    "witness that is a number": (
        ("replay", "number.jsonl", "--engine=reference"),
        2,
        "number.jsonl holds no witness",
    ),
    "witness of another kind": (
        ("replay", "odd.jsonl", "--engine=reference"),
        2,
        "holds no witness: this is not a program",
    ),
    "witness of nothing": (
        ("replay", "nothing.json", "--engine=reference"),
        2,
        "nothing.json holds no witness",
    ),
    **{f"gate {name}": (("gate", name), 2, text) for name, text in _UNREADABLE.items()},
    **{f"report {name}": (("report", name), 2, text) for name, text in _UNREADABLE.items()},
}


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_a_mistake_is_one_sentence(mistake: str, terminal: Terminal) -> None:
    """A mistake ends with its exit code and one sentence on stderr, which says what was wrong and where."""
    words, code, pattern = _MISTAKES[mistake]
    done = terminal.run(*words)
    said = [line for line in done.stderr.splitlines() if not line.startswith(("usage: ", "  ", "wrote "))]
    assert done.returncode == code, done.stderr
    assert len(said) == 1, done.stderr
    assert said[0].startswith("autograd-conformance")
    assert said[0].isprintable()
    assert re.search(pattern, said[0])


def test_an_engine_that_the_interpreter_lacks(terminal: Terminal) -> None:
    """An engine that the environment of --python lacks did not load: 4, and the module's name, once."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", terminal.folder / "bare"], check=True)
    interpreter = terminal.folder / "bare" / "bin" / "python"
    done = terminal.run(*_RUN, "autograd", "--python", interpreter, "--jobs", "2")
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "autograd-conformance: autograd did not load: ModuleNotFoundError: No module named 'autograd'; "
        "install it by: pip install -c constraints.txt -e '.[autograd]', or name an interpreter that has it by --python"
    ]


def test_engines_that_are_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --engine those that are installed are judged; the others are named with the command that installs them."""
    monkeypatch.setattr(Adapter, "installed", lambda it: it.name not in {"paddle", "tinygrad", "tfjs"})
    slow = [name for name in builtin() if load(name).by_name]
    judged = engines(Namespace(engine=None))
    assert judged == tuple(name for name in builtin() if name not in {"paddle", "tinygrad", "tfjs", *slow})
    assert capsys.readouterr().err.splitlines() == [
        f"engines: {', '.join(judged)}",
        f"only by --engine, since they take minutes: {', '.join(slow)}",
        "not installed: paddle, tinygrad (pip install -c constraints.txt -e '.[paddle,tinygrad]')",
        "not installed: tfjs (npm ci --prefix implementations/tfjs)",
    ]
    monkeypatch.setattr(Adapter, "installed", lambda _: True)
    assert engines(Namespace(engine=None)) == tuple(name for name in builtin() if name not in slow)
    assert "not installed" not in capsys.readouterr().err


def test_every_engine_can_be_installed_as_it_is_said() -> None:
    """Each engine in Python that is not ours has an extra of its name; each other one a package of npm's."""
    root = Path(cli.__file__).parents[1]
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for name in builtin().keys() - {"reference", "kernels"}:
        foreign = load(name).language == "javascript"
        assert (root / "implementations" / name / "package-lock.json").is_file() if foreign else name in extras, name


@pytest.mark.parametrize("row", ["'exp': '{z}.exp()'", "'sin': '{a}.sin('"])
def test_an_adapter_with_a_spelling_that_cannot_be_filled_in(row: str, terminal: Terminal) -> None:
    """A wrong row of an adapter's table is refused when it is loaded, by the name of its key: exit 4."""
    imports = "from dataclasses import replace\nfrom implementations.reference_eager import ADAPTER as REFERENCE\n"
    spelled = f"ADAPTER = replace(REFERENCE, spellings={{**REFERENCE.spellings, {row}}})"
    _text(terminal.folder, "typo.py", f"{imports}{spelled}\n")
    done = terminal.run("run", "--engine", "typo.py", "--select=operators/*", "--out", "typo")
    assert done.returncode == 4
    assert row[1:4] in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("name", ["no_footer.jsonl", "cut.jsonl"])
@pytest.mark.parametrize("command", ["gate", "report"])
def test_a_journal_that_was_cut_off_is_incomplete(command: str, name: str, terminal: Terminal) -> None:
    """A journal without its last line can be read, and ends with 6: it cannot pass for a whole one."""
    done = terminal.run(command, name)
    assert done.returncode == 6
    assert "incomplete" in done.stdout
    assert done.stderr == ""


# --- what the commands do


@pytest.mark.parametrize("name", ["run", "gate", "report", "list", "explain", "doctor", "mutants", "replay"])
def test_help_mentions_every_option(name: str, terminal: Terminal) -> None:
    """`--help` of a command names each of its options, and says something about those that are not plain."""
    commands: Any = next(action for action in parser()._actions if action.choices)
    chosen = commands.choices[name]
    done = terminal.run(name, "--help")
    assert done.returncode == 0
    for action in chosen._actions:
        assert all(option in done.stdout for option in action.option_strings)
        assert (action.metavar or "") in done.stdout
    assert name in parser().format_help()


def test_help_explains_the_exit_codes(terminal: Terminal) -> None:
    """`--help` lists every exit code, and `--version` is one line."""
    printed = terminal.run("--help").stdout
    assert all(re.search(rf"\b{code}  \w", printed) for code in (0, 1, 2, 3, 4, 5, 6))
    assert re.fullmatch(r"autograd-conformance \d+\.\d+\S*\n", terminal.run("--version").stdout)


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("clauses", tuple(specification())),
        ("lines", tuple(catalogue())),
        ("engines", tuple(builtin())),
        ("operators", tuple(OPERATORS)),
        ("capabilities", ("leaf", "backward", "no_grad", "retain_grad")),
    ],
)
def test_list_has_a_row_for_each(what: str, names: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """`list` prints a header and a row for each clause, line of the catalogue, engine, operator or capability."""
    assert cli.main(["list", what]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.isupper()
    assert {row.split()[0] for row in rows} >= set(names)


def test_list_prints_the_specification(capsys: pytest.CaptureFixture[str]) -> None:
    """`list specification` prints the page of Markdown."""
    assert cli.main(["list", "specification"]) == 0
    assert capsys.readouterr().out == f"{document()}\n"


def test_explain_prints_a_clause_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain` prints the sentence, the level, the mutant and the cases of a clause, and its lines with their sources."""
    assert cli.main(["explain", "accumulation/each_backward_adds"]) == 0
    printed = capsys.readouterr().out
    clause = specification()["accumulation/each_backward_adds"]
    assert clause.mutant is not None
    assert all(text in printed for text in (clause.id, clause.sentence, clause.level, clause.mutant))
    assert "[float64], [float32]" in printed
    lines = lines_of(clause.id)
    assert lines
    assert all(text in printed for it in lines for text in (it.id, it.sentence, it.document, it.normative))


def test_explain_prints_a_line_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain` prints the sentence, the level, the sources and the clauses of a line of the catalogue; a glob prints several."""
    assert cli.main(["explain", "REQ-03"]) == 0
    printed = capsys.readouterr().out
    it = catalogue()["REQ-03"]
    assert all(text in printed for text in (it.sentence, it.level, it.document, it.normative, *it.needs, *it.clauses))
    assert all(specification()[name].sentence in printed for name in it.clauses)
    assert cli.main(["explain", "ERR-0*"]) == 0
    printed = capsys.readouterr().out
    assert {name for name in catalogue() if f"{name}\n" in printed} == {
        name for name in catalogue() if name[:5] == "ERR-0"
    }
    assert catalogue()["ERR-01"].untested in printed


def test_explain_takes_a_glob(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain` with a glob prints every clause that matches, and no other."""
    assert cli.main(["explain", "hooks/*"]) == 0
    printed = capsys.readouterr().out
    assert {name for name in specification() if f"{name}\n" in printed} == {
        name for name in specification() if name.startswith("hooks/")
    }


def test_doctor_says_that_an_engine_can_be_judged(terminal: Terminal) -> None:
    """`doctor` prints the versions, the foundations one by one, what is declined, and its conclusion."""
    done = terminal.run("doctor", "reference")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:7]] == [
        "adapter", "engine", "leaf", "mul", "add", "sum", "gradients",
    ]  # fmt: skip
    assert lines[-1] == "the engine can be judged"


def test_doctor_finds_a_broken_foundation(terminal: Terminal) -> None:
    """When sum or mul are wrong, `doctor` says that nothing else can be judged, with exit code 1."""
    done = terminal.run("doctor", "reference,mutant=mul_counts_one_use")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "sum and mul must work before anything else can be judged"


def test_gate_prints_its_reasons(terminal: Terminal) -> None:
    """`gate` says that a journal conforms, with 0."""
    done = terminal.run("gate", "good/reference.jsonl")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "reference conforms")
    assert done.stdout.startswith("reference: only 1 of ")


def test_report_writes_page_and_junit(terminal: Terminal) -> None:
    """`report` renders a journal again: the same page and JUnit as the run wrote."""
    folder = terminal.folder
    done = terminal.run("report", "good/reference.jsonl", "--html", "again/page.html", "--junit", "again/junit.xml")
    assert done.returncode == 0
    for old, new in (("report.html", "page.html"), ("junit.xml", "junit.xml")):
        assert (folder / "good" / old).read_bytes() == (folder / "again" / new).read_bytes()


def test_a_terminal_that_knows_only_ascii(terminal: Terminal) -> None:
    """What the terminal's encoding lacks is printed as an escape, not as a traceback."""
    done = subprocess.run(
        terminal.command("report", "good/reference.jsonl"),
        cwd=terminal.folder,
        env={**terminal.environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        encoding="ascii",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u2013 every case declined" in done.stdout


# --- replay


@pytest.fixture(scope="module")
def fault(terminal: Terminal) -> dict[str, Any]:
    """The record of a fault that a patched engine has, and its file."""
    spec = "reference,patch=overwrites.py"
    done = terminal.run("run", "--engine", spec, "--select", _ADDS, "--out", "patched", "--jobs", "1")
    assert done.returncode == 1, done.stderr
    (record,) = read_journal(terminal.folder / "patched" / "reference.jsonl").cases
    _text(terminal.folder, "record.json", json.dumps(record))
    _text(terminal.folder, "witness.json", json.dumps(record["witness"]))
    return dict(record)


@pytest.mark.parametrize("name", ["record.json", "witness.json"])
def test_replay_reproduces_a_fault(name: str, fault: dict[str, Any], terminal: Terminal) -> None:
    """`replay` of a record, or of its witness alone, shows the script and the same fault: exit 1."""
    done = terminal.run("replay", name, "--engine", "reference,patch=overwrites.py")
    assert done.returncode == 1, done.stderr
    assert f"fail: {fault['message']}" in done.stdout
    assert f"expected {fault['expected']}    got {fault['got']}" in done.stdout
    assert ".backward()" in done.stdout


def test_replay_passes_on_the_right_engine(fault: dict[str, Any], terminal: Terminal) -> None:
    """`replay` of the same witness on an engine without the fault passes, with 0."""
    assert fault["verdict"] == "fail"
    done = terminal.run("replay", "witness.json", "--engine", "reference")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "pass: every expectation of the witness holds"


def test_replay_of_a_crash(fault: dict[str, Any], terminal: Terminal) -> None:
    """`replay` survives an engine that ends its process, and names the instruction."""
    assert fault["verdict"] == "fail"
    _text(terminal.folder, "ends.py", _ENDS)
    done = terminal.run("replay", "witness.json", "--engine", "reference,patch=ends.py")
    assert done.returncode == 1
    assert "crash: the engine's process exited with code 9, in backward" in done.stdout


def test_replay_prints_no_control_characters(fault: dict[str, Any], terminal: Terminal) -> None:
    """What an engine says in a replay is printed visibly: it commands no terminal and breaks no encoding."""
    assert fault["verdict"] == "fail"
    _text(terminal.folder, "colours.py", _COLOURS)
    done = terminal.run("replay", "witness.json", "--engine", "reference,patch=colours.py")
    assert done.returncode == 3
    assert r"RuntimeError: \x1b[31m\x00\ud800" in done.stdout
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


def test_replay_of_a_program_that_cannot_be_spelled(terminal: Terminal) -> None:
    """A witness that was edited into nonsense is an `error`, with 3, and no traceback."""
    nonsense = {"verb": "apply", "out": ["y"], "args": [], "options": {}, "body": []}
    _text(
        terminal.folder,
        "nonsense.json",
        json.dumps({"schema": 1, "dtype": "float64", "instructions": [nonsense]}),
    )
    done = terminal.run("replay", "nonsense.json", "--engine", "reference")
    assert done.returncode == 3
    assert "a spelling cannot be filled in: KeyError: 'operator'" in done.stdout
    assert "Traceback" not in done.stderr


_COLOURS: Final = """
from implementations.reference import core
def sweep(*arguments):
    raise RuntimeError("\\x1b[31m\\0\\ud800")
core.sweep = sweep
"""
_ENDS: Final = """
import os
from implementations.reference import core
core.sweep = lambda *arguments: os._exit(9)
"""


# --- one run, cut in several ways


@pytest.fixture(scope="module")
def whole(terminal: Terminal) -> Journal:
    return _journal(terminal, "whole", "--jobs", "1")


def _journal(terminal: Terminal, out: str, *options: str) -> Journal:
    chosen = ("--select", "zeroing/*", "--select", "vjp/*", "--select", "accumulation/*")
    done = terminal.run("run", "--engine", "reference,patch=overwrites.py", *chosen, "--out", out, *options)
    assert done.returncode == 1, done.stderr
    return read_journal(terminal.folder / out / "reference.jsonl")


def _verdicts(*journals: Journal) -> list[tuple[str, str]]:
    return sorted((record["case"], record["verdict"]) for journal in journals for record in journal.cases)


def test_two_jobs_judge_as_one(whole: Journal, terminal: Terminal) -> None:
    """Two processes judge the same cases as one, each once, with the same verdicts, in one journal."""
    journal = _journal(terminal, "jobs", "--jobs", "2")
    assert journal.complete
    assert _verdicts(journal) == _verdicts(whole)
    assert len(set(_verdicts(whole))) == whole.header["selected"]


def test_two_shards_judge_as_one(whole: Journal, terminal: Terminal) -> None:
    """Two shards judge the same cases as one run, each once, with the same verdicts."""
    parts = [_journal(terminal, f"shard{i}", "--shard", f"{i}/2") for i in (1, 2)]
    assert all(part.complete and part.cases for part in parts)
    assert _verdicts(*parts) == _verdicts(whole)


def test_a_seed_decides_the_witness(whole: Journal, terminal: Terminal) -> None:
    """The same seed gives the same witness, whatever the number of jobs."""
    again = _journal(terminal, "again2", "--jobs", "2", "--seed", "0")
    witnesses = [{r["case"]: r["witness"] for r in journal.cases if "witness" in r} for journal in (whole, again)]
    assert witnesses[0]
    assert witnesses[0] == witnesses[1]


# --- the package


def test_importing_the_package_loads_nothing_heavy(terminal: Terminal) -> None:
    """`import conformance` loads no engine and no numpy; the built-in adapters load no engine either."""
    code = """
import sys
import conformance
print(sorted(sys.modules.keys() & HEAVY))
from conformance.adapter import builtin, load
for name in builtin():
    load(name)
print(sorted(sys.modules.keys() & HEAVY))
""".replace(
        "HEAVY",
        "{'numpy', 'torch', 'jax', 'tensorflow', 'autograd', 'mygrad', 'micrograd', 'hypothesis', 'flint'}",
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=terminal.environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_an_engine_that_takes_minutes_is_asked_by_name_alone() -> None:
    """A run that names it has it."""
    assert load("torchcompile").by_name
    assert engines(Namespace(engine=["torchcompile"])) == ("torchcompile",)


@pytest.mark.parametrize(("seconds", "lines"), [(0.0, 2), (60.0, 0)])
def test_a_log_has_a_line_of_progress_now_and_then(
    seconds: float, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads a log of a long run sees how far it is."""
    monkeypatch.setattr("conformance.commands.run._LOG_SECONDS", seconds)
    assert cli.main(["run", "--engine", "reference", "--select", "zeroing/zero_clears*", "--out", str(tmp_path)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("[")]
    assert len(told) == lines
    assert all(re.fullmatch(r"\[[12]/2\] reference  zeroing/zero_clears\[float(32|64)\]  pass", line) for line in told)
