"""Printed text, as torch prints it."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.tensor import expect, recorded_dtype, tensor


@clause(
    "dialect",
    source="document 000 In[9] to In[24], 001 In[2], In[3], 004 In[3], In[24]",
    mutant="printed_text_hides_the_flag",
    dialect="torch",
    given={"n": st.integers(2, 4)},
)
def test_a_tensor_shows_its_history(n: int) -> None:
    """A leaf shows requires_grad=True, a result its grad_fn, a constant neither."""
    entries = ", ".join(f"{i}." for i in range(n))
    dtype = ", dtype=torch.float64" if recorded_dtype() == "float64" else ""
    x = tensor(list(range(n)), requires_grad=True)
    y = x + 0
    expect(x.text(), f"tensor([{entries}]{dtype}, requires_grad=True)")
    expect(y.text(), f"tensor([{entries}]{dtype}, grad_fn=<AddBackward0>)")
    expect(y.detach().text(), f"tensor([{entries}]{dtype})")
