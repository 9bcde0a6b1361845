"""Faults patched into real torch from outside are found, by the clause whose sentence describes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.gate import settle
from conformance.journal import read_journal

ROOT = Path(__file__).resolve().parent.parent
FAULTS = {
    "backward_overwrites": "accumulation/each_backward_adds",
    "hook_removal_does_nothing": "hooks/removed_hook_is_not_called",
    "hook_replacement_ignored": "hooks/replacement_flows_on",
    "no_grad_leaks_after_an_exception": "no_grad/an_exception_restores_the_mode",
    "square_counts_one_use": "accumulation/several_uses_sum",
    "detach_keeps_the_graph": "detach/detached_is_a_constant",
    "cotangent_ignored": "vjp/backward_contracts_with_the_cotangent",
}

pytest.importorskip("torch", reason="the extra `torch` is not installed")


def test_every_fault_is_in_the_table() -> None:
    """No file of tests/faults is left untried."""
    assert sorted(FAULTS) == sorted(path.stem for path in (ROOT / "tests" / "faults").glob("*.py"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_torch_is_found(fault: str, tmp_path: Path) -> None:
    """`run --engine torch` with a fault ends with exit code 1, and the clause that describes the fault is red as `fail`.

    Only the chapter of that clause is asked, for time.
    """
    patch = ROOT / "tests" / "faults" / f"{fault}.py"
    command = [sys.executable, "-m", "conformance", "run", "--engine", f"torch,patch={patch}", "--out", str(tmp_path)]
    command.append(f"--select={FAULTS[fault].split('/')[0]}/*")
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert completed.returncode == 1, completed.stdout + completed.stderr
    failed = {
        item.record["clause"] for item in settle(read_journal(tmp_path / "torch.jsonl")) if item.verdict == "fail"
    }
    assert FAULTS[fault] in failed, completed.stdout
