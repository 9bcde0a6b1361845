"""Mechanical mutation of our engines with the specification as the test; `python tests/mutation/mutate.py kernels` runs it.

Cosmic Ray makes the mutants and runs the clauses on each, in copies of the checkout. What survives is compared with
`equivalent.toml`, the mutants that nobody could tell from the engine, each with the reason.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CLAUSES = "conformance/clauses"
SKIPPED = WorkResult(WorkerOutcome.SKIPPED)

# Operators on the bits of integers: the engines have floats, which refuse them in the first program that comes along.
TRIVIAL = ("LShift", "RShift", "BitAnd", "BitOr", "BitXor")


def main() -> int:
    """Mutates one engine; 0 when at least nine in ten of its mutants that are not equivalent are killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("engine", choices=("reference", "kernels"))
    parser.add_argument("--jobs", type=int, default=2, help="how many copies work at the same time (2)")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th mutant, for a glance (1: all)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "out" / "mutation", help="where the copies go (out/mutation)"
    )
    options = parser.parse_args()
    copies = [copied(options.engine, options.out / f"{options.engine}-{job}") for job in range(options.jobs)]
    for job, copy in enumerate(copies):
        shared_out(copy, job * options.every, options.jobs * options.every)
    executed(copies)
    return reported(options.engine, copies)


def copied(engine: str, copy: Path) -> Path:
    """A copy of our packages, with a session of every mutant of the engine."""
    shutil.rmtree(copy, ignore_errors=True)
    for package in ("conformance", "implementations", "reports"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "-c", f"{CLAUSES}/pytest.ini", "-x", "-q"]
    command += [f"{CLAUSES}/test_documents.py", CLAUSES]  # the documents first: they see most of what can be wrong
    command += ["--engine", engine, "--timeout", "5"]
    (copy / "mutation.toml").write_text(
        f'[cosmic-ray]\nmodule-path = ["implementations/{engine}"]\ntimeout = 120.0\nexcluded-modules = []\n'
        f'test-command = "{" ".join(command)}"\n[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    subprocess.run(cosmic_ray("init"), cwd=copy, check=True)
    return copy


def cosmic_ray(command: str) -> list[str]:
    """A command of Cosmic Ray on a copy's session."""
    return [sys.executable, "-m", "cosmic_ray.cli", command, "mutation.toml", "mutation.sqlite"]


def shared_out(copy: Path, offset: int, step: int) -> None:
    """Leaves a copy every step-th mutant, without those that change no code that runs."""
    with use_db(copy / "mutation.sqlite", WorkDB.Mode.open) as session:
        items = [item for item in session.work_items if meant(item, copy)]
        chosen = {item.job_id for item in items[offset::step]}
        for item in session.work_items:
            if item.job_id not in chosen:
                session.set_result(item.job_id, SKIPPED)


def meant(item: WorkItem, copy: Path) -> bool:
    """Whether a mutant changes code that runs, and not in a way that the first program shows."""
    [mutation] = item.mutations
    operator = mutation.operator_name
    if operator.startswith("core/ReplaceBinaryOperator") and operator.endswith(TRIVIAL):
        return False
    source = (copy / mutation.module_path).read_text(encoding="utf-8")
    return not any(start <= mutation.start_pos and mutation.end_pos <= end for start, end in idle(source))


def idle(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations stand, and imports for type checkers: nothing there is executed."""
    for node in ast.walk(ast.parse(source)):
        parts: Sequence[ast.AST | None] = ()
        if isinstance(node, ast.FunctionDef):
            parts = (node.returns,)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            parts = (node.annotation,)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            parts = (node.test, *node.body)
        for part in parts:
            if isinstance(part, ast.expr | ast.stmt):
                assert part.end_lineno is not None
                assert part.end_col_offset is not None
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def executed(copies: Sequence[Path]) -> None:
    """Runs the specification on every mutant that was left, and shows how far it is."""
    workers = [subprocess.Popen(cosmic_ray("exec"), cwd=copy) for copy in copies]
    try:
        while any(worker.poll() is None for worker in workers):
            time.sleep(5)
            pending = sum(len(list(results(copy, pending=True))) for copy in copies)
            print(f"\r{pending} mutants to go ", end="", file=sys.stderr, flush=True)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def results(copy: Path, pending: bool = False) -> Iterator[Any]:
    """A copy's pending mutants, or those that were tried with what came of it."""
    with use_db(copy / "mutation.sqlite", WorkDB.Mode.open) as session:
        if pending:
            yield from session.pending_work_items
        else:
            yield from ((i, r) for i, r in session.completed_work_items if r.worker_outcome != WorkerOutcome.SKIPPED)


def reported(engine: str, copies: Sequence[Path]) -> int:
    """Prints the figures, and each survivor with the reason when it is known to be equivalent."""
    known = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8")).get(engine, [])
    tried = [(item, result) for copy in copies for item, result in results(copy)]
    survivors = sorted((place(item), item, result) for item, result in tried if not result.is_killed)
    equivalent = 0
    for where, item, result in survivors:
        change = changed(result.diff)
        reasons = [row["reason"] for row in known if row["line"] in change and row["operator"] in operator(item)]
        equivalent += bool(reasons)
        print(f"{'equivalent' if reasons else 'SURVIVED  '}  {where}  {operator(item)}\n{change}")
        print(*reasons, sep="\n")
    lasting, counted = len(survivors) - equivalent, len(tried) - equivalent
    share = (counted - lasting) / max(counted, 1)
    print(f"{engine}: {len(tried)} mutants, {equivalent} equivalent; of the other {counted} killed {share:.1%}")
    return 0 if share >= 0.9 else 1


def place(item: WorkItem) -> str:
    """Where a mutant differs."""
    [mutation] = item.mutations
    return f"{mutation.module_path}:{mutation.start_pos[0]:03}"


def operator(item: WorkItem) -> str:
    """What Cosmic Ray calls the change."""
    name: str = item.mutations[0].operator_name
    return name.removeprefix("core/")


def changed(diff: str) -> str:
    """The lines that a mutant takes away and puts in."""
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
