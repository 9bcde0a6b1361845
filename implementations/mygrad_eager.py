"""MyGrad: NumPy with gradients, an eager engine whose tensors forget their gradient when they are used anew."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import numpy_named
from implementations.shapes.spellings import table

PROTOCOL = {
    "leaf": "mg.tensor({value}, dtype={dtype}, constant=False)",
    "constant": "mg.tensor({value}, dtype={dtype}, constant=True)",
    "value": "np.asarray({a}).tolist()",
    "dot": "mg.einsum('i,i', {a}, {b})",
    "outer": "mg.einsum('i,j', {a}, {b})",
    "relu": "relu({a})",
    "sigmoid": "sigmoid({a})",
    "grad_of": "{a}.grad",
    "backward": "{root}.backward({arguments})",
    "backward.cotangent": "{cotangent}",
    "clear.none": "{a}.null_grad()",
    "detach": "mg.astensor({a}, constant=True)",
    "requires_grad": "not {a}.constant",
    "recorded": "{a}.creator is not None",
    "is_leaf": "{a}.creator is None",
    "no_grad": "mg.no_autodiff",
    "grad_enabled": "mg.no_autodiff.state",
}
PRELUDE = "import mygrad as mg\nimport numpy as np\nfrom mygrad.nnet.activations import relu, sigmoid"
REFUSALS = (("shape_mismatch", "ValueError", "incompatible shape"), ("graph_freed", "InvalidBackprop", "was 'cleared'"))
MODE = {"graph tracking": ("mg.no_autodiff.state", "mg.no_autodiff.state = True")}
SPELLINGS = table(numpy_named("mg"), PROTOCOL, {"pad": None, "flip": None, "eq": None, "gt": None})
ADAPTER = Adapter("mygrad", "mygrad", PRELUDE, "mg.__version__", SPELLINGS, state=MODE, refusals=REFUSALS)
