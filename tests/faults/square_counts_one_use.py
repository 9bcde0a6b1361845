# x * x counts only one of its two uses of x.
_mul = torch.Tensor.__mul__
torch.Tensor.__mul__ = lambda self, other: _mul(self, other.detach() if other is self else other)
