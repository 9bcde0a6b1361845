"""The answer as JUnit XML, for the pages of a CI service: one suite an engine, one test case a case."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from conformance.gate import Settled
from conformance.journal import Journal
from conformance.verdict import VERDICTS
from reports.evidence import comparison, contradiction, explanation, gist, origin
from reports.summary import Run, runs
from reports.text import one_line, visible

# An <error> is a case without an answer to judge: the process was lost, nothing was compared, or adapter or suite is at fault.
_ERRORS: Final = frozenset({"error", "vacuous", "crash", "timeout"})
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render(journals: Sequence[Journal]) -> str:
    """The JUnit XML of `journals`; valid XML 1.0 whatever text an engine made.

    What stands against expectation is a <failure> or an <error>; declined, blocked, undecided and expected
    cases are <skipped>.
    An incomplete journal, or a chapter that the suite cannot decide, is an <error> of its own.
    """
    root = ET.Element("testsuites", name="autograd-conformance")
    for run in runs(journals):
        root.append(_suite(run))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return _DECLARATION + ET.tostring(root, encoding="unicode") + "\n"


def _suite(run: Run) -> ET.Element:
    cases = [_case(run, item) for item in run.settled] + [_whole_run(run, reason) for reason in run.reasons]
    seconds = sum(float(item.record["seconds"]) for item in run.settled)
    suite = ET.Element("testsuite", name=run.label, tests=str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{seconds:.3f}")
    suite.set("timestamp", one_line(str(run.journal.header["started"])))
    suite.append(_properties(run))
    suite.extend(cases)
    return suite


def _properties(run: Run) -> ET.Element:
    header = run.journal.header
    facts = {
        "seed": header["seed"],
        "profile": header["profile"],
        "platform": header["platform"],
        "command": header.get("command"),
        **{f"suite.{key}": header["suite"].get(key) for key in ("version", "digest")},
        **{f"engine.{key}": header["engine"].get(key) for key in ("name", "version", "python")},
    }
    properties = ET.Element("properties")
    for name, value in facts.items():
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=one_line(str(value)))
    return properties


def _case(run: Run, item: Settled) -> ET.Element:
    name = item.case.removeprefix(f"{item.chapter}/")
    case = ET.Element("testcase", classname=_class(run, item.chapter), name=one_line(name))
    case.set("time", f"{float(item.record['seconds']):.3f}")
    if item.surprise:
        tag = "error" if item.verdict in _ERRORS else "failure"
        message = contradiction(item) or gist(item)
        problem = ET.SubElement(case, tag, type=item.verdict, message=one_line(message))
        problem.text = visible(_account(run, item))
    elif item.verdict != "pass":
        ET.SubElement(case, "skipped", message=one_line(_excuse(run, item)))
    return case


def _class(run: Run, chapter: str) -> str:
    # Services split a class name at its dots, so the engine's version is left to the suite's name.
    return one_line(f"{run.journal.engine.replace('.', '_')}.{chapter}")


def _account(run: Run, item: Settled) -> str:
    compared, source = comparison(item), run.clause(item).get("source")
    facts = [("expected", compared.wanted), ("got", compared.got), ("method", compared.method)] if compared else []
    facts += [(label, str(item.record.get(label) or "")) for label in ("script", "rerun")]
    sentences = [text for text in (*explanation(run, item), origin(run, item).sentence) if text]
    lines = [*sentences, *(f"{label}: {_block(text)}" for label, text in facts if text)]
    return "\n".join([*lines, f"source: {source}"] if source else lines)


def _block(text: str) -> str:
    stripped = text.rstrip("\n")
    return "\n" + "\n".join(f"    {line}" for line in stripped.split("\n")) if "\n" in stripped else stripped


def _excuse(run: Run, item: Settled) -> str:
    if item.expected:
        return f"{item.verdict}, as expected: {item.expected['reason']}"
    if causes := run.causes.get(item.case):
        return f"blocked by {', '.join(causes)}"
    detail = item.record.get("declined") if item.verdict == "declined" else item.record["message"]
    return f"{item.verdict}: {detail or VERDICTS[item.verdict].meaning}"


def _whole_run(run: Run, reason: str) -> ET.Element:
    case = ET.Element("testcase", classname=_class(run, "journal"), name=one_line(reason), time="0.000")
    ET.SubElement(case, "error", type="journal", message=one_line(reason))
    return case
