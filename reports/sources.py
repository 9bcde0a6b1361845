"""Where a rule is stated, with links to what is known to be public; what is not known stays text."""

from __future__ import annotations

import re
from typing import Final

from reports.text import linked

_TORCH: Final = "https://docs.pytorch.org/docs/stable/"
# The first pattern that begins a source gives its address; a group of the pattern stands where the address has {}.
_ADDRESSES: Final[tuple[tuple[str, str], ...]] = (
    (r"(torch\.(?:Tensor\.|autograd\.|optim\.Optimizer\.|linalg\.)?[a-z]\w*)(?![\w.])", _TORCH + "generated/{}.html"),
    (r"(jax\.(?:lax\.)?[a-z]\w*)(?![\w.])", "https://docs.jax.dev/en/latest/_autosummary/{}.html"),
    (r"torch autograd notes", _TORCH + "notes/autograd.html"),
    (r"torch tensor attributes", _TORCH + "tensor_attributes.html"),
    (r"torch broadcasting semantics", _TORCH + "notes/broadcasting.html"),
    (r"torch (0\.[123]) autograd notes", "https://docs.pytorch.org/docs/{}.0/notes/autograd.html"),
    (r"torch (0\.[123]) Variable", "https://docs.pytorch.org/docs/{}.0/autograd.html"),
    (r"torch 0\.4 migration guide", "https://pytorch.org/blog/pytorch-0_4_0-migration-guide/"),
    (r"torch test suite", "https://github.com/pytorch/pytorch/blob/main/test/test_autograd.py"),
    (r"Griewank and Walther", "https://doi.org/10.1137/1.9780898717761"),
    (r"Zhang et al\., Dive into Deep Learning", "https://d2l.ai/chapter_preliminaries/autograd.html"),
    (r"Paszke et al\.", "https://openreview.net/forum?id=BJJsrmfCZ"),
    (r"TensorFlow's unconnected_gradients", "https://www.tensorflow.org/api_docs/python/tf/UnconnectedGradients"),
    (r"NumPy's broadcasting rules", "https://numpy.org/doc/stable/user/basics.broadcasting.html"),
    (r"NumPy, assigning values to indexed arrays", "https://numpy.org/doc/stable/user/basics.indexing.html"),
    (r"Python's (?:data model|object\.|emulation|reflected)", "https://docs.python.org/3/reference/datamodel.html"),
)
# Names that have no page of their own.
_PAGELESS: Final = frozenset({"torch.autograd", "torch.Tensor.grad_fn", "torch.Tensor.data"})


def cited(source: str) -> list[tuple[str, str | None]]:
    """`source` cut into pieces, each with its address when it has one, else None: `torch.mul; chain rule` links the first."""
    pieces: list[tuple[str, str | None]] = []
    for part in re.split(r"(; )", source):
        address = _address(part)
        pieces += [(part, address)] if address else linked(part)
    return pieces


def _address(part: str) -> str | None:
    for pattern, address in _ADDRESSES:
        if (match := re.match(pattern, part)) and not _PAGELESS & set(match.groups()):
            return address.format(*match.groups())
    return None
