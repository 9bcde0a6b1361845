"""Forward-mode derivatives of recorded graphs against differences and closed formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model.forward import GradientNode, Node, Value, evaluate, pull
from conformance.model.numbers import Array, exact_array
from conformance.operators.rules import array_of

HALF: Final = fmpq(1, 2)
numbers = st.integers(-4, 4).map(fmpq)


def apply(operator: str, *operands: Value, **attributes: Any) -> Value:
    node = Node(operator, operands, attributes)
    return Value(node.run({}, {}), node)


def leaf(values: Any) -> Value:
    return Value(exact_array(values))


def arrays(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    size = int(np.prod(shape, dtype=int))
    return st.lists(numbers, min_size=size, max_size=size).map(lambda flat: exact_array(flat).reshape(shape))


# Graphs of degree two at most: the central difference of a quadratic is its derivative, whatever the step.
QUADRATICS: Final[dict[str, tuple[tuple[tuple[int, ...], ...], Callable[..., Value]]]] = {
    "a product of two": (((3,), (3,)), lambda x, w: apply("mul", x, w)),
    "a square, as one operand twice": (((2, 2),), lambda x: apply("mul", x, x)),
    "broadcast from 0-d": (((), (3,)), lambda x, w: apply("mul", apply("add", x, w), x)),
    "broadcast along two axes": (((2, 1), (1, 3)), lambda x, w: apply("sub", apply("mul", x, w), w)),
    "a matrix product": (((2, 3), (3, 2)), lambda x, w: apply("mm", x, w)),
    "a matrix by its own transpose": (((2, 3),), lambda x: apply("mm", x, apply("transpose", x))),
    "a dot product of itself": (((4,),), lambda x: apply("dot", x, x)),
    "a gather with repetition": (((3,),), lambda x: apply("mul", apply("index", x, index=[2, 0, 2]), x)),
    "a slice": (((3, 2),), lambda x: apply("mul", *[apply("index", x, index={"slice": [1, None]})] * 2)),
    "sums along axes": (
        ((2, 3),),
        lambda x: apply("mul", *[apply("sum_axis", x, axis=axis) for axis in (0, 0)]),
    ),
    "a mean of a refolded square": (
        ((2, 2),),
        lambda x: apply("mean", apply("reshape", apply("pow", x, leaf(2)), shape=(4,))),
    ),
    "a diamond": (((), ()), lambda x, w: apply("add", apply("mul", x, w), apply("neg", apply("mul", w, x)))),
    "a quotient by a constant": (((2,),), lambda x: apply("div", apply("mul", x, x), leaf(4))),
}


def differences(build: Callable[..., Value], inputs: Sequence[Value], weights: Array) -> list[Array]:
    """Central differences of sum(weights * output) by each element of each input, in exact rationals."""
    results = []
    for position, wiggled in enumerate(inputs):
        result = np.empty(wiggled.array.shape, dtype=object)
        for index in np.ndindex(wiggled.array.shape):
            sums = []
            for step in (HALF, -HALF):
                moved = wiggled.array.copy()
                moved[index] += step
                output = build(*inputs[:position], Value(moved), *inputs[position + 1 :])
                sums.append(sum(output.array.flat * weights.flatten(), fmpq(0)))
            result[index] = sums[0] - sums[1]
        results.append(result)
    return results


@pytest.mark.parametrize("name", QUADRATICS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_pull_is_the_central_difference(name: str, data: st.DataObject) -> None:
    """The vector-Jacobian product of a quadratic is exactly its central difference, in the inputs' shapes."""
    shapes, build = QUADRATICS[name]
    inputs = [Value(data.draw(arrays(shape))) for shape in shapes]
    output = build(*inputs)
    weights = data.draw(arrays(output.array.shape))
    found = pull([(output, weights)], inputs)
    for gradient, truth, value in zip(found, differences(build, inputs, weights), inputs, strict=True):
        assert gradient.shape == value.array.shape
        assert np.array_equal(gradient, truth)


@settings(deadline=None)
@given(arrays((2,)), arrays((2,)), arrays((2,)))
def test_pull_sums_over_outputs(a: Array, v: Array, w: Array) -> None:
    """Several outputs add up; an input that is itself an output receives that output's cotangent."""
    x = Value(a)
    y = apply("mul", x, x)
    [found] = pull([(y, v), (apply("neg", x), w)], [x])
    assert np.array_equal(found, 2 * a * v - w)
    [found] = pull([(x, v)], [x])
    assert np.array_equal(found, v)


@settings(deadline=None)
@given(arrays((2,)), arrays((2,)))
def test_held_tensors_are_constants(a: Array, v: Array) -> None:
    """What goes through a held tensor does not count; a held output still counts through its own node."""
    x = Value(a)
    y = apply("mul", x, x)
    z = apply("mul", y, x)
    assert np.array_equal(pull([(z, v)], [x])[0], 3 * a * a * v)
    assert np.array_equal(pull([(z, v)], [x], {y: y.array})[0], a * a * v)
    assert np.array_equal(pull([(y, v)], [x], {y: y.array})[0], 2 * a * v)
    assert np.array_equal(pull([(z, v)], [y], {x: x.array})[0], a * v)


@settings(deadline=None)
@given(arrays((2,)))
def test_what_does_not_depend_gets_zeros(a: Array) -> None:
    """An input that the output does not depend on receives zeros of its own shape."""
    x, w = Value(a), leaf([[1], [2], [3]])
    found = pull([(apply("mul", x, x), a)], [x, w])
    assert found[1].shape == (3, 1)
    assert not any(found[1].flat)


def test_a_lone_element_stays_an_array() -> None:
    """0-d values and gradients are arrays of no axes, never bare numbers."""
    x = leaf(3)
    y = apply("mul", x, x)
    [found] = pull([(y, exact_array(1))], [x])
    assert (y.array.shape, found.shape) == ((), ())
    assert found.item() == 6
    assert array_of(fmpq(1)).shape == ()


# --- gradients that are differentiated again


def gradient(root: Value, by: Value, *held: Value) -> Value:
    """The gradient of sum(root) by `by`, as a tensor of the graph."""
    ones = Value(exact_array(np.ones(root.array.shape, dtype=int)))
    node = GradientNode(((root, ones),), by, held)
    return Value(node.run({}, {}), node)


@settings(deadline=None)
@given(arrays((2,)), arrays((2,)))
def test_derivatives_to_the_third_order(a: Array, b: Array) -> None:
    """Differentiating x**3 * w three times gives 3x**2 w, 6xw and 6w; by w in between 3x**2 and 6x."""
    x, w = Value(a), Value(b)
    root = apply("mul", apply("mul", apply("mul", x, x), x), w)
    first = gradient(root, x)
    second = gradient(first, x)
    third = gradient(second, x)
    assert np.array_equal(first.array, 3 * a * a * b)
    assert np.array_equal(second.array, 6 * a * b)
    assert np.array_equal(third.array, 6 * b)
    assert np.array_equal(gradient(first, w).array, 3 * a * a)
    assert np.array_equal(gradient(gradient(first, w), x).array, 6 * a)
    assert np.array_equal(gradient(gradient(root, w), x).array, 3 * a * a)


@settings(deadline=None)
@given(arrays(()), arrays(()))
def test_gradients_are_tensors_to_compute_with(a: Array, b: Array) -> None:
    """A gradient penalty: d (dz/dx)**2 / dx with z = x**2 w is 8xw**2, and by w it is 8x**2 w."""
    x, w = Value(a), Value(b)
    first = gradient(apply("mul", apply("mul", x, x), w), x)
    penalty = apply("mul", first, first)
    found = pull([(penalty, exact_array(1))], [x, w])
    assert found[0].item() == 8 * a.item() * b.item() ** 2
    assert found[1].item() == 8 * a.item() ** 2 * b.item()


@settings(deadline=None)
@given(arrays((2,)))
def test_a_held_tensor_varies_with_an_outer_derivative(a: Array) -> None:
    """With y = x*x held, d(y*x)/dx = y; as a function of x that is x*x, whose derivative is 2x."""
    x = Value(a)
    y = apply("mul", x, x)
    partial = gradient(apply("mul", y, x), x, y)
    assert np.array_equal(partial.array, a * a)
    assert np.array_equal(gradient(partial, x).array, 2 * a)


@settings(deadline=None)
@given(arrays((2,)), arrays((2,)))
def test_cotangents_are_differentiated_too(a: Array, v: Array) -> None:
    """The gradient v * 2x is linear in its cotangent v: its derivative by v is 2x."""
    x, cotangent = Value(a), Value(v)
    node = GradientNode(((apply("mul", x, x), cotangent),), x)
    found = Value(node.run({}, {}), node)
    assert np.array_equal(pull([(found, exact_array([1, 1]))], [cotangent])[0], 2 * a)


def test_replaced_tensors_change_what_follows() -> None:
    """Evaluating a graph with a tensor replaced recomputes what depends on it, and changes nothing."""
    x = leaf([2, 3])
    y = apply("mul", x, x)
    assert list(evaluate(apply("neg", y), {x: exact_array([5, 7])}, {})) == [-25, -49]
    assert list(y.array) == [4, 9]
