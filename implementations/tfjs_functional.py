"""TensorFlow.js: functions are differentiated, in Node. The texts are JavaScript's, and so is the agent: tfjs/agent.mjs."""

from pathlib import Path

from conformance.adapter import Adapter
from implementations.shapes.spellings import table

FOLDER = Path(__file__).resolve().parent / "tfjs"
# A slice by its first and last row, as Python has it; tf.slice wants the first row and how many.
PRELUDE = """
const tf = require('@tensorflow/tfjs');
const rows = (a, { slice: [start, stop] }) => tf.slice(a, start ?? 0, (stop ?? a.shape[0]) - (start ?? 0));
const pick = (a, index) => (index.slice ? rows(a, index) : tf.gather(a, index));
"""

UNARY = "neg square reciprocal exp log log1p sqrt sin cos atan sinh cosh tanh sigmoid abs relu sum mean prod max norm transpose"
BINARY = "add sub mul div pow maximum minimum dot"
NAMED = {"eq": "equal", "gt": "greater", "mm": "matMul", "mv": "dot", "outer": "outerProduct"}
ALONG = {"cumsum": "cumsum", "unsqueeze": "expandDims", "flip": "reverse"}

ADAPTER = Adapter(
    name="tfjs",
    module=str(FOLDER / "node_modules" / "@tensorflow" / "tfjs"),
    command=("node", str(FOLDER / "agent.mjs")),
    language="javascript",
    prelude=PRELUDE.strip(),
    version="tf.version.tfjs",
    shape="functional",
    around="tf.tidy",
    spellings=table(
        dict.fromkeys(("leaf", "constant"), "tf.tensor({value}, {shape}, {dtype})"),
        {part: f"{{a}}.{part}" for part in ("shape", "dtype")},
        {name: f"tf.{name}({{a}})" for name in UNARY.split()},
        {name: f"tf.{NAMED.get(name, name)}({{a}}, {{b}})" for name in [*BINARY.split(), *NAMED]},
        {name: f"tf.{called}({{a}}, {{axis}})" for name, called in ALONG.items()},
        {f"{name}_axis": f"tf.{name}({{a}}, {{axis}}, {{keepdim}})" for name in ("sum", "mean", "prod", "max")},
        {name: f"tf.{name}([{{a}}, {{b}}], {{axis}})" for name in ("concat", "stack")},
        {
            "scalar": "{value}",
            "value": "{a}.arraySync()",
            "clamp": "tf.clipByValue({a}, {low}, {high})",
            "where": "tf.where({a}, {b}, {c})",
            "norm_axis": "tf.norm({a}, 'euclidean', {axis}, {keepdim})",
            "var": "tf.moments({a}).variance",
            "var_axis": "tf.moments({a}, {axis}, {keepdim}).variance",
            "reshape": "tf.reshape({a}, {shape})",
            "permute": "tf.transpose({a}, {axes})",
            "squeeze": "tf.squeeze({a}, [{axis}])",
            "expand": "tf.broadcastTo({a}, {shape})",
            "index": "pick({a}, {index})",
            "index.list": "tf.gather({a}, {index})",
            "unbind": "tf.unstack({a})",
            "pad": "tf.pad({a}, [...{a}.shape.slice(1).map(() => [0, 0]), {widths}])",
            "detach": "tf.tensor({a}.dataSync(), {a}.shape, {a}.dtype)",
            "gradient": "tf.grads({f})([{inputs}])",
            "vjp": "tf.grads({f})([{inputs}], {cotangent})",
        },
    ),
    dtypes={"float32": "'float32'"},
    refusals=(
        ("unused_input", "Error", r"Cannot compute gradient of y=f\(x\)"),
        ("shape_mismatch", "Error", "could not be broadcast|of input .* has shape|Shapes .* must match|new shape"),
        ("unsupported", "Error", "function not found|not implemented|length of perm|entries in 'perm'"),
    ),
)
