"""An adapter: how one engine spells the contract, as data.

`import conformance.adapter` and every built-in adapter load no engine: an adapter is a table of texts, which the agent
compiles in the engine's process and the harness prints.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from conformance.errors import EngineError, UsageError
from conformance.wellformed import faults

# How built-in engines are installed, from a checkout: the names are extras, or the folder of an agent.
INSTALL: Final = {
    "python": "pip install -c constraints.txt -e '.[{}]'",
    "javascript": "npm ci --prefix implementations/{}",
}


@dataclass(frozen=True)
class Adapter:
    """How an engine spells the contract.

    name: what `--engine` calls it. module: what its agent imports (and what tells whether it is installed).
    prelude: statements that run once, printed at the top of every script. version: an expression.
    shape: eager (operators run as they are written) or functional (functions are differentiated).
    spellings: key -> template; a key that is missing is a capability that the engine does not offer.
    refusals: rows (kind, exception's name, regular expression found in its message), the first that matches counts.
    dtypes: float64 or float32 -> how the engine writes it. speaks: the dialects (torch, variable).
    around: a context manager in which each program runs, as `with` writes it ("tf.GradientTape() as tape").
    composed: operators that the shape makes of others; programs may use them, no case credits them to the engine.
    state: name -> (expression, statement that restores it), compared around every program.
    command: how to start an agent of another language; empty for the Python agent. module is then the folder of what it needs.
    language: of the texts, in which scripts are printed too: python or javascript.
    by_name: it takes minutes, so a run that names no engine leaves it out.
    compiles: each operator is compiled for each shape it meets, so most random programs repeat a structure with other numbers.
    lines, spec, folder: how long the adapter's file is, what `--engine` was given, and for a file of one's own where it
    is (an engine beside it is found); set when it is loaded.
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
    language: str = "python"
    compiles: bool = False
    by_name: bool = False
    lines: int = 0
    spec: str = ""
    folder: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the agent needs of the adapter."""
        keys = ("name", "module", "folder", "prelude", "version", "shape", "dtypes", "spellings", "refusals", "state")
        return {key: getattr(self, key) for key in (*keys, "around", "composed")}

    @property
    def offers(self) -> frozenset[str]:
        """What random programs may use: the keys that are spelled, and the dialects that are spoken."""
        return frozenset({*self.spellings, *self.speaks})

    def installed(self) -> bool:
        """Whether the engine can be imported by the harness's own interpreter; nothing is imported to find out.

        An agent of another language is there when its program and the folder of what it needs are.
        """
        if self.command:
            return shutil.which(self.command[0]) is not None and Path(self.module).is_dir()
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
    """The adapter called `name`, or in the file `name` when it ends in .py.

    Raises UsageError when there is none, EngineError when it is not well formed.
    """
    known = builtin()
    path = Path(name) if name.endswith(".py") else known.get(name)
    if path is None:
        raise UsageError(f"there is no engine {name!r}; there are {', '.join(known)}, or give an adapter's .py file")
    if not path.is_file():
        raise UsageError(f"there is no adapter {name}: no such file")
    found = getattr(_module(path), "ADAPTER", None)
    if not isinstance(found, Adapter):
        raise EngineError(f"{path} defines no ADAPTER")
    if fault := next(faults(found), None):
        raise EngineError(f"{path}: {fault}")
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    folder = "" if name in known else str(path.resolve().parent)
    return replace(found, lines=len(code), spec=name, folder=folder)


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"autograd_conformance_adapter_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise EngineError(f"{path} cannot be read as a Python module")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
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
    from implementations.mutants import FAULTS

    mutant = FAULTS.get(name)
    if mutant is None or mutant.of != adapter.name:
        known = ", ".join(name for name, mutant in FAULTS.items() if mutant.of == adapter.name)
        raise UsageError(f"{adapter.name} has no mutant {name!r}; it has {known or 'none'}")
    return adapter.patched(mutant.patch)
