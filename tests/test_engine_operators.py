"""The reference's operators do what torch's do: numbers, derivatives of both orders, shapes, dtypes, memory and refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.adapter import load
from conformance.agent.lowering import literal
from conformance.operators import OPERATORS, Operator
from conformance.strategies import attributes, operands
from implementations import reference
from implementations.reference import rules

torch = pytest.importorskip("torch", reason="torch is not installed: install the extra [torch]")

DIFFERENTIABLE = [name for name, operator in OPERATORS.items() if not operator.result]
VIEWS = [name for name, operator in OPERATORS.items() if operator.views]
# What engines that round may differ by after two derivatives, over the largest number: measured, and no rule of the suite.
ROUNDING = {"float64": 1e-12, "float32": 1e-4}


class Spoken:
    """An engine through its adapter's spellings, on the names a, b, c and what is put beside them."""

    def __init__(self, engine: str) -> None:
        self.adapter = load(engine)
        self.names: dict[str, Any] = {}
        exec(self.adapter.prelude, self.names)

    def say(self, key: str, **parts: Any) -> Any:
        """The value of a spelling."""
        return eval(self.adapter.spellings[key].format(**parts), self.names)

    def array(self, key: str, value: Any, dtype: str) -> Any:
        """A leaf or a constant."""
        return self.say(key, value=value.tolist(), dtype=self.adapter.dtypes[dtype])

    def operand(self, value: Any, domain: str, dtype: str) -> Any:
        """A leaf; a tensor of bools for bits; a number for an exponent."""
        if domain == "exponent":
            return value.item()
        self.names["x"] = self.array("leaf", value, dtype)
        return self.say("gt", a="x", b="0") if domain == "bits" else self.names["x"]

    def applied(self, operator: Operator, chosen: dict[str, Any]) -> Any:
        """An operator of a, b and c."""
        listed = operator.name == "index" and isinstance(chosen["index"], list)
        parts = {"keepdim": "False", **{name: literal(value) for name, value in chosen.items()}}
        return self.say("index.list" if listed else operator.name, a="a", b="b", c="c", **parts)

    def computed(self, operator: Operator, chosen: dict[str, Any], values: list[Any], dtype: str) -> list[Any]:
        """y, the gradients of the sum of w y^2 and those of the sum of their cubes."""
        letters = dict(zip("abc", operator.reals, strict=False))
        for (letter, domain), value in zip(letters.items(), values, strict=True):
            self.names[letter] = self.operand(value, domain, dtype)
        inputs = ", ".join(letter for letter, domain in letters.items() if domain not in ("bits", "exponent"))
        y = self.names["y"] = self.applied(operator, chosen)
        weights = np.cos(np.arange(np.prod(y.shape, dtype=int))).reshape(tuple(y.shape))
        self.names["total"] = (y * y * self.array("constant", weights, dtype)).sum()
        first = self.say("grad", root="total", inputs=inputs, options=", create_graph=True")
        self.names["total"] = sum((gradient * gradient * gradient).sum() for gradient in first)
        return [y, *first, *self.say("grad", root="total", inputs=inputs, options="")]


@st.composite
def applications(draw: st.DrawFn, name: str) -> tuple[Operator, dict[str, Any], list[Any]]:
    """An operator, its attributes, and floats from where it is smooth, in the shapes of an exact draw."""
    operator = OPERATORS[name]
    drawn = draw(operands(operator))
    chosen = draw(attributes(operator, drawn[0].shape))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    return operator, chosen, [_real(*pair, generator) for pair in zip(drawn, operator.reals, strict=True)]


def _real(array: Any, domain: str, generator: np.random.Generator) -> Any:
    if domain in ("bits", "exponent"):
        return array.astype(float)
    floats = generator.uniform(0.5, 1.5, array.shape)
    return floats if domain == "positive" else floats * generator.choice([-1.0, 1.0], array.shape)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_values_and_two_derivatives(name: str, dtype: str, data: st.DataObject) -> None:
    """Shapes and dtypes are equal, numbers within ROUNDING."""
    drawn = data.draw(applications(name))
    ours, theirs = (Spoken(engine).computed(*drawn, dtype) for engine in ("reference", "torch"))
    for mine, other in zip(ours, theirs, strict=True):
        expected = np.array(other.tolist())
        assert (mine.shape, f"torch.{mine.dtype}") == (tuple(other.shape), str(other.dtype))
        np.testing.assert_allclose(mine.tolist(), expected, rtol=0, atol=ROUNDING[dtype] * max(1, abs(expected).max()))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_memory_is_shared_where_torch_shares_it(name: str, data: st.DataObject) -> None:
    """After a write to its operand a result shows the new numbers, with their version, exactly if it is a view."""
    operator, chosen, values = data.draw(applications(name))
    seen = []
    for engine in ("reference", "torch"):
        spoken = Spoken(engine)
        spoken.names.update(
            (letter, spoken.operand(value, domain, "float64"))
            for letter, value, domain in zip("abc", values, operator.reals, strict=False)
        )
        with spoken.say("no_grad"):
            y = spoken.applied(operator, chosen)
            before = y._version
            spoken.names["b" if name == "where" else "a"].mul_(2)  # a condition is no number
        seen.append((y._version - before, np.round(np.array(y.tolist()), 9).tolist()))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", VIEWS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_view_is_written_through(name: str, data: st.DataObject) -> None:
    """A recorded write to a view changes its base and the base's gradient; one to repeated elements is refused."""
    drawn = data.draw(applications(name))
    ours, theirs = (_written_through(Spoken(engine), *drawn) for engine in ("reference", "torch"))
    assert ours == theirs


def _written_through(spoken: Spoken, operator: Operator, chosen: dict[str, Any], values: list[Any]) -> Any:
    leaf = spoken.array("leaf", values[0], "float64")
    base = spoken.names["a"] = leaf * 1
    view = spoken.applied(operator, chosen)
    try:
        view.mul_(3)
    except RuntimeError as refusal:
        return "more than one element of the written-to tensor" in str(refusal) or str(refusal)
    (base * base).sum().backward()
    return base.tolist(), leaf.grad.tolist(), base._version


# Arrays without elements, numbers without axes, ties and kinks: a lambda of the engine and of a leaf, and the leaf's numbers.
CORNERS: dict[str, tuple[Any, Any]] = {
    "the sum of nothing": (lambda e, x: x.sum(), []),
    "the product of nothing": (lambda e, x: x.prod() + x.sum(), []),
    "the norm of nothing": (lambda e, x: x.norm(), []),
    "the mean of nothing": (lambda e, x: x.mean(), []),
    "rows of nothing": (lambda e, x: x.prod(1) + x.sum(1) + x.norm(dim=1), [[], []]),
    "the dot product of nothing": (lambda e, x: x.dot(x), []),
    "the outer product of nothing": (lambda e, x: x.outer(x).sum(0), []),
    "a lone number along an axis": (lambda e, x: x.sum(0) + x.mean(-1) + x.prod(0) + x.amax(-1) + x.norm(dim=0), 3.0),
    "a lone number in a row": (lambda e, x: x.cumsum(0) + x.flip(-1) + x.squeeze(0), 3.0),
    "a long axis squeezed": (lambda e, x: x.squeeze(0), [1.0, 2.0]),
    "three in a row": (lambda e, x: e.cat([x, x * 2, x * x]), [1.0, 2.0]),
    "one alone": (lambda e, x: e.cat([x]) * e.stack([x], -1).sum(), [1.0, 2.0]),
    "one factor 0": (lambda e, x: x.prod() * x.sum(), [0.0, 2.0, 3.0]),
    "two factors 0": (lambda e, x: x.prod(0).sum(), [[0.0, 1.0], [0.0, 0.0], [3.0, 2.0]]),
    "ties for the maximum": (lambda e, x: x.max() + x.amax(0).sum(), [2.0, 1.0, 2.0]),
    "ties of two": (lambda e, x: x.maximum(x.flip(0)) + 3 * x.minimum(x.flip(0)) * x, [1.0, 2.0, 5.0]),
    "elements at the bounds": (lambda e, x: x.clamp(-1, 2), [-2.0, -1.0, 0.0, 2.0, 3.0]),
    "the norm of zeros": (lambda e, x: x.norm(dim=1), [[0.0, 0.0], [3.0, 4.0]]),
    "far from 0": (lambda e, x: x.sigmoid() + x.tanh(), [-800.0, -40.0, 40.0, 800.0]),
    "much the same": (lambda e, x: x.var(correction=0), [1e8 + 1, 1e8 + 2, 1e8 + 4]),
    "one element's variance": (lambda e, x: x.var(correction=0) + x.var(0, correction=0, keepdim=True), [5.0]),
    "a write to what nothing repeats": (lambda e, x: (x * 1).expand([2]).mul_(x), [1.0, 2.0]),
    "the estimate of a variance": (lambda e, x: x.var() + x.var(0), [5.0, 6.0, 9.0]),
    "no number at all": (lambda e, x: x.max() + x.maximum(x * 2).sum(), [1.0, float("nan")]),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_corners(corner: str) -> None:
    """The value and the gradient are torch's there too, up to the last two of 16 digits, and nobody warns."""
    function, numbers = CORNERS[corner]
    seen = []
    for engine, dtype in ((reference, "float64"), (torch, torch.float64)):
        x = engine.tensor(numbers, dtype=dtype, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = function(engine, x)
            y.sum().backward()
        seen.append([np.array(result.tolist()) for result in (y, x.grad)])
    for mine, other in zip(*seen, strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-14)


def test_sigmoid_never_overflows() -> None:
    """Not even on the way to a right result."""
    with np.errstate(over="raise"):
        assert rules.sigmoid(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]


def test_empty_views_share_their_versions() -> None:
    """Memory without bytes is shared too: by what is a view of it, and not by a copy."""
    x = reference.tensor([[], []])
    views = [x.reshape(0), x.t(), x[1:], x.expand([3, 2, 0]), x.detach()]
    copies = [x.flip(0), x.clone(), x * 1]
    x.add_(1)
    assert [y._version for y in (*views, *copies)] == [1] * len(views) + [0] * len(copies)
