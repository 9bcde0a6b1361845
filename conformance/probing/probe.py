"""Probes an unknown engine: what its foundations are in one of three shapes, and which of all the other keys it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.adapter import Adapter
from conformance.errors import EngineError
from conformance.probing import candidates as table
from conformance.probing import functions, operators, scalars
from conformance.probing.laboratory import DERIVATIVE, NOTHING, RIGHT, WRONG, Guess, Laboratory, Outcome, applicable
from conformance.probing.protocol import PROVOCATIONS, QUESTIONS, shape_of_a_sum
from conformance.probing.questions import FINE, differentiated, differentiated_matrix, operator, read, value

# A candidate that hangs costs this twice: it is run once more, to learn where.
PATIENCE: Final = 3.0
_FOUNDATIONS: Final = ("mul", "add", "sum")
# What is read wrongly is the adapter's fault: these are taken only when they are right, each with what reads beside it.
_PAIRS: Final = {
    "shape": ("grad_shape", ("", "{a}.shape", "{a}.data.shape")),
    "dtype": ("grad_dtype", ("", "{a}.dtype", "{a}.data.dtype")),
    "hook": ("hook_value", ("", *table.HOOKED)),
}
_SINGLES: Final = ("mean", "prod", "max", "norm", "var", "dot")
_READABLE: Final = 24  # so many ways to make a leaf are tried further


@dataclass(frozen=True)
class Target:
    """What is probed: a module, and perhaps the name of what makes a tensor, or differentiates, in it."""

    module: str
    name: str = ""

    @property
    def root(self) -> str:
        """The package that holds the module."""
        return self.module.partition(".")[0]


def opened(target: Target, python: str, timeout: float = PATIENCE) -> Laboratory:
    """A laboratory in which the engine is imported; raises EngineError when that fails."""
    prelude = "\n".join(f"import {module}" for module in dict.fromkeys((target.root, target.module)))
    draft = Adapter(target.root, target.root, prelude, "'?'", {}, dtypes={"float64": "float"}, folder=str(Path.cwd()))
    laboratory = Laboratory(draft, python, timeout)
    if laboratory.look("__import__('numpy').__version__") is not None:
        laboratory.draft = replace(draft, prelude=f"{prelude}\nimport numpy as np")
    for name in table.MODULES:
        module = f"{target.root}.{name}"
        if laboratory.look(f"__import__('importlib').import_module({module!r}).__name__"):
            laboratory.draft = replace(laboratory.draft, prelude=f"{laboratory.draft.prelude}\nimport {module}")
    laboratory.restart()  # without what imports that failed may have left half done
    laboratory.modules = modules(laboratory, target.module)
    laboratory.draft = replace(laboratory.draft, version=_version(laboratory, target))
    return laboratory


def probed(laboratory: Laboratory, target: Target) -> Adapter:
    """The adapter that was found; raises EngineError when no foundations were."""
    helpers = "".join(table.HELPERS.values())
    laboratory.draft = replace(laboratory.draft, prelude=laboratory.draft.prelude + helpers)
    laboratory.survey((*_every_text(), *(f"NS.{name}" for name in (*table.MAKERS, *table.DIFFERENTIATORS))))
    makers = _makers(laboratory, target)
    # Functions of arrays need no maker: one round of them is enough.
    shapes = ((_eager, makers), (scalars.founded, makers), (lambda found, _: functions.founded(found), makers[:1]))
    for shape, its in reversed(shapes) if target.name in table.DIFFERENTIATORS else shapes:
        for maker in its:
            base, noted = laboratory.draft, len(laboratory.guesses)
            if shape(laboratory, maker):
                _rest(laboratory, maker)
                return laboratory.draft
            laboratory.draft = base
            del laboratory.guesses[noted:]
    raise EngineError(
        f"{target.module}: no way was found to make a tensor, multiply, add, sum and differentiate it; "
        "write its adapter by hand (docs/writing-an-adapter.md)"
    )


# --- finding one's way


def modules(laboratory: Laboratory, module: str) -> tuple[str, ...]:
    """The modules of an engine that are imported, its package first."""
    root = module.partition(".")[0]
    listed = (
        f"[n for n in __import__('sys').modules if n == {root!r} or n.startswith({root + '.'!r}) and '._' not in n]"
    )
    found = (laboratory.look(f"' '.join(sorted({listed}, key=len)[:40])") or root).split()
    return tuple(dict.fromkeys((root, module, *found)))


def _version(laboratory: Laboratory, target: Target) -> str:
    root = target.root
    metadata = f"__import__('importlib.metadata').metadata.version({root!r})"
    owner = f"__import__('importlib.metadata').metadata.packages_distributions()[{root!r}][0]"
    name = laboratory.look(owner)
    by_owner = f"__import__('importlib.metadata').metadata.version({name!r})"
    for text in (f"{root}.__version__", metadata, by_owner):
        if laboratory.look(text) not in (None, "None"):
            return text
    return "'unknown'"


def _makers(laboratory: Laboratory, target: Target) -> list[str]:
    if target.name:
        return [f"{target.module}.{target.name}"]
    return [
        f"{module}.{name}" for module, names in laboratory.names.items() for name in table.MAKERS if name in names
    ] or [target.module]


def _every_text() -> Iterator[str]:
    for rows in (operators.OPERATORS, table.STATE, scalars.OPERATORS, functions.SPELLINGS, {"": table.BACKWARDS}):
        for texts in rows.values():
            yield from texts
    yield from table.LEAVES
    yield from (text for pair in table.DTYPES for text in pair)


# --- the eager shape


def _eager(laboratory: Laboratory, maker: str) -> bool:
    """Leaves, their numbers, products, sums and gradients of an engine of arrays; whether they were found."""
    found = list(_readable(laboratory, maker))
    for start, _ in found:
        laboratory.draft, noted = start, len(laboratory.guesses)
        if all(_foundation(laboratory, key, maker) for key in _FOUNDATIONS):
            break
        del laboratory.guesses[noted:]
    else:
        return False
    core = {key: laboratory.draft.spellings[key] for key in _FOUNDATIONS}
    reading = laboratory.draft.spellings["value"] if "single(" in core["sum"] else None
    best: tuple[Outcome, Adapter, tuple[str, ...]] | None = None
    for start, constants in found:
        laboratory.draft = start
        laboratory.draft = laboratory.spelt(**core, **({"value": reading} if reading else {}))
        for outcome, adapter in differentiating(laboratory, _by_backward(laboratory, maker)):
            if best is None or outcome.worth > best[0].worth:
                best = outcome, adapter, constants
            if outcome.worth == RIGHT:
                break
        if best and best[0].worth == RIGHT:
            break
    if best is None:
        return False
    laboratory.draft = best[1]
    for key in ("leaf", "value", "backward", "grad_of", "grad_value"):
        if key in best[1].spellings:
            laboratory.guesses.append(Guess(key, best[1].spellings[key], best[0]))
    laboratory.choose("constant", (*best[2], best[1].spellings["leaf"]), QUESTIONS["constant"])
    return True


def _readable(laboratory: Laboratory, maker: str) -> Iterator[tuple[Adapter, tuple[str, ...]]]:
    """The ways to make a leaf that can be read, each with the dtypes it takes and the reading."""
    counted, readings = 0, list(table.VALUES)
    makings = ((leaf, constants) for text, constants in table.LEAVES.items() for leaf in laboratory.expanded([text]))
    for making, constants in makings:
        leaf = making.replace("MAKER", maker)
        for pair in table.DTYPES if "{dtype}" in leaf else [("float", "")]:
            for text in laboratory.expanded([pair[0]]):
                single = pair[1].replace("NS.", text.rpartition(".")[0] + ".") if pair[1] else ""
                found = _reading(laboratory, leaf, text, readings)
                if found is None:
                    continue
                adapter, reading = found
                readings.remove(reading)
                readings.insert(0, reading)
                if "float32" not in adapter.dtypes and single:
                    adapter = replace(adapter, dtypes={"float64": text, "float32": single})
                elif "float32" in adapter.dtypes and single:  # it takes no dtype as this was written
                    continue
                yield adapter, tuple(each.replace("MAKER", maker) for each in constants)
                counted += 1
                if counted == _READABLE:
                    return


def _reading(laboratory: Laboratory, leaf: str, dtype: str, readings: list[str]) -> tuple[Adapter, str] | None:
    """How a leaf so made is read; as float64, or as float32 where it does not hold the finer number."""
    flat: tuple[Adapter, str] | None = None
    for reading in readings:
        adapter = laboratory.spelt(leaf=leaf, constant=leaf, value=reading)
        for name, values in (("float64", [FINE, 2]), ("float32", [1, -2])):
            typed = replace(adapter, dtypes={name: dtype})
            outcome = laboratory.tried(typed, read(values))
            if outcome.worth == RIGHT:
                if laboratory.tried(typed, read([[1, 2], [3, 4]])).worth == RIGHT:
                    return typed, reading
                flat = flat or (typed, reading)
                break
            if outcome.spelling == "leaf" or outcome.worth == NOTHING:
                break
        if outcome.spelling == "leaf":
            return None
    return flat


def _foundation(laboratory: Laboratory, key: str, maker: str) -> bool:
    """Whether an operator without which nothing can be judged was found. What marks single numbers is read by its mark."""
    plain = laboratory.draft.spellings["value"]
    texts = [text for text in operators.OPERATORS[key] if "single(" not in text]
    guess = laboratory.choose(key, (text.replace("MAKER", maker) for text in texts), value(key))
    if key == "sum" and guess.outcome.worth < RIGHT:
        marked = laboratory.spelt(sum="single({a}.sum())", value=f"numbers({{a}}, {plain})")
        if laboratory.tried(marked, value(key)).worth == RIGHT:
            laboratory.draft = marked
            laboratory.guesses[-1] = Guess(key, "single({a}.sum())", Outcome(RIGHT), guess.tried)
            return True
    return guess.text is not None


def differentiating(laboratory: Laboratory, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Outcome, Adapter]]:
    """What comes of each way to differentiate that runs; ways that share a part that raised are passed over."""
    broken: set[tuple[str, str]] = set()
    matrices = laboratory.tried(laboratory.draft, read([[1, 2], [3, 4]])).worth == RIGHT
    for row in rows:
        if not broken.isdisjoint(row.items()):
            continue
        outcome = laboratory.tried(laboratory.spelt(**row), differentiated)
        if outcome.worth == RIGHT and matrices:
            outcome = laboratory.tried(laboratory.spelt(**row), differentiated_matrix)
        if outcome.worth in (WRONG, DERIVATIVE, RIGHT):
            absent = outcome.note.endswith("no gradient")
            yield (replace(outcome, worth=NOTHING) if absent else outcome), laboratory.spelt(**row)
        elif outcome.spelling in row:
            broken.add((outcome.spelling, row[outcome.spelling]))


def _by_backward(laboratory: Laboratory, maker: str) -> Iterator[dict[str, str]]:
    backwards = [text.replace("MAKER", maker) for text in laboratory.expanded(table.BACKWARDS)]
    for backward in backwards:
        for gradient in table.GRADIENTS:
            for reading in table.READINGS:
                extra = {"grad_value": reading} if reading else {}
                yield {"backward": backward, "grad_of": gradient, **extra}
            yield {"backward": backward, "grad_of": table.FLAT.replace("GRADIENT", gradient), "grad_value": "{a}"}


# --- everything else


def _rest(laboratory: Laboratory, maker: str) -> None:
    """Every other key, in an order in which later ones may use earlier ones."""
    own = scalars.rows(laboratory, maker) if laboratory.draft.composed else _rows(laboratory, maker)
    for key, texts in own:
        if key in laboratory.draft.spellings or key in laboratory.draft.composed:
            continue
        if not applicable(laboratory.draft, key) and key != "backward.retain_graph":
            continue
        if key == "shape" and "single(" in laboratory.draft.spellings["sum"]:  # that of the lists knows the mark
            continue
        question = QUESTIONS[key] if key in QUESTIONS else operator(key)
        if key in _PAIRS:
            _paired(laboratory, key, texts)
        else:
            laboratory.choose(key, texts, question)
        if key == "dtype":
            _narrowed(laboratory)
    laboratory.draft = replace(laboratory.draft, refusals=tuple(_refusals(laboratory)))


def _rows(laboratory: Laboratory, maker: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    gradient = laboratory.draft.spellings.get("grad_of", "{a}.grad").removeprefix("folded(").removesuffix(", {a})")
    functional = laboratory.draft.shape == "functional"
    state = [
        (key, texts)
        for key, texts in table.STATE.items()
        if not functional or key in ("shape", "dtype", "scalar", "detach", "no_grad")
    ]
    early = [row for row in state if row[0] in ("shape", "dtype", "scalar")]
    order = [*early, *operators.OPERATORS.items(), *[row for row in state if row not in early]]
    if functional:
        order.append(("vjp", functions.SPELLINGS["vjp"]))
    for key, texts in order:
        filled = (text.replace("MAKER", maker).replace("GRADIENT", gradient) for text in texts)
        if gradient.endswith(")"):  # what a call gives cannot be assigned
            filled = (text for text in filled if not text.removeprefix("?").startswith(f"{gradient} ="))
        own = functions.OPERATORS.get(key, ()) if functional else ()
        if key in _SINGLES and "single(" in laboratory.draft.spellings["sum"]:
            filled = (f"single({text})" for text in filled)
        yield key, (*own, *filled)


def _paired(laboratory: Laboratory, key: str, texts: tuple[str, ...]) -> None:
    """A key with another that says how what it gives, or what a gradient is, is read; only both together can be right."""
    other, readings = _PAIRS[key]
    question = QUESTIONS[key]
    if key != "hook" and laboratory.tried(laboratory.draft, shape_of_a_sum).worth == RIGHT:
        question = shape_of_a_sum
    plain, missed = laboratory.draft, Guess(key, None, Outcome(NOTHING))
    for reading in readings:
        own = reading or (plain.spellings["value"] if key == "hook" else None)
        laboratory.draft = replace(plain, spellings={**plain.spellings, **({other: own} if own else {})})
        guess = laboratory.choose(key, texts, question)
        if guess.outcome.worth == RIGHT:
            return
        missed = laboratory.guesses.pop()
        laboratory.draft = plain
    laboratory.guesses.append(replace(missed, text=None, outcome=Outcome(NOTHING)))


def _narrowed(laboratory: Laboratory) -> None:
    """Only dtypes that the engine itself says it has."""
    draft = laboratory.draft
    kept = {name: text for name, text in draft.dtypes.items() if _has(laboratory, name)}
    laboratory.draft = replace(draft, dtypes=kept or dict(list(draft.dtypes.items())[:1]))


def _has(laboratory: Laboratory, dtype: str) -> bool:
    return (len(laboratory.draft.dtypes) == 1 or "dtype" in laboratory.draft.spellings) and laboratory.tried(
        laboratory.draft, QUESTIONS["dtype"], dtype
    ).worth == RIGHT


def _refusals(laboratory: Laboratory) -> Iterator[tuple[str, str, str]]:
    """A row for each refusal that could be provoked."""
    from conformance.judge import head

    for kind, question in PROVOCATIONS:
        refused = laboratory.refusal(question)
        if refused and not refused[2]:
            name, message, _ = refused
            yield kind, name, head(next(iter(message.splitlines()), ""))
