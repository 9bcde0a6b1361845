"""An adapter: how one engine spells the contract, as data.

`import conformance.adapter` and every built-in adapter load no engine: an adapter is a table of texts, which the agent
compiles in the engine's process and the harness prints.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from conformance.errors import EngineError, UsageError

SHAPES: Final = ("eager", "functional")
# What no engine may decline: a leaf, a constant, a value to read, and gradients by one of these means.
CORE: Final = ("leaf", "constant", "value")
DIFFERENTIATION: Final = ("backward", "grad", "gradient")


@dataclass(frozen=True)
class Adapter:
    """How an engine spells the contract.

    name: what `--engine` calls it. module: what its agent imports (and what tells whether it is installed).
    prelude: statements that run once, printed at the top of every script. version: an expression.
    shape: eager (operators run as they are written) or functional (functions are differentiated).
    spellings: key -> template; a key that is missing is a capability that the engine does not offer.
    refusals: rows (kind, exception's name, pattern of its message), the first that matches counts.
    dtypes: float64 or float32 -> how the engine writes it. speaks: the dialects (torch, variable).
    around: a context manager in which each program runs, as `with` writes it ("tf.GradientTape() as tape").
    composed: operators that the shape makes of others; programs may use them, no case credits them to the engine.
    state: name -> (expression, statement that restores it), compared around every program.
    command: how to start an agent of another language; empty for the Python agent.
    lines, spec: how long the adapter's file is, and what `--engine` was given; set when it is loaded.
    """

    name: str
    module: str
    prelude: str
    version: str
    spellings: Mapping[str, str]
    shape: str = "eager"
    refusals: tuple[tuple[str, str, str], ...] = ()
    dtypes: Mapping[str, str] = field(default_factory=lambda: {"float64": "'float64'", "float32": "'float32'"})
    speaks: tuple[str, ...] = ()
    around: str = ""
    composed: tuple[str, ...] = ()
    state: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    lines: int = 0
    spec: str = ""

    def __post_init__(self) -> None:
        missing = [key for key in CORE if key not in self.spellings]
        if missing or not any(key in self.spellings for key in DIFFERENTIATION):
            wanted = missing or ["one of " + ", ".join(DIFFERENTIATION)]
            raise EngineError(f"the adapter {self.name!r} must spell the core, but lacks {', '.join(wanted)}")
        if self.shape not in SHAPES:
            raise EngineError(f"the adapter {self.name!r} has the shape {self.shape!r}; there are {', '.join(SHAPES)}")

    def to_json(self) -> dict[str, Any]:
        """What the agent needs of the adapter."""
        keys = ("name", "prelude", "version", "shape", "dtypes", "spellings", "refusals", "state", "around", "composed")
        return {key: getattr(self, key) for key in keys}

    def installed(self) -> bool:
        """Whether the engine can be imported by the harness's own interpreter; nothing is imported to find out."""
        try:
            return importlib.util.find_spec(self.module) is not None
        except (ImportError, ValueError):
            return False

    def patched(self, patch: str, name: str = "") -> Adapter:
        """The same engine with `patch`, statements that change it from outside, at the end of its prelude."""
        return replace(self, name=name or self.name, prelude=f"{self.prelude.rstrip()}\n{patch.strip()}\n")


def builtin() -> dict[str, Path]:
    """The adapters of `implementations/`, by engine name."""
    folder = Path(__file__).resolve().parent.parent / "implementations"
    return {path.stem.rsplit("_", 1)[0]: path for path in sorted(folder.glob("*_*.py")) if path.stem != "__init__"}


def load(name: str) -> Adapter:
    """The adapter called `name`, or in the file `name` when it ends in .py; raises UsageError or EngineError."""
    known = builtin()
    path = Path(name) if name.endswith(".py") else known.get(name)
    if path is None or not path.is_file():
        raise UsageError(f"there is no engine {name!r}; there are {', '.join(known)}, or give an adapter's .py file")
    found = getattr(_module(path), "ADAPTER", None)
    if not isinstance(found, Adapter):
        raise EngineError(f"{path} defines no ADAPTER")
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return replace(found, lines=len(code), spec=name)


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"autograd_conformance_adapter_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise EngineError(f"{path} cannot be read as a Python module")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except EngineError:
        raise
    except Exception as reason:
        raise EngineError(f"the adapter {path} cannot be loaded: {type(reason).__name__}: {reason}") from None
    return module


def resolve(spec: str) -> Adapter:
    """The adapter that `--engine E[,key=value]…` asks for.

    Keys: `patch` names a file of statements that change the engine from outside, `mutant` one of the project's mutants.
    Raises UsageError for anything else.
    """
    name, *pairs = spec.split(",")
    adapter = load(name)
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key == "patch":
            adapter = adapter.patched(_text(value))
        elif key == "mutant":
            adapter = _mutated(adapter, value)
        else:
            raise UsageError(f"--engine {spec}: there is no key {key!r}; there are patch and mutant")
    return replace(adapter, spec=spec)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise UsageError(f"cannot read the patch {path}: {reason}") from None


def _mutated(adapter: Adapter, name: str) -> Adapter:
    from implementations.mutants import MUTANTS

    mutant = MUTANTS.get(name)
    if mutant is None or mutant.of != adapter.name:
        known = ", ".join(name for name, mutant in MUTANTS.items() if mutant.of == adapter.name)
        raise UsageError(f"{adapter.name} has no mutant {name!r}; it has {known or 'none'}")
    return adapter.patched(mutant.patch)
