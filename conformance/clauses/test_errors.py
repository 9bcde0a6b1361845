"""Errors and warnings: what torch says, in its own words."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import Tensor, expect, expect_matches, native, native_value, no_grad, tensor, warned
from conformance.tensor.recorder import Observed


def _said(statement: str, *tensors: Tensor) -> Observed:
    """The exception that a statement in torch's words raises; 'nothing' when it is accepted."""
    native(f"said = 'nothing'\ntry:\n    {statement}\nexcept Exception as reason:\n    said = repr(reason)", *tensors)
    return native_value("said")


# Situation -> a statement about the leaf {0}, the result {1} = x * x, its sum {2} and the sum made under no_grad {3};
# and what torch says.
BACKWARD = {
    "not_scalar": ("{1}.backward()", r"^RuntimeError\(.grad can be implicitly created only for scalar outputs"),
    "shape": (
        "{1}.backward({1}[:1].detach())",
        r"^RuntimeError\(.Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[1\]\) and output\[0\] has",
    ),
    "list": ("{1}.backward([1.0])", r"^TypeError\(.gradients can be either Tensors or None, but got float"),
    "number": ("{2}.backward(1.0)", r"^TypeError\(.'float' object is not iterable"),
    "constant": (
        "{3}.backward()",
        r"^RuntimeError\(.element 0 of tensors does not require grad and does not have a grad_fn",
    ),
    "twice": (
        "{2}.backward(); {2}.backward()",
        r"^RuntimeError\(.Trying to backward through the graph a second time .*retain_graph=True",
    ),
}


@clause(
    "dialect",
    mutant="messages_are_lost",
    dialect="torch",
    given={"a": vectors()},
    situation=tuple(BACKWARD),
)
def test_backward_says_why_it_refuses(situation: str, a: Array) -> None:
    """Each refusal of backward names its reason: not a scalar, a shape, no tensor, no history, a second time."""
    x = tensor(a, requires_grad=True)
    y = x * x
    with no_grad():
        c = (x * x).sum()
    statement, pattern = BACKWARD[situation]
    expect_matches(_said(statement, x, y, y.sum(), c), pattern)
    expect(_said("({0} * {0}).sum().backward()", x), "nothing", "the accepted twin")


@clause(
    "dialect",
    mutant="messages_are_lost",
    dialect="torch",
    given={"a": vectors()},
)
def test_integers_cannot_require_grad(a: Array) -> None:
    """Integers that are to require grad are refused, and the message says which dtypes can."""
    c, x = tensor(a, dtype="int64"), tensor(a)
    factory = r"^RuntimeError\(.Only Tensors of floating point and complex dtype can require gradients"
    expect_matches(_said("{ns}.tensor([1, 2], requires_grad=True)"), factory)
    expect_matches(
        _said("{0}.requires_grad_()", c), r"^RuntimeError\(.only Tensors of floating point dtype can require"
    )
    expect(_said("{0}.requires_grad_()", x), "nothing", "the accepted twin")


@clause(
    "dialect",
    mutant="gradients_begin_as_zeros",
    dialect="torch",
    given={"a": vectors()},
)
def test_there_is_no_gradient_before_backward(a: Array) -> None:
    """Before the first backward .grad is None, which has no zero_; afterwards it has."""
    x = tensor(a, requires_grad=True)
    expect_matches(_said("{0}.grad.zero_()", x), r"^AttributeError\(.'NoneType' object has no attribute 'zero_'")
    (x * x).sum().backward()
    expect(_said("{0}.grad.zero_()", x), "nothing", "the accepted twin")


ACCESS = r"^The \.grad attribute of a Tensor that is not a leaf Tensor is being accessed\. .*use \.retain_grad\(\)"


@clause(
    "dialect",
    mutant="reading_a_gradient_never_warns",
    dialect="torch",
    given={"a": vectors()},
)
def test_reading_the_gradient_of_a_result_warns(a: Array) -> None:
    """Each access to the .grad of a result warns that it is no leaf, and gives None."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with warned() as once:
        native("{0}.grad", y)
    with warned() as twice:
        native("{0}.grad", y)
        native("{0}.grad", y)
    expect_matches(once, ACCESS)
    expect_matches(twice, ACCESS, ACCESS)
    expect(native_value("{0}.grad is None", y), True)


@clause(
    "dialect",
    mutant="reading_a_gradient_always_warns",
    dialect="torch",
    given={"a": vectors()},
    owner=("leaf", "constant", "retained"),
)
def test_other_gradients_are_read_in_silence(owner: str, a: Array) -> None:
    """No warning is given for the .grad of a leaf, of a constant, or of a result that retains it."""
    x, c = tensor(a, requires_grad=True), tensor(a)
    y = x * c
    y.retain_grad()
    y.sum().backward()
    with warned() as said:
        native("{0}.grad", {"leaf": x, "constant": c, "retained": y}[owner])
    expect_matches(said)
    expect(x.grad, a, "c")


THREE_READINGS = """
import warnings
with warnings.catch_warnings(record=True) as given:
    warnings.simplefilter('default')
    for _ in range(2):
        {0}.grad
    {0}.grad
""".strip()


@clause("dialect", mutant="the_warning_is_given_once", dialect="torch", given={"a": vectors()})
def test_the_warning_is_given_once_a_line(a: Array) -> None:
    """Under Python's default filter each line that reads the .grad of a result warns once, however often it is executed."""
    y = tensor(a, requires_grad=True) * 2
    native(THREE_READINGS, y)
    expect(native_value("[warning.category.__name__ for warning in given]"), "['UserWarning', 'UserWarning']")
    expect_matches(native_value("str(given[0].message)"), ACCESS)
