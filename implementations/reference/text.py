"""Torch's words: the names of nodes, and how a tensor prints, digit for digit, for arrays of up to 1000 elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

TORCH_NAMES = {  # of nodes; those of all other operators follow from the operator's name
    "cast": "ToCopyBackward0",
    "copy": "CopyBackwards",
    "log1p": "Log1PBackward0",
    "max": "MaxBackward1",
    "norm": "LinalgVectorNormBackward0",
    "pad": "ConstantPadNdBackward0",
    "put": "CopySlices",
    "reshape": "ViewBackward0",
    "rsub": "RsubBackward1",
    "window": "AsStridedBackward0",
}
LINE_WIDTH = 80
SPARE = 2  # columns that torch leaves free after a suffix
INDENT = len("tensor(")


def node_name(operator: str) -> str:
    """What torch calls the node of an operator."""  # recording/grad_fn_names_the_last_operator
    return TORCH_NAMES.get(operator, f"{operator.capitalize()}Backward0")


def tensor_text(data: npt.NDArray[Any], suffixes: list[str]) -> str:
    """`tensor(28., grad_fn=<MulBackward0>)`; a suffix that does not fit starts a new line."""
    if data.dtype == np.float64 or (data.size == 0 and data.dtype != np.float32):  # the default goes without saying
        suffixes = [f"dtype=torch.{data.dtype}", *suffixes]
    if data.size == 0 and data.ndim != 1:
        suffixes = [f"size={data.shape}", *suffixes]
    text = "tensor(" + ("[]" if data.size == 0 else array_text(data, number_format(data), INDENT))
    for suffix in suffixes:
        line = text.rpartition("\n")[2] + ", " + suffix
        text += (", " if len(line) <= LINE_WIDTH - SPARE else ",\n" + " " * INDENT) + suffix
    return text + ")"


def array_text(data: npt.NDArray[Any], number: Callable[[float], str], indent: int) -> str:
    """Nested brackets; rows are wrapped, matrices are separated by an empty line."""
    if data.ndim == 0:
        return number(data.item())
    if data.ndim > 1:
        rows = [array_text(row, number, indent + 1) for row in data]
        return "[" + ("," + "\n" * (data.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
    cells = [number(value) for value in data.tolist()]
    per_line = max(1, (LINE_WIDTH - indent) // (len(cells[0]) + 2))
    lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def number_format(data: npt.NDArray[Any]) -> Callable[[float], str]:
    """One format for the whole array, padded to its longest: of floats, to the longest finite number but 0."""
    if data.dtype.kind != "f":
        longest = max(len(str(value)) for value in data.ravel().tolist())
        return lambda value: str(value).rjust(longest)
    spec = number_spec(data)

    def bare(value: float) -> str:
        return f"{value:{spec}}" + ("." if spec == ".0f" and np.isfinite(value) else "")

    width = max((len(bare(value)) for value in finite_nonzero(data).tolist()), default=0)
    return lambda value: bare(value).rjust(width)


def number_spec(data: npt.NDArray[Any]) -> str:
    """Whole numbers print as `1.`, others with four decimals, a wide range in scientific notation."""
    sizes = np.abs(finite_nonzero(data).astype(np.float64))
    if sizes.size == 0:
        return ".0f"
    whole = bool((sizes == np.ceil(sizes)).all())
    wide = sizes.max() / sizes.min() > 1000.0 or sizes.max() > 1e8 or (not whole and sizes.min() < 1e-4)
    return ".4e" if wide else ".0f" if whole else ".4f"


def finite_nonzero(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers that decide the format."""
    flat = data.ravel()
    kept: npt.NDArray[Any] = flat[np.isfinite(flat) & (flat != 0)]
    return kept
