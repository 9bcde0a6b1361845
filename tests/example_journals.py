"""Journals built by hand: small ones for one rule each, and `showcase`, eight engines over forty clauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.journal import Journal
from tests.example_clauses import CLAUSES

_SCRIPT: Final = """import {name}
x = {name}.tensor([1., 2.], requires_grad=True)
(x * x).sum().backward()
(x * x).sum().backward()
print(x.grad)  # expected [4. 8.]
"""


def case(name: str, verdict: str = "pass", *, dtype: str = "float64", **facts: Any) -> dict[str, Any]:
    """The record of one case; a failing one has everything that a failing one has."""
    record = {
        "record": "case",
        "case": f"{name}[{dtype}]",
        "clause": name,
        "parameters": {"dtype": dtype},
        "verdict": verdict,
        "message": "as specified" if verdict == "pass" else f"what happened was {verdict}",
        "seconds": 0.12,
        "programs": 20,
        "compared": 41,
    }
    return {**record, **(_failing(name) if verdict == "fail" else {}), **facts}


def _failing(name: str) -> dict[str, Any]:
    return {
        "message": "x.grad is not what the specification says",
        "why": "the second backward adds to the first",
        "expected": "[4. 8.]",
        "got": "[2. 4.]",
        "method": "exact: the inputs are small integers",
        "at": 3,
        "instructions": 4,
        "script": _SCRIPT.format(name="acme"),
        "rerun": f"autograd-conformance run --engine acme --select '{name}*' --seed 7",
    }


def journal(
    cases: Sequence[Mapping[str, Any]],
    *,
    name: str = "acme",
    version: str = "0.3",
    complete: bool = True,
    **header: Any,
) -> Journal:
    """A journal of `cases`, with the catalogue above."""
    facts = {
        "record": "header",
        "schema": 1,
        "suite": {"version": "0.1.0", "digest": "9f2c61d07be45a83c1"},
        "engine": {
            "name": name,
            "version": version,
            "python": "3.11.7",
            "shape": "eager",
            "lines": 18,
            "speaks": [],
        },
        "profile": "gate",
        "seed": 7,
        "platform": "Linux-6.8-x86_64",
        "started": "2026-02-11T09:30:00+00:00",
        "command": f"autograd-conformance run --engine {name} --seed 7",
        "selected": len(cases) if complete else len(cases) + 20,
        "clauses": CLAUSES,
    }
    footer = {"record": "footer", "counts": dict(Counter(item["verdict"] for item in cases)), "seconds": 14.2}
    return Journal({**facts, **header}, tuple(cases), footer if complete else None)


# For each engine what differs from pass, by clause or chapter.
_ENGINES: Final[tuple[tuple[str, str, str, dict[str, str]], ...]] = (
    ("torch", "2.13.0", "eager", {}),
    (
        "jax",
        "0.6.2",
        "functional",
        {
            "hooks": "declined",
            "inplace": "declined",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "printing": "declined",
            "leaves/flip_returns_self": "declined",
        },
    ),
    (
        "tensorflow",
        "2.20.0",
        "tape",
        {
            "hooks": "declined",
            "inplace": "declined",
            "printing": "declined",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "graph/deep_chain": "timeout",
        },
    ),
    (
        "mygrad",
        "2.3.0",
        "eager",
        {
            "hooks": "declined",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "printing": "declined",
            "modes/enable_inside": "fail",
            "inplace/version_conflict": "inconclusive",
        },
    ),
    (
        "tinygrad",
        "0.11.0",
        "eager",
        {
            "hooks": "declined",
            "inplace": "declined",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "printing": "declined",
            "modes/no_grad_ends": "fail",
            "detach/value_is_shared": "unsupported",
        },
    ),
    (
        "micrograd",
        "0.1.0",
        "scalar",
        {
            "hooks": "declined",
            "modes": "declined",
            "inplace": "declined",
            "detach": "declined",
            "printing": "declined",
            "graph/deep_chain": "crash",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "backward/needs_cotangent": "declined",
            "backward/shape_mismatch": "declined",
        },
    ),
    (
        "acme",
        "0.3",
        "eager",
        {
            "accumulation/each_backward_adds": "fail",
            "accumulation/zero_clears": "blocked",
            "accumulation/two_roots": "blocked",
            "hooks/fires_once": "blocked",
            "graph/retained": "blocked",
            "printing": "declined",
            "hooks/order": "error",
            "graph/grad_fn_names": "declined",
            "graph/next_functions": "declined",
            "kinks/relu_at_zero": "fail",
            "detach/cuts": "known",
        },
    ),
    (
        "reference",
        "0.1.0",
        "eager",
        {"graph/grad_fn_names": "declined", "graph/next_functions": "declined", "printing": "declined"},
    ),
)
_CONVENTIONS: Final = {
    "kinks/relu_at_zero": ("relu'(0)", {"tensorflow": "[0.], [0. 0.]", "mygrad": "[0.5]"}),
    "kinks/tie_of_max": ("max tie weights", {"torch": "[0.5 0.5], [0.25 0.25 0.25 0.25]", "jax": "[0.5 0.5]"}),
    "kinks/abs_at_zero": ("abs'(0)", {}),
    "leaves/fresh_has_no_gradient": ("gradient before backward", {"torch": "no gradient", "mygrad": "no gradient"}),
}
_DEFAULTS: Final = {
    "relu'(0)": "[0.]",
    "max tie weights": "[1. 0.]",
    "abs'(0)": "[0.]",
    "gradient before backward": "[0. 0.]",
}


def showcase() -> list[Journal]:
    """Eight engines over forty clauses in two dtypes, with every verdict that a reader will meet."""
    return [_showcase(*row) for row in _ENGINES]


def _showcase(name: str, version: str, shape: str, differs: Mapping[str, str]) -> Journal:
    records = []
    for clause in CLAUSES:
        for dtype in ("float64",) if name == "micrograd" else ("float64", "float32"):
            verdict = differs.get(clause, differs.get(clause.split("/")[0], "pass"))
            records.append(_record(name, clause, verdict, dtype))
    speaks = ["torch"] if name == "torch" else []
    engine = {
        "name": name,
        "version": version,
        "python": "3.11.7",
        "shape": shape,
        "lines": 18,
        "speaks": speaks,
    }
    return journal(records, name=name, version=version, engine=engine, complete=name != "tinygrad")


def _record(name: str, clause: str, verdict: str, dtype: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if verdict == "known":
        verdict = "fail"
        reason = "detach copies the graph on purpose until 0.4, the maintainers say"
        facts["expectation"] = {
            "verdict": "fail",
            "reason": reason,
            "link": "https://example.org/acme/issues/12",
        }
    if verdict == "blocked":
        verdict = "fail"
        facts["uses"] = [f"accumulation/each_backward_adds[{dtype}]"]
    if verdict == "declined":
        lacks = {"hooks": "hook, hook.remove", "modes": "no_grad"}.get(clause.split("/")[0], "the dialect torch")
        facts["declined"] = f"does not offer {lacks}"
    if verdict == "fail":
        facts["script"] = _SCRIPT.format(name=name)
    if clause in _CONVENTIONS and verdict == "pass":
        question, answers = _CONVENTIONS[clause]
        facts["conventions"] = {question: answers.get(name, _DEFAULTS[question])}
    if clause == "operators/value_and_gradient" and name in ("micrograd", "mygrad"):
        facts["lowered"] = ["dot", "norm"]
    return case(clause, verdict, dtype=dtype, **facts)
