"""Torch's text for small arrays, by NumPy's printer with torch's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LINE = 80
SPARE = 2  # columns that torch leaves free after a note
MARGIN = " " * len("tensor(")


def spell(data: npt.NDArray[Any], note: str) -> str:
    """`tensor([0., 1.], dtype=torch.float64, requires_grad=True)`; `note` is the last part or empty."""
    notes = [] if data.size or data.shape == (0,) else [f"size={data.shape}"]
    obvious = ("float32", "int64", "bool") if data.size else ("float32",)  # from how the numbers look
    notes += [] if data.dtype.name in obvious else [f"dtype=torch.{data.dtype}"]
    notes += [note] if note else []
    text = "tensor(" + body(data)
    for each in notes:
        line = text.rpartition("\n")[2] + ", " + each
        text += (", " if len(line) <= LINE - SPARE else ",\n" + MARGIN) + each
    return text + ")"


def body(data: npt.NDArray[Any]) -> str:
    form = pick(data) if data.dtype.kind == "f" else "{}"
    width = max((len(form.format(value)) for value in deciding(data).tolist()), default=0)

    def cell(value: Any) -> str:
        return (form if np.isfinite(value) else "{}").format(value).rjust(width)

    options: dict[str, Any] = {"formatter": {"all": cell}, "threshold": data.size}
    limit = LINE + data.ndim - 1  # NumPy keeps room for the closing brackets, torch does not
    return np.array2string(data, max_line_width=limit, separator=", ", prefix=MARGIN, **options)


def deciding(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Zeros, infinities and NaNs do not decide how other floats print, nor how wide."""
    return data[np.isfinite(data) & (data != 0)] if data.dtype.kind == "f" else data.ravel()


def pick(data: npt.NDArray[Any]) -> str:
    """Whole numbers as `1.`, others with four decimals, numbers of very different size with exponents."""
    sizes = np.abs(deciding(data)).astype(np.float64)
    if sizes.size == 0:
        return "{:.0f}."
    whole = np.array_equal(sizes, np.floor(sizes))
    if sizes.max() > min(1000.0 * sizes.min(), 1e8) or (sizes.min() < 1e-4 and not whole):
        return "{:.4e}"
    return "{:.0f}." if whole else "{:.4f}"
