"""The catalogue of the example journals: forty clauses, made up of the real ones for the tests of reports."""

from __future__ import annotations

from typing import Any, Final

NOTES: Final = "torch autograd notes, https://pytorch.org/docs/stable/notes/autograd.html"

# A clause a line: id | level | sentence | source. A line that is indented continues the one above.
_TABLE: Final = """
leaves/flag_is_kept | contract | A leaf keeps the flag it was made with. | 001 In[2]
leaves/flip_returns_self | contract |
    requires_grad_ flips the flag in place and returns the leaf. | 004 In[2]
leaves/fresh_has_no_gradient | convention |
    Before the first backward a leaf's gradient is None or zeros. | notes
leaves/constant_result_is_leaf | contract | A result of constants requires no gradient. | 001 In[6]
operators/value_and_gradient | law | Each operator's value and VJP are those of the model. | mathematics
operators/broadcast_is_summed | law |
    A broadcast operand's gradient is summed to its shape. | NumPy broadcasting
operators/constant_operand | law | A Python scalar takes no gradient, on either side. | 000 In[2]
operators/reuse_sums | law | Reusing a leaf sums its cotangents: d(x*x) = 2x. | 000 In[11]
backward/scalar_root | contract | backward of a scalar seeds with one. | 003 c4
backward/needs_cotangent | contract | backward of a vector without a cotangent is refused. | 001 In[9]
backward/linear_in_cotangent | law |
    VJP is linear: backward(a*v + b*w) = a*backward(v) + b*backward(w). | mathematics
backward/diamond | law | Paths of a diamond are summed once each. | 000 In[21]
backward/shape_mismatch | contract | A cotangent of another shape is refused. | notes
accumulation/each_backward_adds | contract |
    Each backward adds its gradient to the leaf's: after k runs of the same graph, .grad = k * d. |
    torch autograd notes; 000 In[7]
accumulation/zero_clears | contract | After zero_ the next backward starts from nothing. | 000 In[10]
accumulation/other_leaves_untouched | contract |
    A backward leaves the gradients of unreached leaves alone. | notes
accumulation/two_roots | law | Gradients of two roots add up in a shared leaf. | 003 c7
detach/cuts | contract | Nothing flows through detach. | 000 In[24]
detach/value_is_shared | contract | A detached tensor has the value of its origin. | 004 In[24]
detach/is_constant | law | u = detach(x*x): d(u*x) = u. | 000 In[25]
modes/no_grad_records_nothing | contract | A result made under no_grad requires no gradient. | 001 In[12]
modes/no_grad_ends | contract | Recording goes on after no_grad, and after an exception in it. | notes
modes/enable_inside | contract | enable_grad inside no_grad records. | notes
hooks/fires_once | contract | A hook fires once for each backward, with the summed gradient. | notes
hooks/replaces | contract | What a hook returns replaces the gradient. | notes
hooks/removed_is_silent | contract | A removed hook does not fire. | notes
hooks/order | contract | Hooks fire in the order of their registration. | notes
graph/freed_after_backward | contract |
    A second backward of a freed graph is refused, or right. | 001 In[10]
graph/retained | contract | retain_graph lets a graph run again. | 001 In[10]
graph/deep_chain | contract | A chain of 100,000 operators is no deeper than memory. | exercise 1
graph/grad_fn_names | dialect | grad_fn names the last operator. | 001 In[5]
graph/next_functions | dialect | next_functions leads to the operands' nodes. | 002 In[2]
control/branch_taken | law | The gradient is that of the branch that ran. | 000 In[31]
control/loop_count | law | a.grad is the multiplier that was executed: 100 * 2^n or 2^n. | 000 In[36]
kinks/relu_at_zero | convention | relu'(0) is in [0, 1]. | D2L 4.1
kinks/tie_of_max | convention |
    A tie of max shares the cotangent by weights that sum to one. | JAX documentation
kinks/abs_at_zero | convention | abs'(0) is in [-1, 1]. | mathematics
inplace/version_conflict | contract | Changing a saved value in place is refused. | notes
inplace/leaf_is_refused | contract | A leaf that requires a gradient is not written in place. | notes
printing/repr_shows_flag | dialect | repr shows requires_grad=True for a leaf. | 000 In[2]
"""


def _catalogue() -> dict[str, dict[str, Any]]:
    lines = _TABLE.replace("\n    ", " ").strip().splitlines()
    return {line.split(" | ")[0]: _facts(*line.split(" | ")) for line in lines}


def _facts(name: str, level: str, sentence: str, source: str) -> dict[str, Any]:
    chapter, title = name.split("/")
    return {
        "chapter": chapter,
        "sentence": sentence,
        "level": level,
        "source": NOTES if source == "notes" else source,
        "mutant": f"broken_{title}",
        "dialect": "torch" if level == "dialect" else None,
    }


CLAUSES: Final = _catalogue()
