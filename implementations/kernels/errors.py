"""Refusals of the kernel engine, all of them RuntimeErrors as torch's are.

    AutogradError(RuntimeError)
    ├── NotScalar        backward of several elements without a cotangent
    ├── ShapeMismatch    cotangent or gradient of another shape than its tensor
    ├── NeedsGrad        no gradient is recorded for a root or an input
    ├── GraphFreed       saved values are gone: backward ran here before
    ├── NotALeaf         requires_grad of a result was to be changed
    ├── UnusedInput      an input of grad() has no path to the outputs
    └── HookError        a hook that cannot fire, or an answer that does not fit

The messages end with what to do.
"""


class AutogradError(RuntimeError):
    """Any refusal."""


class NotScalar(AutogradError):
    """Only one element has the obvious cotangent, 1."""


class ShapeMismatch(AutogradError):
    """Shapes of cotangents and gradients are compared exactly, not broadcast."""


class NeedsGrad(AutogradError):
    """There is no record to sweep."""


class GraphFreed(AutogradError):
    """The record was swept before, and its saved values were not retained."""


class NotALeaf(AutogradError):
    """A result requires grad because its operands do."""


class UnusedInput(AutogradError):
    """No record leads from the outputs to this input."""


class HookError(AutogradError):
    """Registered where no cotangent passes, or returned something else than a like tensor."""
