"""A toy engine in plain Python: a class with `.backward()`, lists of numbers, and nothing of torch's."""


class Array:
    """A list of numbers, or one number (`shape` is empty), with its gradient and its history."""

    def __init__(self, data, parents=()):
        self.alone = not isinstance(data, list)
        self.data = [float(data)] if self.alone else [float(number) for number in data]
        self.parents = parents  # (parent, what a gradient is multiplied by, element by element)
        self.gradient = None

    def numbers(self):
        return self.data[0] if self.alone else self.data

    def plus(self, other):
        ones = [1.0] * max(len(self.data), len(other.data))
        return _made([a + b for a, b in _pairs(self, other)], ((self, ones), (other, ones)), self.alone and other.alone)

    def times(self, other):
        factors = list(zip(*_pairs(self, other)))
        result = [a * b for a, b in _pairs(self, other)]
        return _made(result, ((self, factors[1]), (other, factors[0])), self.alone and other.alone)

    def total(self):
        return _made([sum(self.data)], ((self, [1.0] * len(self.data)),), True)

    def backward(self):
        if not self.alone:
            raise ValueError("only a single number can be differentiated, not %d" % len(self.data))
        self._receive([1.0])

    def _receive(self, received):
        if len(received) != len(self.data):  # one side was stretched: the other way round is a sum
            received = [sum(received)] if self.alone else received * len(self.data)
        before = self.gradient or [0.0] * len(self.data)
        self.gradient = [a + b for a, b in zip(before, received)]
        for parent, factors in self.parents:
            longer = received * len(factors) if len(received) < len(factors) else received
            parent._receive([a * b for a, b in zip(longer, factors)])


def _made(data, parents, alone):
    return Array(data[0] if alone else data, parents)


def _pairs(a, b):
    length = max(len(a.data), len(b.data))
    return list(zip(a.data * (length if a.alone else 1), b.data * (length if b.alone else 1)))
