"""A small NumPy engine without oddities, which the rows of tests/test_oddities.py make odd in one way each."""

import numpy as np


class Tensor:
    """Numbers, a gradient, and pairs of an operand and what takes a cotangent to it."""

    def __init__(self, data, requires_grad=False, parents=()):
        self.data = np.array(data, dtype=float)
        self.requires_grad = requires_grad or any(p.requires_grad for p, _ in parents)
        self.parents = [(p, pull) for p, pull in parents if p.requires_grad]
        self.grad = None

    @property
    def shape(self):
        return self.data.shape

    def tolist(self):
        return self.data.tolist()

    def _other(self, other):
        return other if isinstance(other, Tensor) else Tensor(other)

    def __add__(self, other):
        other = self._other(other)
        return result(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = self._other(other)
        return result(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return result(-self.data, (self, lambda g: -g))

    def exp(self):
        y = np.exp(self.data)
        return result(y, (self, lambda g: g * y))

    def square(self):
        return result(self.data**2, (self, lambda g: g * 2 * self.data))

    def sum(self):
        return result(self.data.sum(), (self, lambda g: g * np.ones(self.data.shape)))

    def dot(self, other):
        y = np.dot(self.data, other.data)
        return result(y, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def detach(self):
        return Tensor(self.data)

    def zero_grad(self):
        self.grad = Tensor(np.zeros(self.data.shape))

    def backward(self, gradient=None):
        if gradient is None and self.data.size != 1:
            raise ValueError("backward of a tensor that is no scalar wants a gradient")
        _sweep(self, np.ones(self.data.shape) if gradient is None else gradient.data)


def result(data, *parents):
    """What an operator gives."""
    return Tensor(data, False, parents)


def _sweep(root, cotangent):
    cotangents = {id(root): cotangent}
    for node in reversed(_ordered(root)):
        g = cotangents.pop(id(node))
        if not node.parents:
            _accumulate(node, g)
        for operand, pull in node.parents:
            part = folded(pull(g), operand.data.shape)
            cotangents[id(operand)] = cotangents.get(id(operand), 0.0) + part


def _accumulate(node, g):
    node.grad = Tensor(g if node.grad is None else node.grad.data + g)


def _ordered(root):
    """A node after all that it was made of."""
    found, waiting = {}, [(root, False)]
    while waiting:
        node, done = waiting.pop()
        if done:
            found[id(node)] = node
        elif id(node) not in found:
            waiting += [(node, True), *[(operand, False) for operand, _ in node.parents]]
    return list(found.values())


def folded(array, shape):
    """The sum over what broadcasting repeated."""
    array = np.asarray(array)
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    repeated = tuple(axis for axis, extent in enumerate(shape) if extent == 1)
    return array.sum(axis=repeated, keepdims=True) if repeated else array
