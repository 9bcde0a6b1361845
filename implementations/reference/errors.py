"""What the engine refuses.

    AutogradError(RuntimeError)
    ├── NotScalar        an implicit cotangent was asked of a root with several elements
    ├── ShapeMismatch    a cotangent or gradient has another shape than its tensor
    ├── NeedsGrad        a root or an input does not require a gradient
    ├── GraphFreed       a node's saved values were freed by an earlier backward
    ├── NotALeaf         a result was treated as a leaf
    ├── UnusedInput      an input of `grad` was not used to compute the outputs
    ├── HookError        a hook that could never fire, or that returned a misfit
    ├── NotFloating      a gradient was asked of integers or booleans
    ├── LeafInPlace      a write to a leaf that requires grad would be recorded
    ├── Overlapping      a write to elements that share their memory
    └── VersionConflict  a saved value was written to before backward needed it

Every message says what to do. Arguments are checked before any state changes.
"""


class AutogradError(RuntimeError):
    """Anything the engine refuses on autograd's behalf."""


class NotScalar(AutogradError):
    """An implicit cotangent is 1, so only a root with one element can have it."""


class ShapeMismatch(AutogradError):
    """A cotangent has exactly the shape of its tensor: it is never broadcast."""


class NeedsGrad(AutogradError):
    """Nothing was recorded for this tensor, so there is nothing to differentiate."""


class GraphFreed(AutogradError):
    """A second run through a node whose saved values are gone."""


class NotALeaf(AutogradError):
    """Only a leaf decides for itself whether it requires a gradient."""


class UnusedInput(AutogradError):
    """The outputs do not depend on this input along any recorded path."""


class HookError(AutogradError):
    """A hook on a tensor without gradient, or a replacement that does not fit."""


class NotFloating(AutogradError):
    """Integers and booleans have no derivative."""


class LeafInPlace(AutogradError):
    """A leaf's gradient belongs to the numbers that it has: while recording, they stay."""


class Overlapping(AutogradError):
    """What `expand` repeated is one number: it cannot become several."""


class VersionConflict(AutogradError):
    """The numbers that a VJP needs are no longer there."""
