"""The candidates: key -> the spellings that are tried, in their order.

MAKER stands for what makes a tensor, NS for each module of the engine that has such a name. A question mark in front says
that the spelling is not canonical: it may mean something else, so that a wrong number is no fault of the engine's. Helpers
are functions that a spelling may need in the prelude; one is written there when a spelling that names it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Candidates = tuple[str, ...]

# Names of what makes a tensor, tried when only a module is given; names of functions that differentiate functions.
MAKERS: Final = (
    "Tensor",
    "tensor",
    "Value",
    "Variable",
    "Var",
    "Scalar",
    "Array",
    "Node",
    "Parameter",
    "array",
    "Number",
    "Matrix",
)
DIFFERENTIATORS: Final = ("grad", "gradient", "value_and_grad", "elementwise_grad", "jacobian", "vjp", "make_vjp")

# Modules of an engine that its package may not import by itself.
MODULES: Final = (
    *(
        "functional",
        "nn.functional",
        "ops",
        "tensor",
        "engine",
        "core",
        "autograd",
        "numpy",
        "math",
        "functions",
        "function",
    ),
    *("operations", "variable", "value", "grad", "nn"),
)

# How float64 and float32 are written, for a maker that takes a dtype.
DTYPES: Final = (("'float64'", "'float32'"), ("NS.float64", "NS.float32"), ("np.float64", "np.float32"), ("float", ""))

_FORMS: Final = ("{value}", "np.array({value}, dtype={dtype})", "np.array({value}, dtype=float)")
_FLAGS: Final = (
    ("requires_grad=True", "requires_grad=False"),
    ("stop_gradient=False", "stop_gradient=True"),
    ("constant=False", "constant=True"),
    ("trainable=True", "trainable=False"),
    ("is_leaf=True", "is_leaf=False"),
    ("", ""),
)


def _made(form: str, *rest: str) -> str:
    return f"MAKER({', '.join([form, *filter(None, rest)])})"


def _makings() -> Mapping[str, Candidates]:
    """A leaf's spellings, each with those of a constant beside it."""
    found: dict[str, Candidates] = {}
    for on, off in _FLAGS:
        for form in _FORMS:
            for dtype in ("dtype={dtype}", ""):
                plain = _made(form, dtype)
                found[_made(form, dtype, on)] = tuple(dict.fromkeys((_made(form, dtype, off), plain)))
    found["MAKER({value}, True)"] = ("MAKER({value}, False)", "MAKER({value})")
    found["MAKER({value}).requires_grad_()"] = ("MAKER({value})",)
    found["NS.Parameter(MAKER({value}))"] = ("MAKER({value})",)
    found["NS.Parameter({value})"] = ("MAKER({value})",)
    return found


LEAVES: Final[Mapping[str, Candidates]] = _makings()

# A tensor's numbers, as nested lists.
VALUES: Final = (
    *("{a}.tolist()", "{a}.to_list()", "{a}.numpy().tolist()", "{a}.to_numpy().tolist()", "{a}.data.tolist()"),
    *("{a}.value.tolist()", "{a}.array.tolist()", "{a}.data", "{a}.value", "np.asarray({a}.data).tolist()"),
    *(
        "np.asarray({a}.value).tolist()",
        "{a}.numpy()",
        "{a}.item()",
        "np.asarray({a}).tolist()",
        "{a}.val",
        "{a}.v",
        "{a}._data",
    ),
    *("{a}.get_data()", "{a}.get_value()", "{a}.val.tolist()", "{a}.x", "{a}()"),
    *("{a}", "float({a})", "folded({a}.data, {a})", "folded({a}.value, {a})", "folded({a}.data.data, {a})"),
)

# A leaf's gradient, and how what that gives is read when it is not read as a tensor is.
GRADIENTS: Final = (
    *(
        "{a}.grad",
        "{a}.gradient",
        "{a}.g",
        "{a}.grad()",
        "{a}.gradient()",
        "{a}.get_grad()",
        "{a}.get_gradient()",
        "{a}._grad",
    ),
    *("{a}.derivative", "{a}.adjoint", "{a}.deriv", "{a}.d", "{a}.grad_value"),
)
READINGS: Final = (
    *(
        "",
        "{a}.tolist()",
        "np.asarray({a}).tolist()",
        "{a}.data.tolist()",
        "{a}.numpy().tolist()",
        "{a}.value.tolist()",
        "{a}",
    ),
    *("{a}.data", "{a}.value", "{a}.item()", "float({a})", "folded({a}.data, {a})", "folded({a}.data.data, {a})"),
)
FLAT: Final = "folded(GRADIENT, {a})"  # numbers in one list, which the leaf's shape folds
BACKWARDS: Final = (
    *(
        "{root}.backward({arguments})",
        "{root}.backprop({arguments})",
        "{root}.backpropagate({arguments})",
        "{root}.back({arguments})",
    ),
    *(
        "{root}.backward_pass({arguments})",
        "{root}.compute_gradients({arguments})",
        "{root}.differentiate({arguments})",
    ),
    *("MAKER.backward({root})", "NS.backward({root})", "NS.backprop({root})", "NS.Engine().backward({root})"),
    *(
        "NS.engine.backward({root})",
        "NS.tape.backward({root})",
        "NS.get_tape().backward({root})",
        "NS.run_backward({root})",
    ),
    "{root}.backward(np.ones({root}.shape))",
)

# What may follow: each row's keys are decided in this order. GRADIENT is how the leaf's gradient was found to be read.
STATE: Final[Mapping[str, Candidates]] = {
    "shape": ("{a}.shape", "?{a}.shape()", "{a}.data.shape", "{a}.size()", "np.asarray({a}.data).shape"),
    "dtype": (
        *("{a}.dtype", "{a}.data.dtype", "np.asarray({a}.data).dtype", "?{a}.dtype.name", "?type({a}.data).__name__"),
    ),
    "scalar": ("{value}",),
    "backward.cotangent": (
        *(
            "gradient={cotangent}",
            "grad={cotangent}",
            "grad_output={cotangent}",
            "?{cotangent}",
            "gradient={cotangent}.data",
        ),
        *("grad={cotangent}.data", "grad_output={cotangent}.data", "?{cotangent}.data", "?{cotangent}.numpy()"),
    ),
    "backward.retain_graph": ("retain_graph=True", "?"),
    "backward.create_graph": ("create_graph=True",),
    "backward.inputs": ("inputs=[{inputs}]",),
    "clear.none": ("?GRADIENT = None", "?{a}.zero_grad()", "?{a}.null_grad()", "?{a}.clear_grad()"),
    "clear.zero": (
        *(
            "GRADIENT.zero_()",
            "?{a}.zero_grad()",
            "{a}.zero_grad_()",
            "?GRADIENT[...] = 0",
            "?GRADIENT.fill(0)",
            "?{a}.clear_grad()",
        ),
        *(
            "?GRADIENT.data[...] = 0",
            "?GRADIENT = 0",
            "?GRADIENT = 0.0",
            "?GRADIENT = np.zeros_like(GRADIENT)",
            "{a}.clear_gradient()",
        ),
        "{a}.reset_grad()",
    ),
    "set_grad": ("GRADIENT = {b}", "?GRADIENT = {b}.data"),
    "detach": ("{a}.detach()", "NS.stop_gradient({a})", "NS.detach({a})", "{a}.stop_gradient()"),
    "no_grad": ("NS.no_grad()", "?NS.no_grad", "MAKER.no_grad()", "NS.NoGrad()", "NS.no_autodiff", "NS.nograd()"),
    "enable_grad": ("NS.enable_grad()", "?NS.enable_grad"),
    "grad_enabled": ("NS.is_grad_enabled()", "?NS.grad_enabled()", "?NS.grad_enabled"),
    "requires_grad": ("{a}.requires_grad", "not {a}.stop_gradient", "not {a}.constant"),
    "is_leaf": ("{a}.is_leaf", "?{a}.is_leaf()"),
    "recorded": ("{a}.grad_fn is not None", "?{a}.creator is not None", "?{a}._ctx is not None"),
    "require_grad": ("{a}.requires_grad_({flag})", "{a}.requires_grad_(requires_grad={flag})"),
    "retain_grad": ("{a}.retain_grad()", "{a}.retain_grads()"),
    "hook": ("{a}.register_hook({body})", "{a}.add_hook({body})", "?{a}.hook({body})"),
    "remove": ("{a}.remove()", "?{a}()"),
    "grad": (
        "NS.grad({root}, [{inputs}]{options})",
        "NS.autograd.grad({root}, [{inputs}]{options})",
        "?NS.gradients({root}, [{inputs}]{options})",
    ),
    "grad.cotangent": ("grad_outputs={cotangent}", "grad_output={cotangent}", "?{cotangent}"),
    "grad.retain_graph": ("retain_graph=True", "?"),
    "grad.create_graph": ("create_graph=True", "?"),
    "grad.allow_unused": ("allow_unused=True", "?"),
    "write.add": ("{a}.add_({b})",),
    "write.mul": ("{a}.mul_({b})",),
    "write.set": ("{a}[{index}] = {b}",),
    "version": ("{a}._version",),
    "unbind": ("{a}",),
}
# A hook's argument may be read otherwise than a tensor.
HOOKED: Final = tuple(dict.fromkeys((*READINGS[1:], *VALUES)))

# Functions that a spelling may name; `single` and `numbers` go together.
HELPERS: Final[Mapping[str, str]] = {
    "folded": """
def folded(numbers, like):  # the engine keeps them in one list
    if numbers is None:
        return None
    shape = list(like.shape)
    numbers = list(numbers) if shape else numbers
    while len(shape) > 1:
        extent = shape.pop()
        numbers = [numbers[i : i + extent] for i in range(0, len(numbers), extent)]
    return numbers[0] if not list(like.shape) and isinstance(numbers, (list, tuple)) else numbers
""",
    "single": """
def single(tensor):  # the engine has no 0-d tensors: a sum is of shape (1,), and is marked as the one number that it is
    tensor.single = True
    return tensor

def numbers(tensor, nested):
    while getattr(tensor, "single", False) and isinstance(nested, list):
        (nested,) = nested
    return nested
""",
}
