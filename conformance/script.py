"""A program as the script that it is in an engine's own terms."""

from __future__ import annotations

import ast
import re
from typing import Final

from conformance import javascript
from conformance.adapter import Adapter
from conformance.agent.lowering import Misspelt, NotOffered
from conformance.agent.printing import script
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
        text = str(LANGUAGES[adapter.language](program.to_json(), adapter.to_json(), remarks)) + _left(adapter, finding)
        return needed(text, adapter.module) if adapter.language == "python" else text
    except NotOffered as missing:
        raise NothingSelected(f"{adapter.name} does not offer {missing.key}") from None
    except Misspelt as reason:
        raise ConformanceError(f"{adapter.name}: {reason}") from None


def needed(script: str, module: str) -> str:
    """A script without the imports and the functions at its top level whose names nothing in it uses.

    An adapter's prelude serves every program; a reader wants what this one needs. What may do something by being there stays:
    the import of the engine's `module`, and a decorated function. A script that is no Python stays as it is.
    """
    try:
        statements = ast.parse(script).body
    except SyntaxError:
        return script
    used, lines = set[str](), script.splitlines(keepends=True)
    for statement in reversed(statements):
        names = _bound(statement, module)
        if names and used.isdisjoint(names):
            del lines[statement.lineno - 1 : statement.end_lineno]
        else:
            used |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return re.sub(r"\n{3,}", "\n\n", "".join(lines)).lstrip("\n")


def _bound(statement: ast.stmt, module: str) -> set[str]:
    """The names of a statement that does nothing else than to bind them."""
    if isinstance(statement, ast.Import) and module in [alias.name for alias in statement.names]:
        return set()
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    return {statement.name} if isinstance(statement, ast.FunctionDef) and not statement.decorator_list else set()


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
