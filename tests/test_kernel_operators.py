"""The kernel engine's operators against torch: values, gradients and second derivatives, dtypes, views, and hard numbers."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest

from conformance.operators import OPERATORS
from implementations import kernels

torch = pytest.importorskip("torch")

Act = Callable[..., Any]
Shape = tuple[int, ...]


def pad(e: Any, a: Any, widths: list[int]) -> Any:
    return torch.nn.functional.pad(a, widths) if e is torch else e.pad(a, widths)


def chosen(e: Any, positions: list[Any]) -> Any:
    return e.tensor(positions) if e is torch else e.tensor(positions, dtype="int64")


# Each operator on operands of one engine, for each choice of shapes. The names are the specification's.
CASES: Final[dict[str, tuple[Act, list[tuple[Shape, ...]]]]] = {
    "add": (lambda e, a, b: a + b, [((2, 3), (3,))]),
    "sub": (lambda e, a, b: a - b, [((2, 1), (3,))]),
    "mul": (lambda e, a, b: a * b, [((2, 3), ())]),
    "div": (lambda e, a, b: a / b, [((2, 1), (3,))]),
    "neg": (lambda e, a: -a, [((2, 3),)]),
    "pow": (lambda e, a: a**3, [((2, 3),)]),
    "exp": (lambda e, a: a.exp(), [((2, 3),), ((),)]),
    "log": (lambda e, a: (a * a).log(), [((2, 3),)]),
    "sqrt": (lambda e, a: (a * a + 1).sqrt(), [((2, 3),)]),
    "sin": (lambda e, a: a.sin(), [((2, 3),)]),
    "tanh": (lambda e, a: a.tanh(), [((2, 3),)]),
    "abs": (lambda e, a: abs(a), [((2, 3),)]),
    "relu": (lambda e, a: a.relu(), [((2, 3),)]),
    "square": (lambda e, a: a.square(), [((2, 3),), ((),), ((0,),)]),
    "reciprocal": (lambda e, a: a.reciprocal(), [((2, 3),), ((),)]),
    "log1p": (lambda e, a: (a * a).log1p(), [((2, 3),)]),
    "cos": (lambda e, a: a.cos(), [((2, 3),), ((),)]),
    "atan": (lambda e, a: a.atan(), [((2, 3),), ((),)]),
    "sinh": (lambda e, a: a.sinh(), [((2, 3),), ((),)]),
    "cosh": (lambda e, a: a.cosh(), [((2, 3),), ((),)]),
    "sigmoid": (lambda e, a: a.sigmoid(), [((2, 3),), ((),), ((0,),)]),
    "clamp": (lambda e, a: a.clamp(-1, 0.5), [((2, 3),), ((),)]),
    "maximum": (lambda e, a, b: a.maximum(b), [((2, 3), (3,)), ((2, 1), (3,)), ((), ())]),
    "minimum": (lambda e, a, b: a.minimum(b), [((2, 3), (3,)), ((2, 1), (3,)), ((), ())]),
    "where": (lambda e, a, b, c: b.where(a > 0.25, c), [((2, 3), (2, 1), (3,)), ((), (2,), ())]),
    "sum": (lambda e, a: a.sum(), [((2, 3),), ((),), ((0,),)]),
    "mean": (lambda e, a: a.mean(), [((2, 3),), ((),)]),
    "prod": (lambda e, a: a.prod(), [((2, 3),), ((),), ((0,),), ((1,),), ((2, 0),)]),
    "max": (lambda e, a: a.max(), [((2, 3),), ((),)]),
    "norm": (lambda e, a: a.norm(), [((2, 3),), ((),)]),
    "var": (lambda e, a: a.var(correction=0), [((2, 3),), ((),), ((4,),)]),
    "cumsum": (lambda e, a: a.cumsum(-1), [((2, 3),), ((),), ((0,),), ((4,),)]),
    "dot": (lambda e, a, b: a.dot(b), [((3,), (3,)), ((0,), (0,))]),
    "outer": (lambda e, a, b: a.outer(b), [((2,), (3,)), ((0,), (3,))]),
    "mv": (lambda e, a, b: a.mv(b), [((2, 3), (3,)), ((2, 0), (0,))]),
    "mm": (lambda e, a, b: a.mm(b), [((2, 3), (3, 2)), ((2, 0), (0, 3))]),
    "matmul": (
        lambda e, a, b: a @ b,
        [
            *(((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4))),
            *(((2, 2, 3), (3, 2)), ((2, 2, 3), (2, 3, 1)), ((2, 3), (4, 3, 2)), ((2, 1, 2, 3), (4, 3, 2))),
            *(((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((2, 0, 3), (3, 2)), ((0, 2, 3), (3,))),
        ],
    ),
    "reshape": (lambda e, a: a.reshape(3, -1), [((2, 3),)]),
    "transpose": (lambda e, a: a.t(), [((2, 3),)]),
    "permute": (lambda e, a: a.permute([-1, 0, 1]), [((2, 3, 4),), ((2, 0, 1),)]),
    "squeeze": (lambda e, a: a.squeeze(-2), [((2, 1, 3),), ((2, 3),), ((1, 0),)]),
    "unsqueeze": (lambda e, a: a.unsqueeze(-1), [((2, 3),), ((),), ((0,),)]),
    "expand": (lambda e, a: a.expand([2, 2, -1]), [((1, 3),), ((2, 1),), ((3,),)]),
    "index": (lambda e, a: a[1:], [((2, 3),), ((1,),)]),
    "gather": (
        lambda e, a: a.gather(-1, chosen(e, [[0, 0], [2, 1]])),
        [((2, 3),), ((3, 3),)],
    ),
    "concat": (lambda e, a, b: e.cat([a, b], -1), [((2, 3), (2, 1)), ((0,), (2,))]),
    "stack": (lambda e, a, b: e.stack([a, b], -1), [((2, 3), (2, 3)), ((), ())]),
    "pad": (lambda e, a: pad(e, a, [1, 2]), [((2, 3),), ((0,),), ((2, 2, 1),)]),
    "flip": (lambda e, a: a.flip(-1), [((2, 3),), ((0,),), ((),)]),
    "roll": (lambda e, a: a.roll(2, -1), [((2, 3),), ((0,),)]),
}
AXES: Final[dict[str, Act]] = {
    "sum_axis": lambda a, axis, keep: a.sum(axis, keepdim=keep),
    "mean_axis": lambda a, axis, keep: a.mean(axis, keepdim=keep),
    "prod_axis": lambda a, axis, keep: a.prod(axis, keepdim=keep),
    "max_axis": lambda a, axis, keep: a.amax(axis, keepdim=keep),
    "norm_axis": lambda a, axis, keep: a.norm(dim=axis, keepdim=keep),
    "var_axis": lambda a, axis, keep: a.var(axis, correction=0, keepdim=keep),
}


def situations() -> Iterator[Any]:
    """Every operator with every choice of shapes; reductions along every axis, kept or not."""
    for name, (act, choices) in CASES.items():
        for shapes in choices:
            yield pytest.param(act, shapes, id=f"{name} {' '.join(map(str, shapes))}")
    for name, along in AXES.items():
        for shape, axis in (((2, 3), 0), ((2, 3), -1), ((2, 2, 3), 1), ((4,), 0), ((), 0), ((0, 2), 1), ((2, 1), 1)):
            for keep in (False, True):
                act = lambda e, a, along=along, axis=axis, keep=keep: along(a, axis, keep)  # noqa: E731
                yield pytest.param(act, (shape,), id=f"{name} {shape} {axis} {keep}")


def test_every_operator_is_compared() -> None:
    """The tables above hold the whole specification; comparisons have no gradient and are part of `where`."""
    assert {*CASES, *AXES, "eq", "gt"} == set(OPERATORS)


@pytest.mark.filterwarnings("ignore:var")  # torch, of variances of nothing
@pytest.mark.parametrize(("act", "shapes"), list(situations()))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_operators_are_torchs(act: Act, shapes: tuple[Shape, ...], dtype: str) -> None:
    """Value, gradient and second derivative, with their shapes and dtypes."""
    ours, theirs = (differentiated(engine, act, shapes, dtype) for engine in (kernels, torch))
    for mine, other in zip(ours, theirs, strict=True):
        assert (tuple(mine.shape), f"torch.{mine.dtype}") == (tuple(other.shape), str(other.dtype))
        tolerance = {"float64": 1e-13, "float32": 1e-4}[dtype]
        np.testing.assert_allclose(mine.tolist(), other.tolist(), rtol=tolerance, atol=tolerance)


def differentiated(engine: Any, act: Act, shapes: tuple[Shape, ...], dtype: str) -> list[Any]:
    """The result, its square's gradients with uneven weights, and the gradients of those."""
    choose = random.Random(str(shapes))
    leaves = [leaf(engine, numbers(choose, shape), dtype) for shape in shapes]
    y = act(engine, *leaves)
    weights = leaf(engine, numbers(choose, tuple(y.shape)), dtype, requires_grad=False)
    options = {"create_graph": True, "allow_unused": True}
    total = (y * y * weights).sum() + sum(each.sum() for each in leaves)
    first = gradient(engine)(total, leaves, **options)
    second = gradient(engine)(sum((g * g).sum() for g in first) + total, leaves, **options)
    return [y, *first, *second]


def numbers(choose: random.Random, shape: Shape) -> Any:
    """Numbers of both signs that are not near 0, no two alike."""
    drawn = [choose.choice([-1, 1]) * choose.uniform(0.3, 1.9) for _ in range(int(np.prod(shape)))]
    return np.array(drawn).reshape(shape)


def leaf(engine: Any, values: Any, dtype: str = "float64", requires_grad: bool = True) -> Any:
    return engine.tensor(values, dtype=getattr(torch, dtype) if engine is torch else dtype, requires_grad=requires_grad)


def gradient(engine: Any) -> Any:
    return torch.autograd.grad if engine is torch else engine.grad


def derivatives(engine: Any, act: Act, values: list[Any], order: int) -> list[Any]:
    """Gradients of gradients of sums, as lists."""
    leaves = [leaf(engine, each) for each in values]
    total, found = act(engine, *leaves).sum(), []
    for _ in range(order):
        parts = gradient(engine)(total + sum((each * each * each).sum() for each in leaves), leaves, create_graph=True)
        found += [part.tolist() for part in parts]
        total = sum((part * part).sum() for part in parts)
    return found


EDGES: Final[dict[str, tuple[Act, list[Any], int]]] = {
    "equal elements share": (lambda e, a, b: a.maximum(b) * b, [[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]], 2),
    "equal elements share the lesser": (lambda e, a, b: a.minimum(b) * b, [[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]], 2),
    "the bounds of clamp": (lambda e, a: a.clamp(-1, 1) * a, [[-2.0, -1.0, 0.0, 1.0, 2.0]], 2),
    "a tie of the greatest": (lambda e, a: a.amax(1) * a.sum(), [[[3.0, 3.0, 1.0], [0.0, 5.0, 2.0]]], 2),
    "no zero": (lambda e, a: a.prod(), [[2.0, 3.0, 4.0]], 3),
    "one zero": (lambda e, a: a.prod(), [[2.0, 0.0, 3.0, 4.0]], 3),
    "two zeros": (lambda e, a: a.prod(), [[2.0, 0.0, 0.0, 4.0]], 3),
    "three zeros": (lambda e, a: a.prod(), [[0.0, 0.0, 0.0, 4.0]], 3),
    "zeros in rows": (lambda e, a: a.prod(0), [[[2.0, 0.0], [0.0, 0.0], [5.0, 7.0]]], 3),
    "a number that is 0": (lambda e, a: a.prod() * a, [0.0], 3),
    "places that occur twice": (
        lambda e, a: a.gather(0, chosen(e, [[0, 0, 1], [0, 1, 1]])),
        [[[1.0, 2, 3], [4, 5, 6]]],
        2,
    ),
    "a sample's variance": (lambda e, a: a.var() * a.var(0), [[1.0, 2.0, 4.0]], 2),
    "several axes": (lambda e, a: a.var([0, 2]) * a.mean((0, -1)) * a.amax([2, 0]), [[[[1.0, 2], [4, 9]]]], 2),
    "three pieces": (
        lambda e, a, b: e.cat([a, b, a], 1) * e.stack([b, a, b], 0).reshape(1, 6),
        [[[1.0, 2.0]], [[3.0, 5.0]]],
        2,
    ),
    "a conditional": (lambda e, a, b: a.where(a > b, b * 2.0) * a.where(a == b, 3.0), [[1.0, 2.0], [0.0, 2.0]], 2),
    "an exchange and its inverse": (
        lambda e, a: a.permute(1, 2, 0) * 2 + a.permute(2, 0, 1).permute(2, 0, 1),
        [[[[1.0]]]],
        2,
    ),
}


@pytest.mark.parametrize("edge", EDGES)
def test_edges_are_torchs(edge: str) -> None:
    """Where derivatives jump or a quotient would be 0/0, to second or third order."""
    act, values, order = EDGES[edge]
    ours, theirs = (derivatives(engine, act, values, order) for engine in (kernels, torch))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)


# ---- views and writes ----------------------------------------------------------------------------------------

VIEWS: Final[tuple[Act, ...]] = (
    lambda a: a.permute([1, 0]),
    lambda a: a.unsqueeze(0)[0],
    lambda a: a.unsqueeze(-1).squeeze(-1),
    lambda a: a.expand(2, 2),
    lambda a: a[1].expand([3, 2]),
    lambda a: a[1].expand([3, 2])[2].expand(1, -1),
    lambda a: a[:, :1].expand(-1, 2)[0],
    lambda a: a[:1].squeeze(0),
    lambda a: a.squeeze(),
    lambda a: a.reshape(4)[1:3].reshape(2, 1).permute(1, 0),
)


def zero(v: Any, w: Any) -> None:
    v.zero_()


WRITES: Final[tuple[Act, ...]] = (
    lambda v, w: v.mul_(w),
    lambda v, w: v.add_(w),
    zero,
    lambda v, w: v.__setitem__(0, w),
    lambda v, w: v.__setitem__(slice(0, 1), 7.0),
)


@pytest.mark.parametrize("write", range(len(WRITES)))
@pytest.mark.parametrize("view", range(len(VIEWS)))
def test_written_views_are_torchs(view: int, write: int) -> None:
    """Memory, versions and histories of every kind of view, written in every way, and what is refused."""
    ours, theirs = (written(engine, VIEWS[view], WRITES[write]) for engine in (kernels, torch))
    assert (
        ours[: len(theirs)] == theirs
    )  # torch writes zeros where elements share memory, but has no gradient of it then
    assert ours == theirs or WRITES[write] is zero


def written(engine: Any, view: Act, write: Act) -> list[Any]:
    """What a write into a view leaves: the base, the view and another one, versions, and gradients."""
    x, w = leaf(engine, [[1.0, 2.0], [3.0, 4.0]]), leaf(engine, [5.0, 6.0])
    y = x * 1
    v, other = view(y), y.permute(1, 0)
    try:
        write(v, w)
    except (RuntimeError, ValueError):  # a row may be too long for its place, and elements may share theirs
        return ["refused", y.tolist(), y._version]
    seen = [y.tolist(), v.tolist(), other.tolist(), y._version, v._version, other._version]
    try:
        (y * other * x).sum().backward()
    except RuntimeError:
        if engine is kernels:
            raise
        return seen
    return [*seen, x.grad.tolist(), None if w.grad is None else w.grad.tolist()]


def test_elements_that_share_memory_are_not_written() -> None:
    """The refusal has a name, and comes before any change."""
    y = kernels.tensor([[1.0, 2.0]])
    with pytest.raises(kernels.Overlapping, match="single memory location"):
        y.expand(2, 2).add_(1.0)
    assert (y.tolist(), y._version) == ([[1.0, 2.0]], 0)


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_views_of_nothing_share_versions(shape: Shape) -> None:
    """A view of no elements counts the writes of its base, as torch's does."""
    for engine in (kernels, torch):
        y = engine.tensor(np.zeros(shape))
        views = [y.unsqueeze(0), y.reshape(-1), y.expand(*shape), y[:0]]
        y.add_(1.0)
        assert [each._version for each in views] == [1] * 4


COPIES: Final[tuple[Act, ...]] = (
    lambda e, a: a.flip(0),
    lambda e, a: a.roll(0, 0),
    lambda e, a: a.roll(2, 0),
    lambda e, a: pad(e, a, [0, 0]),
    lambda e, a: e.cat([a]),
    lambda e, a: a.clamp(-9, 9),
    lambda e, a: a.cumsum(0),
    lambda e, a: a.sum(0, keepdim=True),
    lambda e, a: a.where(a == a, a),
    lambda e, a: a.gather(1, chosen(e, [[0, 1]])),
)


@pytest.mark.parametrize("copy", range(len(COPIES)))
def test_copies_are_apart(copy: int) -> None:
    """What is no view does not change with its operand."""
    for engine in (kernels, torch):
        a = leaf(engine, [[1.0, 2.0]], requires_grad=False)
        result = COPIES[copy](engine, a)
        before = result.tolist()
        a.mul_(-5.0)
        assert (result.tolist(), result._version) == (before, 0)


def test_conditions_and_indices_are_watched() -> None:
    """A condition or an index that was overwritten is met by a refusal, as in torch; a second backward as well."""
    for engine in (kernels, torch):
        x = leaf(engine, [1.0, 2.0])
        condition, index = x.detach() > 1.0, chosen(engine, [0, 1])
        picked, found = x.where(condition, 0.0).sum(), x.gather(0, index).sum()
        index.zero_()
        condition.zero_()
        for total in (picked, found):
            with pytest.raises(RuntimeError, match="inplace operation"):
                total.backward()
        again = x.gather(0, index).sum()
        again.backward()
        with pytest.raises(RuntimeError, match="second time"):
            again.backward()


# ---- what is refused -------------------------------------------------------------------------------------------

MISFITS: Final[tuple[Act, ...]] = (
    lambda e, a: a.sum(2),
    lambda e, a: a.cumsum(-3),
    lambda e, a: a.permute(0, 0),
    lambda e, a: a.permute(0),
    lambda e, a: a.unsqueeze(4),
    lambda e, a: a.squeeze(2),
    lambda e, a: a.expand(3, 3),
    lambda e, a: a.expand(3),
    lambda e, a: a.mv(a),
    lambda e, a: a.outer(a),
    lambda e, a: a @ a[0, 0],
    lambda e, a: e.cat([a, a[0]]),
    lambda e, a: e.stack([a, a[0]]),
    lambda e, a: a.where(a, a),
    lambda e, a: a.gather(0, a),
    lambda e, a: a.gather(0, chosen(e, [[2, 0]])),
)


@pytest.mark.parametrize("misfit", range(len(MISFITS)))
def test_misfits_are_refused(misfit: int) -> None:
    """What torch refuses, the kernel engine does."""
    for engine in (kernels, torch):
        with pytest.raises((ValueError, RuntimeError, IndexError, TypeError)):
            MISFITS[misfit](engine, leaf(engine, [[1.0, 2.0], [3.0, 4.0]]))


# ---- numbers ---------------------------------------------------------------------------------------------------


def test_nothing_overflows_on_the_way() -> None:
    """Sigmoids of large numbers are 0 and 1, with gradients of 0, and no warning is given."""
    x = kernels.tensor([-1e4, -40.0, 0.0, 40.0, 1e4], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = x.sigmoid()
        y.sum().backward()
    assert y.tolist() == [0.0, pytest.approx(np.exp(-40.0)), 0.5, 1.0, 1.0]
    assert x.grad is not None
    assert x.grad.tolist()[0] == x.grad.tolist()[-1] == 0.0


def test_small_differences_are_kept() -> None:
    """Variances of numbers far from 0, and logarithms of numbers near 1, lose nothing."""
    far = kernels.tensor([1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4])
    assert far.var(correction=0).item() == 1.25
    assert kernels.tensor([1e-20]).log1p().tolist() == [1e-20]


def test_a_variance_of_nothing_warns_of_nothing() -> None:
    """No element, or one too few, gives NaN as in torch, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values, correction in (([], 0), ([1.0], 1)):
            assert np.isnan(kernels.tensor(values).var(correction=correction).item())


@pytest.mark.parametrize("act", [lambda a: a.prod(), lambda a: a.prod(0)], ids=["all", "axis"])
def test_a_long_product_is_differentiated_in_linear_memory(act: Act) -> None:
    """The first derivative of a product needs no square of its length."""
    x = kernels.tensor(np.full(200_000, 1.0), requires_grad=True)
    act(x).backward()
    assert x.grad is not None
    assert x.grad.sum().item() == 200_000


def test_expanded_memory_is_not_copied() -> None:
    """An expanded view is one of few numbers, however large it looks."""
    assert kernels.tensor([1.0]).expand(10**6, 10**6).shape == (10**6, 10**6)
