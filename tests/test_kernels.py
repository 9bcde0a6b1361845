"""The kernel engine against torch, and what it says of itself: kernels of whole arrays, no recursion, views and writes."""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest

from conformance.adapter import load
from implementations import kernels
from implementations.kernels import elementwise, reductions, rows, structure
from implementations.kernels import kernels as table

torch = pytest.importorskip("torch")

# ---- kernels are of whole arrays ------------------------------------------------------------------------------

ROWS: Final = (rows, elementwise, reductions, structure, table)

LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What hides a loop over elements: Python's own iteration, NumPy's calls of Python for each element, elements as Python's numbers.
HIDDEN: Final = {
    *("map", "filter", "reduce", "iter", "next", "item", "tolist", "flat"),
    *("vectorize", "frompyfunc", "apply_along_axis", "apply_over_axes", "fromiter", "nditer", "ndindex", "ndenumerate"),
}


def loops(source: str) -> list[str]:
    """The lines of a module that loop in Python, openly or by one of the HIDDEN names."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if isinstance(node, LOOPS) or name in HIDDEN:
            found.append(ast.unparse(node))
    return found


def test_no_kernel_loops_in_python() -> None:
    """The modules of kernels hold no loop and no comprehension at all, and what their table names is their own or NumPy's."""
    for module in ROWS:
        assert loops(inspect.getsource(module)) == []
    for row in table.KERNELS.values():
        for function in (row.forward, *row.vjps):
            own = inspect.isfunction(function) and function.__module__ in {module.__name__ for module in ROWS}
            assert own or getattr(np, function.__name__) is function


def test_no_row_hides_another() -> None:
    """What two modules of rows name is not the same."""
    assert len(table.KERNELS) == len(elementwise.ROWS) + len(reductions.ROWS) + len(structure.ROWS)


@pytest.mark.parametrize(
    "source",
    [
        "for x in a: pass",
        "while n: n -= 1",
        "y = [x for x in a]",
        "y = sum(x for x in a)",
        "y = np.vectorize(f)(a)",
        "y = list(map(f, a))",
        "y = a.tolist()",
    ],
)
def test_a_loop_would_be_found(source: str) -> None:
    """Each way to loop over elements is one that the test above sees."""
    assert loops(source)


# ---- against torch ---------------------------------------------------------------------------------------------

UNARY: Final[tuple[Callable[[Any], Any], ...]] = (
    lambda a: -a,
    abs,
    lambda a: a.relu(),
    lambda a: a.sin(),
    lambda a: a.tanh(),
    lambda a: (a * 0.25).exp(),
    lambda a: (a * a + 1).sqrt(),
    lambda a: (a * a + 1).log(),
    lambda a: a**3,
    lambda a: a**-2 if 0 in a.shape else (a + 10) ** -2,
    lambda a: a.sum(),
    lambda a: a.norm(),
    lambda a: a.sum(-1) if a.shape else a,
    lambda a: a[:1] if a.shape else a,
    lambda a: a.reshape(-1),
    lambda a: 2 - a,
    lambda a: 1 / (a * a + 2),
    lambda a: a.mean() if 0 not in a.shape else a,
)
BINARY: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1),
    lambda a, b: (a > b) * a,
    lambda a, b: a + (a == b),
)
# Shapes that broadcast with one another: vectors, columns, numbers, and with an axis of size 0.
FAMILIES: Final = (((2, 3), (3,), (2, 1), (1, 1, 3), ()), ((2, 0), (0,), (2, 1), (1,), ()))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(60))
def test_gradients_are_torchs(seed: int, dtype: str) -> None:
    """Random programs of operators that broadcast: values, gradients, shapes and dtypes are torch's, to second order."""
    ours, theirs = (differentiated(engine, random.Random(seed), dtype) for engine in (kernels, torch))
    for mine, other in zip(ours, theirs, strict=True):
        assert (tuple(mine.shape), f"torch.{mine.dtype}") == (tuple(other.shape), str(other.dtype))
        tolerance = {"float64": 1e-11, "float32": 1e-3}[dtype]
        np.testing.assert_allclose(mine.tolist(), other.tolist(), rtol=tolerance, atol=tolerance)


def differentiated(engine: Any, choose: random.Random, dtype: str) -> list[Any]:
    """The results of a random program, its gradients, and the gradients of one of those."""
    shapes = choose.choices(choose.choice(FAMILIES), k=3)
    leaves = [leaf(engine, numbers(choose, shape), dtype) for shape in shapes]
    results = list(leaves)
    for _ in range(5):
        a, b = choose.choice(results), choose.choice(leaves)
        results.append(choose.choice(UNARY)(a) if choose.random() < 0.6 else fitting(choose.choice(BINARY), a, b))
    options = {"create_graph": True, "allow_unused": True}
    total = sum(result.sum() for result in results)
    first = gradient(engine)(total, leaves, **options)
    second = gradient(engine)(sum((g * g).sum() for g in first) + total, leaves, **options)
    return [*results, *first, *second]


def fitting(operator: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The operator where the shapes broadcast, else of `a` twice."""
    try:
        np.broadcast_shapes(tuple(a.shape), tuple(b.shape))
    except ValueError:
        return operator(a, a)
    return operator(a, b)


def numbers(choose: random.Random, shape: tuple[int, ...]) -> Any:
    """Small odd halves: nothing is 0 or exactly 1, where derivatives jump."""
    return np.array([choose.randint(-4, 4) + 0.5 for _ in range(int(np.prod(shape)))]).reshape(shape)


def leaf(engine: Any, values: Any, dtype: str = "float64", requires_grad: bool = True) -> Any:
    """A leaf of either engine."""
    return engine.tensor(values, dtype=getattr(torch, dtype) if engine is torch else dtype, requires_grad=requires_grad)


def gradient(engine: Any) -> Any:
    """`grad` of either engine."""
    return torch.autograd.grad if engine is torch else engine.grad


KINDS: Final = {engine: load(name).refusals for engine, name in ((kernels, "kernels"), (torch, "torch"))}


def kind(engine: Any, act: Callable[[], Any]) -> str:
    """What kind of refusal an act meets; "accepted" if it meets none."""
    try:
        act()
    except Exception as error:  # whichever: the adapters' tables tell
        rows = (
            kind for kind, name, text in KINDS[engine] if name == type(error).__name__ and re.search(text, str(error))
        )
        return next(rows, repr(error))
    return "accepted"


def base_and_view(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A write through a view changes the base and its other views, numbers and histories."""
    y = x * 2
    v, other = y[:2], y.reshape(3, 1)
    v.mul_(w[0])
    yield y, v, other, y._version, v._version
    (other * other).sum().backward()


def view_of_a_view(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """As above, through three views."""
    y = x * 1
    y.reshape(1, 3).t()[1:].reshape(2)[0] = w[2]
    yield y, y._version
    (y * x).sum().backward()


def base_written_after_its_view(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A view that was taken before is a view of what was written."""
    y = x * 1
    v = y[1]
    y.add_(w)
    yield v
    y[1] = 7.0
    yield v, v.requires_grad
    (v * w).sum().backward()


def constant_base(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """What is written into a constant makes it, and the views that it has, results."""
    c = leaf(e, [1.0, 2.0, 3.0], requires_grad=False)
    v, alias = c[1:], c.detach()
    c.mul_(x)
    yield c.requires_grad, v.requires_grad, alias.requires_grad, alias, alias._version
    v.sum().backward()


def in_place_chain(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """Every write is a step of the history; what it saves it keeps aside."""
    y = x * 1
    y.mul_(w).add_(x).mul_(w)
    y.zero_().add_(w).mul_(2.0)
    yield y, y.is_leaf, y._version
    y.sum().backward()


def saved_operand(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """An operand that a product needs was overwritten, by itself, a view, or a detached alias."""
    writes: tuple[Callable[[Any], Any], ...] = (
        lambda y: y.add_(1.0),
        lambda y: y[0].mul_(2.0),
        lambda y: y.detach().zero_(),
    )
    for write in writes:
        y = x * 1
        z = (y * w).sum()
        write(y)
        yield kind(e, z.backward)
    y = x * 1
    (y + w).sum().backward(retain_graph=True)


def saved_result(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A result that its own derivative needs was overwritten; a sum needs none."""
    y, z = x.exp(), x + w
    y.add_(1.0)
    z.add_(1.0)
    yield kind(e, y.sum().backward), kind(e, z.sum().backward)


def product_with_itself(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """The second factor is the overwritten one."""
    y = x * 1
    y.mul_(y)
    yield y, kind(e, y.sum().backward)


def leaves_in_place(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A leaf and its views refuse while recording, by any write, and not under no_grad."""
    v = x[:1]
    yield kind(e, lambda: x.add_(1.0)), kind(e, lambda: v.zero_()), kind(e, lambda: x.__setitem__(0, 5.0))
    c = leaf(e, [1.0], requires_grad=False)[0].requires_grad_()
    yield kind(e, lambda: c.mul_(2.0))
    base = leaf(e, [1.0, 2.0], requires_grad=False)
    before = base[:1]
    base.requires_grad_()
    yield before.requires_grad, kind(e, lambda: before.mul_(2.0))
    z = (x * w).sum()
    with e.no_grad():
        x.add_(1.0)
        v.mul_(2.0)
    yield x, v, x.is_leaf, x.requires_grad, x._version, kind(e, z.backward), x.grad
    (x * x).sum().backward()


def detached_aliases(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A detached alias shares memory and version; its history is its own."""
    y = x + 0
    d = y.detach()
    d[:2].mul_(w[:2])
    yield y, d, d.requires_grad, y._version, d._version
    (y + d).sum().backward()


def retained_gradients(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """retain_grad and new hooks are of the latest history, older hooks of their own."""
    calls: list[Any] = []
    y = x * 1
    v = y[:2]
    y.retain_grad()
    v.retain_grad()
    y.register_hook(lambda g: calls.append(("old", g.tolist())))
    y.mul_(w)
    y.register_hook(lambda g: calls.append(("new", g.tolist())))
    (v * 3).sum().backward()
    yield calls, y.grad, v.grad


def gathered(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A list of indices gathers a copy, and writes where it says."""
    y = x * 1
    copy = y[[0, 0, 2]]
    copy.mul_(2.0)
    yield y, y._version
    y[[0, 2]] = w[:2]
    yield y
    (y * copy.sum()).sum().backward()


def through_a_copy(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """A reshape that cannot be a view is a copy."""
    y = (x * 1).reshape(3, 1) * w
    copy = y.t().reshape(-1)
    copy.zero_()
    yield y, y._version
    y.sum().backward()


def second_order(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """Writes are differentiable to any order; what a gradient's graph saved is watched as well."""
    y = x * x
    y[0].mul_(x[1])
    y.t().mul_(w)
    (g,) = gradient(e)(y.sum(), [x], create_graph=True)
    yield g
    (g * g).sum().backward()
    z = x * 1
    (g,) = gradient(e)((z * z * z).sum(), [z], create_graph=True)
    z.mul_(2.0)
    yield kind(e, g.sum().backward)


def accumulated(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """Gradients are accumulated in place, zeroed in place, and count their versions."""
    (x * w).sum().backward()
    (x * w).sum().backward()
    yield x.grad._version, x.grad
    x.grad.zero_()
    yield x.grad._version, x.grad


def wider_than_its_place(e: Any, x: Any, w: Any) -> Iterator[Any]:
    """What is put may have leading ones, and may broadcast; its gradient has its own shape. A sum must fit in its place."""
    y = x * 1
    yield kind(e, lambda: y.add_(w.reshape(1, 3))) != "accepted", y
    y[1:] = w[:2].reshape(1, 1, 2)
    y[:1] = w[2]
    yield y
    (y * x).sum().backward()


SITUATIONS: Final = (
    base_and_view,
    view_of_a_view,
    base_written_after_its_view,
    constant_base,
    in_place_chain,
    saved_operand,
    saved_result,
    product_with_itself,
    leaves_in_place,
    detached_aliases,
    retained_gradients,
    gathered,
    through_a_copy,
    second_order,
    accumulated,
    wider_than_its_place,
)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_writes_are_torchs(situation: Callable[[Any, Any, Any], Iterator[Any]]) -> None:
    """What a situation shows of views and writes, and the gradients that it leaves, are the same in both engines."""
    ours, theirs = (list(seen(situation, engine)) for engine in (kernels, torch))
    assert ours == theirs


def seen(situation: Callable[[Any, Any, Any], Iterator[Any]], engine: Any) -> Iterator[Any]:
    """What a situation yields, tensors as lists, and then the gradients of its leaves."""
    x, w = leaf(engine, [1.0, 2.0, 3.0]), leaf(engine, [4.0, 5.0, 6.0])
    for shown in situation(engine, x, w):
        yield plain(shown, engine)
    yield plain((x.grad, w.grad), engine)


def plain(shown: Any, engine: Any) -> Any:
    """Tensors as lists."""
    if isinstance(shown, tuple):
        return [plain(each, engine) for each in shown]
    return shown.tolist() if isinstance(shown, engine.Tensor) else shown


VIEWS: Final[tuple[Callable[[Any], Any], ...]] = (
    lambda a: a[0],
    lambda a: a[1:],
    lambda a: a[:1],
    lambda a: a.t(),
    lambda a: a.reshape(-1),
    lambda a: a.detach(),
)
WRITES: Final[tuple[Callable[[Any, Any], Any], ...]] = (  # of copies: torch refuses some writes of overlapping memory
    lambda a, b: a.add_(b * 1),
    lambda a, b: a.mul_(b * 1),
    lambda a, b: a.mul_(3.0),
    lambda a, b: a.zero_(),
    lambda a, b: a.__setitem__(0, 2.0),
    lambda a, b: a.__setitem__(slice(0, 1), b * 1),
)


ACTS: Final[tuple[tuple[int, tuple[Callable[..., Any], ...]], ...]] = (
    (1, UNARY[:3]),
    (2, BINARY[:3]),
    (1, VIEWS),
    (2, WRITES),
    (2, WRITES),
)


@pytest.mark.parametrize("seed", range(150))
def test_random_writes_are_torchs(seed: int) -> None:
    """Random programs of operators, views and writes: after each step all tensors, flags and versions are torch's."""
    ours, theirs = (list(written(engine, random.Random(seed))) for engine in (kernels, torch))
    assert ours == theirs


def written(engine: Any, choose: random.Random) -> Iterator[Any]:
    """What a random program shows after each step, and what its backward leaves."""
    leaves = [leaf(engine, [[1.0, 2.0], [3.0, 4.0]]), leaf(engine, [5.0, -6.0])]
    pool = [*leaves, leaf(engine, [[0.0, 1.0], [2.0, 3.0]], requires_grad=False)]
    for _ in range(12):
        arity, acts = choose.choice(ACTS)
        act, operands = choose.choice(acts), choose.choices(pool, k=arity)
        if acts is VIEWS and (not operands[0].shape or operands[0].shape[0] < 2):
            continue  # nothing to take a part of
        silent = acts is not VIEWS and choose.random() < 0.2  # views that are taken under no_grad are apart in torch
        try:
            with engine.no_grad() if silent else engine.enable_grad():
                result = act(*operands)
        except (RuntimeError, ValueError, IndexError):  # a leaf that may not be written, shapes that do not fit
            yield "refused"
        else:
            pool += [] if acts is WRITES else [result]
        yield [(each.tolist(), each.requires_grad, each.is_leaf, each._version) for each in pool]
    yield kind(engine, choose.choice(pool).sum().backward)
    yield [plain(each.grad, engine) for each in leaves]


# ---- dtypes and text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "c * x",
        "x * c",
        "c * c",
        "c + 1",
        "(c > 1) * x",
        "(c > 1) + (c == 1)",
        "(c > 1) * 2",
        "(x == 2).sum()",
        "(1 < x) * c",
        "x > c",
        "c - x",
        "x / c",
        "c.sum() * x",
        "-c",
        "c.reshape(1, 2)",
    ],
)
def test_dtypes_meet_as_torchs_do(expression: str) -> None:
    """Integers and bools become the floats that they meet, here float32; comparisons are bools; texts are torch's."""
    texts = []
    for engine in (kernels, torch):
        x = leaf(engine, [1.0, 2.0], "float32")
        c = leaf(engine, [1, -2], "int64", requires_grad=False)
        texts.append(repr(eval(expression, {"x": x, "c": c}).detach()))  # the expressions above
    assert texts[0] == texts[1]


def test_fractions_among_integers_stay_fractions() -> None:
    """An integer tensor times 0.5 is of floats, not 0."""
    assert (kernels.tensor([1, 2], dtype="int64") * 0.5).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, False], "bool"),
        (True, "bool"),
        ([[0, -10], [3, 4]], "int64"),
        ([0], "int64"),
        ([0.0, float("inf"), float("nan"), -2.0], "float32"),
        ([1e-5, 1.0], "float64"),
        ([[0.5], [100.0]], "float64"),
        ([float(n) for n in range(30)], "float64"),
    ],
)
def test_text_is_torchs(values: Any, dtype: str) -> None:
    """Bools print as words, integers without a point, floats with torch's numbers and line breaks."""
    assert repr(leaf(kernels, values, dtype, False)) == repr(leaf(torch, values, dtype, False))


def test_a_number_is_formatted_bare() -> None:
    """In an f-string a 0-d tensor is its number, any other is what print shows; in a condition it is its truth."""
    x = kernels.tensor([3.0, 4.0], requires_grad=True)
    assert f"{x.norm()} {x.norm():.2f} {x[:1]}" == f"5.0 5.00 {x[:1]!r}"
    assert x.norm() > 4
    assert not x.norm() < 4


def test_products_are_refused_by_rank() -> None:
    """Products take what their derivatives are written for."""
    v, m = kernels.tensor([1.0, 2.0]), kernels.tensor([[1.0, 2.0], [3.0, 4.0]])
    for product, a, b in (("dot", v, m), ("dot", m, m), ("mm", v, m), ("mv", v, m), ("mv", m, m), ("outer", m, v)):
        with pytest.raises(ValueError, match="reshape"):
            getattr(a, product)(b)


# ---- graphs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swept", [False, True], ids=["dropped", "after backward"])
@pytest.mark.parametrize("step", [lambda y: y * 1.0, lambda y: y.reshape(1)], ids=["products", "views"])
def test_deep_chains_need_no_recursion(step: Callable[[Any], Any], swept: bool) -> None:
    """150,000 products or views are built, run backward and freed, with a backward and without."""
    x = kernels.tensor([1.0], requires_grad=True)
    y = x * 1.0
    for _ in range(150_000):
        y = step(y)
    if swept:
        y.backward()
        assert x.grad is not None
        assert x.grad.tolist() == [1.0]
    del y


def test_a_view_follows_through_a_deep_chain() -> None:
    """After its base was written, the last of 20,000 views of views gets its history without recursion."""
    x = kernels.tensor([1.0], requires_grad=True)
    y = x * 1.0
    v = y
    for _ in range(20_000):
        v = v.reshape(1)
    y.mul_(3.0)
    v.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0]


def test_next_functions_are_the_operands() -> None:
    """The nodes of the operands; None for a constant."""
    x, c = kernels.tensor(1.0, requires_grad=True), kernels.tensor(2.0)
    y = x * c
    z = y + x
    assert z.grad_fn is not None
    assert y.grad_fn is not None
    assert z.grad_fn.next_functions == ((y.grad_fn, 0), (x.node, 0))
    assert y.grad_fn.next_functions == ((x.node, 0), (None, 0))
    assert type(x.node).__name__ == "AccumulateGrad"


def test_inputs_that_are_results_are_called() -> None:
    """backward(inputs=[y]) calls y's own node, and frees it, as torch's documentation says; grad does not."""
    for engine in (kernels, torch):
        x = leaf(engine, [2.0])
        y = x * x
        gradient(engine)(y * 3, [y], retain_graph=True)
        gradient(engine)(y * 3, [y])
        (y * 3).backward(inputs=[y])
        assert y.grad.tolist() == [3.0]
        assert kind(engine, y.backward) == "graph_freed"
        assert x.grad is None


def test_refusals_come_before_any_change() -> None:
    """A sweep that would meet a freed or overwritten node changes nothing."""
    x, w = (kernels.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    y, u = x * x, x * 1
    y.sum().backward()
    first, second = (y + w * 2).sum(), (u * u + w * 2).sum()
    u.zero_()
    assert kind(kernels, first.backward) == "graph_freed"
    assert kind(kernels, second.backward) == "version_conflict"
    assert w.grad is None


def test_gradients_must_be_alike() -> None:
    """.grad takes a tensor of the same shape and dtype, or None."""
    x = kernels.tensor([1.0, 2.0], requires_grad=True)
    misfits: tuple[Any, ...] = (3.0, kernels.tensor([1.0]), kernels.tensor([1.0, 2.0], dtype="float32"))
    for misfit in misfits:
        with pytest.raises(kernels.ShapeMismatch):
            x.grad = misfit
    x.grad = given = kernels.tensor([1.0, 2.0])
    (x * 2).sum().backward()
    assert given.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("spoil", ["frees", "overwrites"])
def test_hooks_that_spoil_a_sweep_are_noticed(spoil: str) -> None:
    """A hook that frees or overwrites what the running sweep needs is met by a refusal, not by a wrong gradient."""
    x = kernels.tensor([2.0], requires_grad=True)
    y = x * 1
    z = y * y
    u = z * 1  # its hook comes before the sweep is at z

    def hook(cotangent: kernels.Tensor) -> None:
        if spoil == "frees":
            z.backward()
        else:
            y.detach().zero_()

    u.register_hook(hook)
    with pytest.raises(kernels.GraphFreed if spoil == "frees" else kernels.VersionConflict):
        u.backward()
