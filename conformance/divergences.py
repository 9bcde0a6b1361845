"""What is known of released engines, as Markdown: their faults with scripts, and every divergence with its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from conformance.adapter import load
from conformance.expectations import KINDS, causes

_FAULTS: Final = """\
# Faults in released engines

The suite found {count} faults in {engines} released engines. Each has a script that shows it in the engine's own terms,
without our code; a test runs every script in its engine's environment. The versions are those of
[constraints.txt](../constraints.txt), for TensorFlow.js of its lock file. What an engine does otherwise on purpose, or says
that it lacks, is among [all divergences](divergences.md). Printed by `autograd-conformance list faults`.
"""
_DIVERGENCES: Final = """\
# Every known divergence

What released engines do otherwise than the specification, and why: {kinds}.
What an engine does not offer is declined, and not here.
Each has a script or a link, and the cases that it explains with their witnesses, in
[implementations/expectations](../implementations/expectations). Printed by `autograd-conformance list divergences`.
"""


def faults() -> str:
    """Every confirmed fault of a released engine, with the script that shows it.

    An engine that is judged in two ways, such as JAX with jit and without, has a fault of both once.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    told = set[tuple[str, str]]()
    for engine, known in causes().items():
        module = load(engine).module
        found[engine] = [it for it in known if it["kind"] == "fault" and (module, it["reason"]) not in told]
        told |= {(module, it["reason"]) for it in known}
    count, engines = sum(map(len, found.values())), sum(map(bool, found.values()))
    parts = [_FAULTS.format(count=count, engines=engines)]
    for engine, known in found.items():
        if known:
            parts.append(f"## {engine}\n")
            parts += [_fault(load(engine).language, it) for it in known]
    return "\n".join(parts).rstrip()


def _fault(language: str, cause: Mapping[str, Any]) -> str:
    lines = [f"{cause['reason']}" + (f" [Reported]({cause['link']})." if cause.get("link") else "")]
    if "script" in cause:
        lines += [f"\n```{language}\n{cause['script'].strip()}\n```\n\nIt prints `{cause['prints']}`."]
    return "\n".join([*lines, ""])


def divergences() -> str:
    """Every cause of every engine: a sentence, its kind, and how many cases it explains."""
    from reports.text import counted

    parts = [_DIVERGENCES.format(kinds="; ".join(f"*{kind}*, {meaning}" for kind, meaning in KINDS.items()))]
    for engine, known in causes().items():
        numbers = Counter(cause["kind"] for cause in known)
        said = ", ".join(f"{kind} {numbers[kind]}" for kind in KINDS if numbers[kind])
        parts.append(f"## {engine}\n\n{said}\n")
        parts += [f"- *{cause['kind']}*: {cause['reason']} ({counted(len(cause['case']), 'case')})" for cause in known]
        parts.append("")
    return "\n".join(parts).rstrip()
