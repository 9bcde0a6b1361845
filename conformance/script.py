"""A program as the script that it is in an engine's own terms."""

from __future__ import annotations

from typing import Final

from conformance import javascript
from conformance.adapter import Adapter
from conformance.agent.interpreter import Misspelt, script
from conformance.agent.lowering import NotOffered
from conformance.errors import ConformanceError, NothingSelected
from conformance.judge import Finding, show_expected
from conformance.program import Instruction, Program

# The languages that an adapter's texts may be of: what prints a program in each.
LANGUAGES: Final = {"python": script, "javascript": javascript.script}


def script_of(program: Program, adapter: Adapter, finding: Finding | None = None) -> str:
    """The script, each expectation as a remark. Of a finding it prints also what a value alone would not show.

    Raises NothingSelected when the engine does not offer what it needs, ConformanceError when a spelling cannot be filled in.
    """
    shown = {finding.at: finding.also} if finding else {}
    remarks = {
        index: (_remark(it, program.dtype, shown.get(index, "")), shown.get(index, ""))
        for index, it in program.walk()
        if it.verb == "expect"
    }
    try:
        return str(LANGUAGES[adapter.language](program.to_json(), adapter.to_json(), remarks)) + _left(adapter, finding)
    except NotOffered as missing:
        raise NothingSelected(f"{adapter.name} does not offer {missing.key}") from None
    except Misspelt as reason:
        raise ConformanceError(f"{adapter.name}: {reason}") from None


def printed(program: Program, adapter: Adapter, finding: Finding | None = None) -> str:
    """The script, or a remark that says why there is none."""
    try:
        return script_of(program, adapter, finding)
    except ConformanceError as reason:
        return f"# {reason}\n"


def _remark(it: Instruction, dtype: str, also: str) -> str:
    """What is expected; a value's own text tells its shape where its numbers do not."""
    wanted = it.options["value"]
    beside = f", {wanted.get('dtype', dtype)}" if also == "dtype" else ""
    return f"expected {show_expected(it.options['relation'], wanted)}{beside}"


def _left(adapter: Adapter, finding: Finding | None) -> str:
    """The last line of a program that left the engine's state changed: what the state is now."""
    if finding is None or finding.at is not None or finding.also not in adapter.state:
        return ""
    return f"print({adapter.state[finding.also][0]})  # expected {finding.expected}\n"
