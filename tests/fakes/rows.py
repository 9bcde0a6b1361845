"""tests/fakes/odd.py with tensors of at least two axes: a number is of shape (1, 1), a vector of shape (1, n)."""

import numpy as np
from odd import Tensor

_made = Tensor.__init__


def _at_least_two_axes(self, data, *rest, **options):
    _made(self, np.atleast_2d(data), *rest, **options)


Tensor.__init__ = _at_least_two_axes
