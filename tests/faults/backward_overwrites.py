# A second backward replaces the gradient that was there.
_tensor, _backward, _leaves = torch.tensor, torch.Tensor.backward, []


def _remembered(*arguments, **options):
    _leaves.append(_tensor(*arguments, **options))
    return _leaves[-1]


def _overwriting(self, *arguments, **options):
    for leaf in _leaves:
        leaf.grad = None
    _backward(self, *arguments, **options)


torch.tensor, torch.Tensor.backward = _remembered, _overwriting
