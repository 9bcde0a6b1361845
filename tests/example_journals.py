"""Journals built by hand: small ones for one rule each, and `showcase`, eight engines over forty clauses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from conformance.journal import Journal
from tests.example_clauses import CLAUSES

_SCRIPT: Final = """import {name}
x = {name}.tensor([1., 2.], requires_grad=True)
(x * x).sum().backward()
(x * x).sum().backward()
print(x.grad)  # expected [4. 8.]
"""


def case(name: str, verdict: str = "pass", *, dtype: str = "float64", kind: str = "", **facts: Any) -> dict[str, Any]:
    """The record of one case; a failing one has everything that a failing one has."""
    parameters = {**({"kind": kind} if kind else {}), "dtype": dtype}
    record = {
        "record": "case",
        "case": f"{name}[{','.join(parameters.values())}]",
        "clause": name,
        "parameters": parameters,
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
_RANDOM: Final = ("torch", "jax", "acme")  # those that are asked random programs
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


_OPERATORS: Final = (
    "add sub mul div neg square reciprocal pow exp log sqrt sin cos tanh sigmoid abs relu maximum where sum mean prod max "
    "cumsum dot outer matmul reshape transpose permute index gather concat stack eq gt"
)
OPERATORS: Final = dict.fromkeys(_OPERATORS.split(), True) | {"gather": False, "stack": False}
FEATURES: Final = (
    "backward",
    "backward create_graph",
    "backward retain_graph",
    "clear how=zero",
    "detach",
    "grad",
    "hook observe",
    "hook remove",
    "hook replace",
    "no_grad",
    "second order",
    "ties",
)
PROGRAMS: Final = {
    name: {
        "chapter": "programs",
        "sentence": sentence,
        "level": "law" if name.endswith("functional") else "contract",
        "source": "mathematics",
        "mutant": "",
        "dialect": None,
    }
    for name, sentence in (
        ("programs/functional", "Every value and gradient of a random program lies within its bound."),
        ("programs/protocol", "A random interleaving lets us see what the model says."),
    )
}


def census(
    features: Sequence[str] = FEATURES, *, programs: int = 600, apart: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What was generated, in the form of `Census.to_json`: the pairs of features but those that `apart` keeps apart."""
    missing = {" & ".join(sorted(pair)) for pair in (apart or {}).items()}
    pairs = [" & ".join(pair) for pair in combinations(sorted(features), 2)]
    names = [name for name, offered in OPERATORS.items() if offered and name not in ("eq", "gt", "where")]
    return {
        "programs": programs,
        "operators": {name: programs // (2 + place) for place, name in enumerate(names)},
        "features": {name: programs // (1 + place) for place, name in enumerate(sorted(features))},
        "pairs": {pair: 3 for pair in pairs if pair not in missing},
        "lengths": {"10-14": programs // 2, "15-19": programs // 8, "5-9": programs // 4, "25-29": programs // 8},
        "unwritable": {"out of range": programs // 50, "undecided": programs // 80},
    }


def random_programs(name: str) -> list[dict[str, Any]]:
    """The cases of the chapter of random programs; acme fails one of them."""
    outcomes = {"exact": 900, "pass": 8120, "undecided": 61, "too wide": 7}
    enclosed = {"outcomes": outcomes, "ratio": 0.4312}
    broken = {"outcomes": outcomes | {"fail": 1}, "ratio": math.inf}
    fault = {"index": 17, "attributed": "accumulation/each_backward_adds", "method": "enclosed: the truth in balls"}
    apart = {"detach": "grad", "no_grad": "ties", "hook replace": "hook observe"}
    found = []
    for dtype in ("float64", "float32"):
        wrong = name == "acme" and dtype == "float64"
        functional = {"generated": census(FEATURES[:6]), **(broken if wrong else enclosed), **(fault if wrong else {})}
        verdict = "fail" if wrong else "pass"
        found.append(case("programs/functional", verdict, kind="smooth", dtype=dtype, **functional))
        found.append(case("programs/protocol", kind="hooks", dtype=dtype, generated=census(apart=apart)))
    return found


def showcase() -> list[Journal]:
    """Eight engines over forty clauses in two dtypes, with every verdict that a reader will meet."""
    return [_showcase(*row) for row in _ENGINES]


def _showcase(name: str, version: str, shape: str, differs: Mapping[str, str]) -> Journal:
    records = []
    for clause in CLAUSES:
        for dtype in ("float64",) if name == "micrograd" else ("float64", "float32"):
            verdict = differs.get(clause, differs.get(clause.split("/")[0], "pass"))
            records.append(_record(name, clause, verdict, dtype))
    if name in _RANDOM:
        records += random_programs(name)
    speaks = ["torch"] if name == "torch" else []
    engine = {
        "name": name,
        "version": version,
        "python": "3.11.7",
        "shape": shape,
        "lines": 18,
        "speaks": speaks,
    }
    facts: dict[str, Any] = {"operators": OPERATORS, "clauses": CLAUSES | PROGRAMS} if name in _RANDOM else {}
    return journal(records, name=name, version=version, engine=engine, complete=name != "tinygrad", **facts)


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
    if verdict == "pass" and dtype == "float64":
        facts["example"] = _SCRIPT.format(name=name)
    if clause in _CONVENTIONS and verdict == "pass":
        question, answers = _CONVENTIONS[clause]
        facts["conventions"] = {question: answers.get(name, _DEFAULTS[question])}
    if clause == "operators/value_and_gradient" and verdict == "pass" and name != "micrograd":
        facts |= {"outcomes": {"exact": 400, "pass": 1200, "too wide": 3}, "ratio": 0.25}
    if clause == "operators/value_and_gradient" and name in ("micrograd", "mygrad"):
        facts["lowered"] = ["dot", "norm"]
    return case(clause, verdict, dtype=dtype, **facts)
