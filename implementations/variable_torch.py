"""The API of torch before 0.4, by a wrapper over today's torch: `Variable`, volatile, creator."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import METHODS, OLD_VARIABLE, TORCH_REFUSALS, grad_mode_state, table

# A sum was a vector of one entry then; what it is below the Variable is read from today's tensor.
READING = {
    "value": "{a}.tensor.tolist()",
    "hook_value": "{a}.tensor.tolist()",
    "shape": "{a}.tensor.shape",
    "dtype": "{a}.tensor.dtype",
    "requires_grad": "{a}.requires_grad",
    "is_leaf": "{a}.creator is None",
    "recorded": "{a}.creator is not None",
    "is_variable": "isinstance({a}, Variable)",
    "shares_memory": "{a}.data.data_ptr() == {b}.data.data_ptr()",
}

PROTOCOL = {
    "leaf": "Variable(torch.tensor({value}, dtype={dtype}), requires_grad=True)",
    "constant": "Variable(torch.tensor({value}, dtype={dtype}))",
    "variable": "Variable(torch.tensor({value}, dtype={dtype}), {requires_grad}, volatile={volatile})",
    "rewrap": "Variable({a}.data, requires_grad={requires_grad})",
    "backward": "{root}.backward({arguments})",
    "backward.cotangent": "{cotangent}",
    "backward.retain_graph": "retain_variables=True",
    "grad_of": "{a}.grad",
    "set_grad": "{a}.grad = {b}",
    "clear.zero": "{a}.grad.data.zero_()",
    "clear.none": "{a}.grad = None",
    "detach": "{a}.detach()",
    "where": None,  # a Variable of bools there is none
    "gather": "{a}.gather({axis}, torch.tensor({index}))",
    "hook": "{a}.register_hook({body})",
    "remove": "{a}.remove()",
    "no_grad": "torch.no_grad()",
}

ADAPTER = Adapter(
    name="variable",
    module="torch",
    prelude="import torch\nfrom implementations.variables import Variable",
    version="torch.__version__",
    spellings=table(METHODS, OLD_VARIABLE, READING, PROTOCOL),
    dtypes={"float64": "torch.float64", "float32": "torch.float32"},
    speaks=("variable",),
    state=grad_mode_state("torch"),
    refusals=(*TORCH_REFUSALS, ("no_gradient", "AttributeError", "'NoneType' object has no attribute 'data'")),
)
