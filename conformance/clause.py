"""A clause: one normative sentence with a stable id, a level, a source and its test. A case is a clause with its parameters."""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Final

from hypothesis.strategies import SearchStrategy

from conformance.catalogue import catalogue, check_clauses, lines_of
from conformance.errors import ConformanceError
from conformance.generation.sketch import Writer
from conformance.levels import DIALECTS, LEVELS

DTYPES: Final = ("float64", "float32")


@dataclass(frozen=True)
class Clause:
    """One normative sentence and its test.

    id: `chapter/name`, from the test's module and name. sentence: the test's docstring; where it is stated, the catalogue says.
    mutant: the engine broken on purpose that this clause must fail. after: ids of the clauses that it stands on.
    parameters: name -> the values that, with the dtype, make its cases. given: argument -> the strategy that draws it.
    test: the body that records one program. writer: the test draws a sketch instead, which the writer makes a program of.
    stored: the test gives programs that are kept.
    """

    id: str
    level: str
    sentence: str
    mutant: str
    dialect: str | None
    after: tuple[str, ...]
    parameters: Mapping[str, Sequence[str]]
    given: Mapping[str, SearchStrategy[Any]] = field(repr=False)
    test: Callable[..., Any] = field(repr=False)
    writer: Writer | None = field(default=None, repr=False)
    stored: bool = False

    @property
    def chapter(self) -> str:
        """The chapter, the first part of the id."""
        return self.id.split("/")[0]

    @property
    def source(self) -> str:
        """Where the rule is stated, as its lines of the catalogue say: the documents' places, then the normative sources."""
        lines = lines_of(self.id)
        places = ", ".join(dict.fromkeys(place for it in lines for place in it.documents))
        names = dict.fromkeys(name for it in lines for name in it.sources)
        return "; ".join([f"document {places}", *names] if places else names)

    def cases(self) -> Iterator[Case]:
        """Every case, in the order of the parameters' values."""
        for values in product(*self.parameters.values(), DTYPES):
            yield Case(self, dict(zip((*self.parameters, "dtype"), values, strict=True)))

    def to_json(self) -> dict[str, Any]:
        """What a journal's header says of the clause."""
        names = ("chapter", "sentence", "level", "source", "mutant", "dialect")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Case:
    """A clause with its parameters: the unit of a verdict."""

    clause: Clause
    parameters: Mapping[str, str]

    @property
    def id(self) -> str:
        """`chapter/name[parameters]`."""
        return f"{self.clause.id}[{','.join(self.parameters.values())}]"

    @property
    def dtype(self) -> str:
        """The dtype of the case's tensors."""
        return self.parameters["dtype"]

    def in_shard(self, shard: str) -> bool:
        """Whether the case falls into the shard i/n, by a hash of its id: the same on every machine."""
        index, count = map(int, shard.split("/"))
        return zlib.crc32(self.id.encode()) % count + 1 == index

    def selected(self, globs: Sequence[str]) -> bool:
        """Whether a glob matches the case's id or its clause's; everything is selected when there is none."""
        return selected(globs, self.id, self.clause.id)


def selected(globs: Sequence[str], *names: str) -> bool:
    """Whether a glob matches one of the ids; everything is selected when there is none."""
    return not globs or any(_matches(name, glob) for glob in globs for name in names)


def _matches(name: str, glob: str) -> bool:
    # A bracket opens the parameters in an id, not a set of characters as in a shell.
    return fnmatchcase(name, glob.replace("[", "[[]"))


REGISTRY: Final[dict[str, Clause]] = {}


def clause(
    level: str,
    *,
    mutant: str,
    dialect: str | None = None,
    after: Sequence[str] = (),
    given: Mapping[str, SearchStrategy[Any]] | None = None,
    writer: Writer | None = None,
    stored: bool = False,
    **parameters: Sequence[str],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares a test as a clause; its docstring is the sentence, `given` draws its arguments, other keywords make its cases.

    Raises ConformanceError when the level or dialect is unknown or the sentence is missing.
    """

    def declare(test: Callable[..., Any]) -> Callable[..., Any]:
        chapter = test.__module__.rsplit(".", 1)[-1].removeprefix("test_")
        name = f"{chapter}/{test.__name__.removeprefix('test_')}"
        sentence = " ".join((test.__doc__ or "").split())
        if level not in LEVELS or not sentence or (dialect is not None and dialect not in DIALECTS):
            raise ConformanceError(f"{name}: a clause needs a known level and dialect, and a sentence")
        declared = Clause(
            name, level, sentence, mutant, dialect, tuple(after), parameters, given or {}, test, writer, stored
        )
        REGISTRY[name] = declared
        return test

    return declare


def specification() -> dict[str, Clause]:
    """Every clause by id, chapters in alphabetical order.

    Raises ConformanceError when the catalogue names a clause that there is not.
    """
    import conformance.clauses as chapters

    for module in sorted(info.name for info in pkgutil.iter_modules(chapters.__path__)):
        importlib.import_module(f"conformance.clauses.{module}")
    check_clauses(catalogue(), REGISTRY)
    return REGISTRY
