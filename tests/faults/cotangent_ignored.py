# backward(v) differentiates the sum whatever v is.
_backward = torch.Tensor.backward


def _ignoring(self, gradient=None, *rest, **options):
    _backward(self, None if gradient is None else torch.ones_like(gradient), *rest, **options)


torch.Tensor.backward = _ignoring
