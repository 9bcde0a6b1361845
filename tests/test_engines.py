"""The two built-in engines keep autograd's rules: what the suite asks of others holds here first."""

from __future__ import annotations

import gc
import importlib
import re
import sys
import threading
import tokenize
import weakref
from pathlib import Path
from typing import Any

import pytest

ENGINES = ("reference", "kernels")
REFERENCE = Path(__file__).resolve().parent.parent / "implementations" / "reference"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(f"implementations.{request.param}")


def test_both_offer_the_same_names() -> None:
    """One table of spellings serves both engines; only the reference has the old API besides."""
    reference, kernels = (importlib.import_module(f"implementations.{name}") for name in ENGINES)
    assert set(reference.__all__) == {*kernels.__all__, "Variable"}
    for name in reference.__all__:
        assert getattr(reference, name) is not getattr(kernels, name, None)


def test_each_backward_adds_in_place(engine: Any) -> None:
    """Two backwards double the gradient, in the same tensor; zero_ keeps that tensor too."""
    x = engine.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    first = x.grad
    y.backward()
    assert x.grad is first
    assert first.tolist() == [4.0, 8.0]
    assert first.zero_() is first
    x.sum().backward()
    assert x.grad is first
    assert first.tolist() == [1.0, 1.0]


def test_gradients_share_no_memory(engine: Any) -> None:
    """Neither the caller's cotangent nor another leaf's gradient is aliased, by views either."""
    a, b = (engine.tensor([[1.0], [2.0]], requires_grad=True) for _ in range(2))
    cotangent = engine.tensor([1.0, 1.0])
    (a + b).reshape(2).backward(cotangent)
    a.grad.zero_()
    assert cotangent.tolist() == [1.0, 1.0]
    assert b.grad.tolist() == [[1.0], [1.0]]
    (left,), (right,) = engine.grad(a.sum(), a), engine.grad(a.sum(), a)
    left.zero_()
    assert right.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_never_promote(engine: Any, dtype: str) -> None:
    """Python numbers on either side, reductions and gradients keep the leaf's dtype, 0-d included."""
    x = engine.tensor(0.5, dtype=dtype, requires_grad=True)
    y = 1 - (2 * x + 0.1) / 3 * x**2 + 1 / x.exp() + x.reshape(1).mean() * x.norm().sqrt().tanh()
    y.backward()
    assert (y.dtype, x.grad.dtype, x.grad.shape) == (dtype, dtype, ())


def test_mixed_dtypes_give_each_leaf_its_own(engine: Any) -> None:
    """float32 * float64 is float64; each gradient comes back in its leaf's dtype."""
    a = engine.tensor([1.0], dtype="float32", requires_grad=True)
    b = engine.tensor([2.0], requires_grad=True)
    (a * b).backward()
    assert (a.grad.dtype, b.grad.dtype) == ("float32", "float64")


def test_hooks_see_the_sum_once_in_order_and_replace(engine: Any) -> None:
    """Two uses, one call with their sum; a replacement goes on to the next hook and to the leaf."""
    calls = []
    x = engine.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: calls.append(("y", g.tolist(), engine.is_grad_enabled())))
    x.register_hook(lambda g: g * 10)
    handle = x.register_hook(lambda g: calls.append(("x", g.tolist(), x.grad is None)))
    (y + y).sum().backward()
    assert calls == [("y", [2.0, 2.0], False), ("x", [40.0, 40.0], True)]
    assert x.grad.tolist() == [40.0, 40.0]
    handle.remove()
    handle.remove()
    (x * 1).sum().backward()
    assert len(calls) == 2


def test_retained_gradient_comes_after_hooks(engine: Any) -> None:
    """Whatever the order of registration, .grad of a result is what its hooks returned."""
    x = engine.tensor([1.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    (y * 3).backward(retain_graph=True)
    assert (y.grad.tolist(), x.grad.tolist()) == ([15.0], [30.0])
    (y * 3).backward()
    assert y.grad.tolist() == [30.0]


def test_only_nodes_that_save_are_freed(engine: Any) -> None:
    """A second run passes sum, add, neg and index, and is refused by mul, before anything changes."""
    x = engine.tensor([1.0, 2.0], requires_grad=True)
    y = (-(x + 1))[0].reshape(1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [-2.0, 0.0]
    z = (x * 2 + (x + 1)).sum()
    z.backward()
    before = x.grad.tolist()
    with pytest.raises(engine.GraphFreed, match="retain_graph=True"):
        z.backward()
    assert x.grad.tolist() == before


def test_create_graph_goes_to_any_order(engine: Any) -> None:
    """The derivatives of sin are cos, -sin, -cos, sin; accumulation is out of place while recording."""
    x = engine.tensor(0.5, requires_grad=True)
    y = x.sin()
    for _ in range(4):
        (y,) = engine.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(x.detach().sin().item(), abs=1e-15)
    (x**3).backward(create_graph=True)
    first = x.grad
    x.grad.backward(create_graph=True)
    assert x.grad is not first
    assert x.grad.item() == 0.75 + 3.0


def test_grad_writes_nothing_and_runs_only_what_is_needed(engine: Any) -> None:
    """.grad stays None, hooks beside the path stay silent, results are inputs too, None for unused ones."""
    silent: list[Any] = []
    x, w = (engine.tensor([2.0], requires_grad=True) for _ in range(2))
    w.register_hook(silent.append)
    y = x * x
    results = engine.grad(y * w, [y, x], retain_graph=True)
    assert [g.tolist() for g in results] == [[2.0], [8.0]]
    assert x.grad is None
    assert w.grad is None
    assert silent == []
    with pytest.raises(engine.UnusedInput):
        engine.grad(y, [x, w])
    assert engine.grad(y, [x, w], allow_unused=True)[1] is None


def test_inputs_restrict_accumulation(engine: Any) -> None:
    """backward(inputs=...) writes only there, results included."""
    x, w = (engine.tensor([2.0], requires_grad=True) for _ in range(2))
    y = x * x
    (y * w).backward(inputs=[w, y])
    assert (x.grad, w.grad.tolist(), y.grad.tolist()) == (None, [4.0], [2.0])


def test_refusals_leave_the_state(engine: Any) -> None:
    """Arguments are checked first: nothing is accumulated, and the legal twin still runs."""
    x = engine.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    for error, call in (
        (engine.NotScalar, lambda: y.backward()),
        (engine.ShapeMismatch, lambda: y.backward(engine.tensor([1.0]))),
        (TypeError, lambda: y.backward([1.0, 1.0])),
        (engine.NeedsGrad, lambda: y.detach().sum().backward()),
        (engine.NeedsGrad, lambda: y.detach().retain_grad()),
        (engine.NotALeaf, lambda: y.requires_grad_(False)),
        (engine.HookError, lambda: y.detach().register_hook(print)),
        (engine.ShapeMismatch, lambda: setattr(x, "grad", engine.tensor([1.0]))),
        (engine.AutogradError, lambda: x.zero_()),
    ):
        with pytest.raises(error):
            call()
    assert y.requires_grad_() is y
    assert str(x.grad) == "None"
    y.backward(engine.tensor([1.0, 1.0]))
    assert x.grad.tolist() == [2.0, 2.0]


def test_hook_replacement_must_fit(engine: Any) -> None:
    """Another shape, dtype or type is a HookError."""
    for misfit in (engine.tensor([1.0]), engine.tensor([1.0, 1.0], dtype="float32"), 3):
        x = engine.tensor([1.0, 2.0], requires_grad=True)
        x.register_hook(lambda g, misfit=misfit: misfit)
        with pytest.raises(engine.HookError):
            x.sum().backward()


def test_modes_restore_the_previous_one(engine: Any) -> None:
    """Also after exceptions and nested; set_grad_enabled acts at once; other threads are not affected."""
    x = engine.tensor([1.0], requires_grad=True)
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(engine.is_grad_enabled()))
    with engine.no_grad():
        with engine.enable_grad():
            assert (x * 2).requires_grad
        assert (x * 2).is_leaf
        assert not (x * 2).requires_grad
        thread.start()
        thread.join()
    assert seen == [True]
    mode = engine.no_grad()
    with pytest.raises(KeyError), mode:
        raise KeyError
    assert engine.is_grad_enabled()
    with engine.set_grad_enabled(False):
        assert not engine.is_grad_enabled()
    assert engine.is_grad_enabled()


def test_deep_graphs_need_no_recursion(engine: Any) -> None:
    """100,000 additions are built, run backward and freed."""
    x = engine.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    assert sys.getrecursionlimit() < 100_000
    del y


def test_graphs_die_without_the_collector(engine: Any) -> None:
    """No cycle through results that are saved by their own node, retained, or hooked."""

    class Probe:
        def __call__(self, cotangent: Any) -> None: ...

    probe = Probe()
    alive = weakref.ref(probe)
    gc.disable()
    try:
        x = engine.tensor([1.0], requires_grad=True)
        y = x.exp().tanh().norm()
        y.retain_grad()
        y.register_hook(probe)
        y.backward(retain_graph=True)
        del probe, y
        assert alive() is None
    finally:
        gc.enable()


def test_sixty_doublings_visit_sixty_nodes(engine: Any) -> None:
    """Y = y + y, sixty times: 2^60, at once."""
    x = engine.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def test_threads_share_a_leaf(engine: Any) -> None:
    """Ten threads accumulate into one leaf without losing anything."""
    x = engine.tensor([0.0] * 1000, requires_grad=True)

    def work() -> None:
        for _ in range(20):
            (x * 3).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(x.grad.tolist()) == {600.0}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0, 1, 2, 3], "tensor([0., 1., 2., 3.])"),
        ([0, 4, 8, 12], "tensor([ 0.,  4.,  8., 12.])"),
        (28, "tensor(28.)"),
        ([[0, -1], [10, 2]], "tensor([[ 0., -1.],\n        [10.,  2.]])"),
        ([0.5, 100], "tensor([  0.5000, 100.0000])"),
        ([1, 2000], "tensor([1.0000e+00, 2.0000e+03])"),
        ([], "tensor([])"),
    ],
)
def test_text_is_torchs(engine: Any, values: Any, text: str) -> None:
    """Literals were printed by torch 2.13."""
    assert repr(engine.tensor(values, dtype="float32")) == text
    double = repr(engine.tensor(values, requires_grad=True))
    assert double == text[:-1] + ", dtype=torch.float64, requires_grad=True)"


def test_nodes_are_named_like_torchs(engine: Any) -> None:
    """The last operator names the node; leaves have none."""
    x = engine.tensor([0.0, 1.0, 2.0, 3.0], dtype="float32", requires_grad=True)
    assert x.grad_fn is None
    assert x.is_leaf
    assert repr(2 * x.dot(x)) == "tensor(28., grad_fn=<MulBackward0>)"
    names = [type(y.grad_fn).__name__ for y in (x + 1, x.sum(), x**2, x.dot(x), -x, x[0], x[:1], x[[0]])]
    assert names == [f"{name}Backward0" for name in ("Add", "Sum", "Pow", "Dot", "Neg", "Select", "Slice", "Index")]


def test_the_reference_names_clauses_that_exist() -> None:
    """Comments such as `# hooks/replacement_flows_on` are ids of the specification."""
    from conformance.clause import specification

    named: set[str] = set()
    for path in REFERENCE.glob("*.py"):
        with tokenize.open(path) as source:
            comments = [t.string for t in tokenize.generate_tokens(source.readline) if t.type == tokenize.COMMENT]
        named.update(re.findall(r"\b[a-z_]+/[a-z]\w+", " ".join(comments)))
    assert len(named) > 20
    assert named <= specification().keys()


def test_the_core_is_read_in_one_sitting() -> None:
    """At most 400 lines, in the order of the ideas."""
    text = (REFERENCE / "core.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert re.findall(r"^# ---- ([^-]+) -", text, re.M) == [
        *("value", "node", "VJP table", "backward", "hooks", "modes")
    ]


def test_integers_and_booleans_are_constants() -> None:
    """They are promoted to the dtype of the floats that they meet, and never require grad."""
    from implementations import reference

    x = reference.tensor([1.0, 2.0], dtype="float32", requires_grad=True)
    k = reference.tensor([3, 4], dtype="int64")
    y = x * k * (x == 1)
    y.sum().backward()
    assert (y.dtype, (k * 2).dtype, (k > 3).dtype) == ("float32", "int64", "bool")
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 0.0]
    assert not (x == 1).requires_grad
    with pytest.raises(reference.NotFloating, match="floating point dtype can require gradients"):
        k.requires_grad_()
    with pytest.raises(reference.NotFloating, match="floating point dtype can require gradients"):
        reference.tensor([1], dtype="int64", requires_grad=True)
    assert k.requires_grad_(False) is k
    assert repr(k) == "tensor([3, 4])"
    assert repr(reference.tensor([[1, -20], [3, 4]], dtype="int64")) == "tensor([[  1, -20],\n        [  3,   4]])"
    assert repr(x == 1) == "tensor([ True, False])"
    assert repr(reference.tensor([], dtype="int64")) == "tensor([], dtype=torch.int64)"


def test_volatile_poisons() -> None:
    """One volatile operand: the result is volatile, requires no grad, and is never differentiated."""
    from implementations.reference import NeedsGrad, Variable

    x, w = Variable([1.0], volatile=True), Variable([2.0], requires_grad=True)
    y = (x * w).sum()
    assert (x.requires_grad, w.requires_grad, y.requires_grad) == (False, True, False)
    assert y.volatile
    assert y.creator is None
    assert y.data[0] == 2.0
    with pytest.raises(NeedsGrad):
        y.backward()
    assert not Variable([1.0], requires_grad=True, volatile=True).requires_grad
    (w * w).backward()
    assert w.grad is not None
    assert w.grad.data.tolist() == [4.0]
