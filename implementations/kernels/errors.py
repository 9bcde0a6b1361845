"""Refusals of the kernel engine, all of them RuntimeErrors as torch's are.

    AutogradError(RuntimeError)
    ├── NotScalar        backward of several elements without a cotangent
    ├── ShapeMismatch    cotangent or gradient of another shape than its tensor
    ├── NeedsGrad        no gradient is recorded for a root or an input
    ├── GraphFreed       saved values are gone: backward ran here before
    ├── VersionConflict  saved values were overwritten since
    ├── LeafInPlace      a leaf that requires grad was to be overwritten while recording
    ├── Overlapping      elements that share their memory were to be written
    ├── NotALeaf         requires_grad of a result was to be changed
    ├── NotFloating      integers or bools were to require grad
    ├── UnusedInput      an input of grad() has no path to the output
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


class VersionConflict(AutogradError):
    """A VJP would be computed from numbers that the operator never saw."""


class LeafInPlace(AutogradError):
    """A gradient is collected for the leaf as it was made."""


class Overlapping(AutogradError):
    """A write would not know which of several elements to leave in one place."""


class NotALeaf(AutogradError):
    """A result requires grad because its operands do."""


class NotFloating(AutogradError):
    """Only floating-point numbers have derivatives."""


class UnusedInput(AutogradError):
    """No record leads from the output to this input."""


class HookError(AutogradError):
    """Registered where no cotangent passes, or returned something else than a like tensor."""
