"""A program as the script that it is in an engine's own terms."""

from __future__ import annotations

from conformance.adapter import Adapter
from conformance.agent.interpreter import Misspelt, script
from conformance.agent.lowering import NotOffered
from conformance.errors import ConformanceError, NothingSelected
from conformance.judge import show_expected
from conformance.program import Program


def script_of(program: Program, adapter: Adapter) -> str:
    """The script, each expectation as a remark.

    Raises NothingSelected when the engine does not offer what it needs, ConformanceError when a spelling cannot be filled in.
    """
    remarks = {
        index: "expected " + show_expected(it.options["relation"], it.options["value"])
        for index, it in program.walk()
        if it.verb == "expect"
    }
    try:
        return str(script(program.to_json(), adapter.to_json(), remarks))
    except NotOffered as missing:
        raise NothingSelected(f"{adapter.name} does not offer {missing.key}") from None
    except Misspelt as reason:
        raise ConformanceError(f"{adapter.name}: {reason}") from None


def printed(program: Program, adapter: Adapter) -> str:
    """The script, or a remark that says why there is none."""
    try:
        return script_of(program, adapter)
    except ConformanceError as reason:
        return f"# {reason}\n"
