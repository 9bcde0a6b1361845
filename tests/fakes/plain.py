"""A toy engine on NumPy: a class with `.backward()`, and none of torch's names. The guide's example adapter spells it."""

import numpy as np


class Array:
    """Numbers with a gradient; `parents` are pairs of an operand and what takes a cotangent to it."""

    def __init__(self, data, parents=()):
        self.data = np.array(data, dtype=float)
        self.parents = parents
        self.gradient = None

    def numbers(self):
        return self.data.tolist()

    def plus(self, other):
        return Array(self.data + other.data, [(self, lambda g: g), (other, lambda g: g)])

    def times(self, other):
        return Array(self.data * other.data, [(self, lambda g: g * other.data), (other, lambda g: g * self.data)])

    def total(self):
        return Array(self.data.sum(), [(self, lambda g: g * np.ones(self.data.shape))])

    def backward(self):
        if self.data.size != 1:
            raise ValueError(f"only a single number can be differentiated, not {self.data.size}")
        cotangents = {self: np.ones(self.data.shape)}
        for node in reversed(_ordered(self, {})):
            cotangent = cotangents.pop(node)
            if not node.parents:
                node.gradient = Array(cotangent if node.gradient is None else node.gradient.data + cotangent)
            for operand, pull in node.parents:
                cotangents[operand] = cotangents.get(operand, 0.0) + _folded(pull(cotangent), operand.data.shape)


def _ordered(node, found):
    """A node after all that it was made of."""
    if node not in found:
        for operand, _ in node.parents:
            _ordered(operand, found)
        found[node] = None
    return list(found)


def _folded(array, shape):
    """The sum over what broadcasting repeated."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    repeated = tuple(axis for axis, extent in enumerate(shape) if extent == 1)
    return array.sum(axis=repeated, keepdims=True) if repeated else array
