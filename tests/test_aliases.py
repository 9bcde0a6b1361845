"""The model of writes in place against torch: random programs of views, detached aliases, writes and hooks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from conformance.adapter import load
from conformance.execution import Engine
from conformance.judge import judge
from conformance.model.protocol import Refusal
from conformance.program import Program
from conformance.tensor import Tensor, attempting, expect, no_grad, recording, tensor

PROGRAMS = 400


@pytest.fixture(scope="module")
def torch() -> Iterator[Engine]:
    adapter = load("torch")
    if not adapter.installed():
        pytest.skip("torch is not installed: install the extra [torch]")
    with Engine(adapter) as engine:
        yield engine


def program(draw: random.Random) -> Program | None:
    """Aliases of results and constants, written at random, and a backward of some of them; None when a write is refused."""
    with recording("float64") as recorder:
        try:
            _write(draw)
        except Refusal:
            return None
        return recorder.program()


def _write(draw: random.Random) -> None:
    x = tensor(draw.choice([[1, 2], [1, 2, 3], [[1, 2], [3, 4]]]), requires_grad=True)
    w = tensor(draw.choice([2, 3, -1]), requires_grad=True)
    pool, hooks = [x * 2, tensor(0 * x.value)], []
    for _ in range(draw.randint(2, 8)):
        a = draw.choice(pool)
        step = draw.choice(["view", "view", "write", "write", "write", "detach", "operator", "hook"])
        if step == "view" and a.shape and a.requires_grad:  # of a constant: a torch fault, see docs/roadmap.md
            pool.append(_view(a, draw))
        elif step == "write":
            _in_place(a, draw.choice([2, 3, w, a]), draw)
        elif step == "detach":
            pool.append(a.detach())
        elif step == "operator":
            pool.append(draw.choice([a * a, a + 1, a * w]))
        elif step == "hook" and a.requires_grad and a.state.base is None:  # a hook on a view can end torch's process
            hooks.append(a.register_hook())
    total = x.sum()
    for a in draw.sample(pool, 2):
        total = total + a.sum()
    for a in pool:
        expect(a, a.value)
        for seen, modelled in ((a.requires_grad, a.state.requires_grad), (a.is_leaf, a.state.is_leaf)):
            expect(seen, modelled)
        expect(a.version, a.state.memory.version)
    with attempting("version_conflict") as late:
        total.backward()
    expect(late.observed, late.outcome, "torch refuses exactly this")
    if late.outcome["outcome"] == "accepted":
        for a in (x, w, *pool):
            expect(a.grad, a.state.grad.value.array if a.state.grad else None)
        for hook in hooks:
            expect(hook.calls, hook.calls.answer["calls"])


def _view(a: Tensor, draw: random.Random) -> Tensor:
    kind = draw.choice(["entry", "slice", "reshape"])
    if kind == "entry":
        return a[draw.randrange(a.shape[0])]
    return a.reshape(-1) if kind == "reshape" else a[0 : max(1, a.shape[0] - 1)]


def _in_place(a: Tensor, value: object, draw: random.Random) -> None:
    unrecorded = a.state.base is None and draw.random() < 0.25
    with no_grad() if unrecorded else nullcontext():
        kind = draw.choice(["mul", "add", "set"])
        if kind == "set" and a.shape and value is not a:
            a[draw.randrange(a.shape[0])] = value
        elif kind == "mul":
            a.mul_(value)
        else:
            a.add_(value)


def test_random_writes(torch: Engine) -> None:
    """torch shows what the model says: numbers, flags, versions, gradients, hook calls, and which backward is refused."""
    judged, refused = 0, 0
    for seed in range(PROGRAMS):
        if (written := program(random.Random(seed))) is None:
            continue
        reply = torch.run(written)
        assert isinstance(reply, dict), (seed, reply)
        judgement = judge(written, reply)
        assert judgement.finding is None, (seed, judgement.finding)
        judged += 1
        refused += any(outcome.get("outcome") == "refused" for _, outcome in reply["observations"])
    assert judged > PROGRAMS / 2
    assert 0 < refused < judged
