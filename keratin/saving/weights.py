"""A model's state to and from a store: variables, optimizer slots, and the positions of random streams.

Everything is compared before anything is assigned. What does not fit is listed in one error: every missing, extra and
misshapen array with its path, what was expected, what the file has, and the nearest match.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

from keratin import dtypes
from keratin.errors import FileFormatError
from keratin.layers.base import Layer
from keratin.optimizers.base import Optimizer
from keratin.saving.store import Array, Entry, MemoryStore, Reader, Spec, Writer
from keratin.saving.walk import Walk, check_complete
from keratin.state.variable import Variable

SEEDS = "keratin.seeds"
"""The group for the positions of random streams, which Keras's files lack. No attribute has such a name."""

_TRAINING = ("optimizer", "loss", "_compile_loss", "_compile_metrics")  # what a model holds only while compiled
_OLD_LAYERS = "_layer_checkpoint_dependencies"  # Keras 2.13's name for `layers`
_DEFAULTS = (Layer.load_own_variables, Optimizer.load_own_variables)


def save(model: Any, writer: Writer) -> None:
    """Put the state of a model, or of any layer, into a store.

    Raises: StateError if it holds weights in a way that files cannot name.
    """
    walk = Walk(model)
    check_complete(model, walk)
    for path, obj in walk.objects:
        if hasattr(obj, "save_own_variables"):  # Keras's protocol: metrics and losses may have it too
            name = getattr(obj, "name", None)
            obj.save_own_variables(writer.entry(path, name if isinstance(name, str) else None))
    for path, seed in walk.seeds:
        writer.entry(f"{SEEDS}/{path}", None)["0"] = seed.state  # its name may be numbered anew


def load(model: Any, reader: Reader, skip_mismatch: bool = False) -> None:
    """Assign the state of a model, or of any layer, from a store.

    Args: skip_mismatch: what does not fit is left as it is, and listed in one warning.

    Raises: FileFormatError listing everything that does not fit; nothing is assigned then.
    """
    _build_optimizer(model, reader)
    walk = Walk(model)
    matching = _Matching(walk, reader)
    problems = matching.problems()
    if problems and not skip_mismatch:
        raise FileFormatError(
            f"The weights do not fit the model: {listing(problems)}", where=reader.where, hint=_hint(walk, problems)
        )
    matching.assign()
    problems += matching.load_custom(skip_mismatch)
    if problems:
        warnings.warn(
            f"Weights in {reader.where} that do not fit the model were skipped: {listing(problems)}", stacklevel=4
        )
    _load_seeds(walk, reader)


class Problem(NamedTuple):
    """One array that does not fit."""

    kind: str  # missing, extra, shape, dtype, refused
    path: str  # in the file: layers/dense/vars/0
    variable: str  # the path of the variable in the model
    expected: Spec | str | None
    received: Spec | str | None


class _Matching:
    """Which entry of the store belongs to which object."""

    def __init__(self, walk: Walk, reader: Reader) -> None:
        self._reader = reader
        self._paths = set(reader.paths())
        self._taken: dict[str, Any] = {}
        self._pairs: list[tuple[str, Any, Entry]] = []
        self._failed: list[tuple[str, Any]] = []
        waiting = []
        for path, obj in walk.objects:
            if not hasattr(obj, "load_own_variables") or (isinstance(obj, Optimizer) and not self._has_optimizer(path)):
                continue
            if not self._take(path, obj):
                waiting.append((path, obj))
        for path, obj in waiting:
            if not any(self._take(alias, obj) for alias in self._aliases(walk, obj)):
                self._failed.append((path, obj))
        compiled = any(isinstance(obj, Optimizer) for _, obj in walk.objects)
        self._ignored = () if compiled else _TRAINING

    def _has_optimizer(self, path: str) -> bool:
        """Weights without any state of an optimizer say nothing about it."""
        return any(p == path or p.startswith(f"{path}/") for p in self._paths)

    def _aliases(self, walk: Walk, obj: Any) -> Iterable[str]:
        old = any(_OLD_LAYERS in path for path in self._paths)
        for alias in walk.aliases(obj):
            yield alias
            if old:
                yield alias.replace("layers", _OLD_LAYERS)

    def _take(self, path: str, obj: Any) -> bool:
        if path in self._taken:
            return False
        entry = self._reader.entry(path)
        if not _fits(obj, entry):
            return False
        self._taken[path] = obj
        self._pairs.append((path, obj, entry))
        return True

    # -- what does not fit

    def problems(self) -> list[Problem]:
        found = [problem for path, obj in self._failed for problem in self._compared(path, obj)]
        for path in self._reader.paths():
            first = path.split("/")[0]
            if (
                path in self._taken
                or first == SEEDS
                or first in self._ignored
                or any(path == p for p, _ in self._failed)
            ):
                continue
            entry = self._reader.entry(path)
            found += [Problem("extra", _at(path, key), "", None, entry.spec(key)) for key in entry]
        return found

    def _compared(self, path: str, obj: Any) -> Iterable[Problem]:
        entry = self._reader.entry(path) if path not in self._taken else MemoryStore().entry(path)
        variables = own_variables(obj)
        for i, variable in enumerate(variables):
            key, expected = str(i), Spec(variable.shape, variable.dtype)
            if key not in entry:
                yield Problem("missing", _at(path, key), variable.path, expected, None)
                continue
            received = entry.spec(key)
            if received.shape != expected.shape:
                yield Problem("shape", _at(path, key), variable.path, expected, received)
            elif not castable(received.dtype, expected.dtype):
                yield Problem("dtype", _at(path, key), variable.path, expected, received)
        known = {str(i) for i in range(len(variables))}
        for key in entry:
            if key not in known:
                yield Problem("extra", _at(path, key), "", None, entry.spec(key))

    # -- assignment

    def assign(self) -> None:
        """Read everything, then assign everything: a damaged array changes nothing."""
        values: list[tuple[Variable, Array]] = []
        fresh: list[Variable] = []
        for _, obj, entry in self._pairs:
            if _is_default(obj):
                variables = own_variables(obj)
                values += [
                    (v, as_dtype(entry[str(i)], v.dtype)) for i, v in zip(range(len(entry)), variables, strict=False)
                ]
                fresh += variables[len(entry) :]
        for variable, value in values:
            variable.assign(value)
        for variable in fresh:  # the slots of an optimizer that was saved before its first step
            variable.reset()

    def load_custom(self, skip_mismatch: bool) -> list[Problem]:
        """Let classes load what they saved in their own way."""
        refused = []
        for path, obj, entry in self._pairs:
            if _is_default(obj):
                continue
            try:
                obj.load_own_variables(entry)
            except Exception as error:  # the class's own code: anything may come
                if not skip_mismatch:
                    raise
                refused.append(Problem("refused", _at(path, ""), type(obj).__name__, None, str(error)))
        return refused


def own_variables(obj: Any) -> list[Variable]:
    """The variables that an object itself stores, in the order of files."""
    return obj.own_variables if isinstance(obj, Layer) else list(getattr(obj, "variables", ()))


def _is_default(obj: Any) -> bool:
    return type(obj).load_own_variables in _DEFAULTS


def _fits(obj: Any, entry: Entry) -> bool:
    if not _is_default(obj):
        return len(entry) > 0 or not own_variables(obj)
    variables = own_variables(obj)
    if len(entry) != len(variables) and not (isinstance(obj, Optimizer) and _before_training(obj, entry)):
        return False
    for i, variable in zip(range(len(entry)), variables, strict=False):
        if str(i) not in entry:
            return False
        shape, dtype = entry.spec(str(i))
        if shape != variable.shape or not castable(dtype, variable.dtype):
            return False
    return True


def _before_training(optimizer: Optimizer, entry: Entry) -> bool:
    """Whether the entry is that of an optimizer that had not made its slots yet."""
    return len(entry) == _scalars(optimizer)


def _scalars(optimizer: Optimizer) -> int:
    """How many variables an optimizer has before its slots: the step count, and the learning rate if it is a number."""
    names = [variable.name for variable in optimizer.variables[:2]]
    return 2 if names[1:] == ["learning_rate"] else 1


def castable(source: str, target: str) -> bool:
    """Whether values of one dtype may become another: within a kind, or to a wider kind."""
    if source == target:
        return True
    if source.startswith("void"):
        return dtypes.numpy_dtype(target).itemsize == int(source[4:]) // 8
    order = [{"bool"}, dtypes.INTEGER, dtypes.FLOAT, dtypes.COMPLEX]
    ranks = [next((i for i, names in enumerate(order) if name in names), None) for name in (source, target)]
    return ranks[0] is not None and ranks[1] is not None and ranks[0] <= ranks[1]


def as_dtype(array: Array, dtype: str) -> Array:
    """The array in another dtype; opaque bytes are taken as they are."""
    target = dtypes.numpy_dtype(dtype)
    if array.dtype.kind == "V" and array.dtype.name.startswith("void"):
        return array.view(target)
    return array if array.dtype == target else array.astype(target)


def _build_optimizer(model: Any, reader: Reader) -> None:
    """Make the slots of a compiled model's optimizer, if the store has values for them."""
    optimizer = getattr(model, "optimizer", None)
    if not isinstance(optimizer, Optimizer) or optimizer.built or not model.built:
        return
    if len(reader.entry("optimizer")) > _scalars(optimizer):
        optimizer.build(model.trainable_variables)


def _load_seeds(walk: Walk, reader: Reader) -> None:
    """Streams that the file does not know go on as they are; so do streams of the file that the model does not have."""
    for path, seed in walk.seeds:
        entry = reader.entry(f"{SEEDS}/{path}")
        if "0" in entry and entry.spec("0") == (seed.state.shape, seed.state.dtype):
            seed.state.assign(entry["0"])


# ---- messages


def _at(path: str, key: str) -> str:
    return "/".join(part for part in (path, "vars", key) if part)


def listing(problems: list[Problem]) -> str:
    """What does not fit, counted and line by line."""
    counts = {kind: sum(p.kind == kind for p in problems) for kind in ("missing", "extra", "shape", "dtype", "refused")}
    words = {
        "missing": "missing",
        "extra": "extra",
        "shape": "of another shape",
        "dtype": "of another dtype",
        "refused": "refused",
    }
    head = ", ".join(f"{n} {words[kind]}" for kind, n in counts.items() if n)
    nearest = _nearest(problems)
    return "\n    ".join([f"{head}.", *(_line(p, nearest.get(p.path)) for p in problems)])


def _line(problem: Problem, near: Problem | None) -> str:
    owner = f" ({problem.variable})" if problem.variable else ""
    parts = [f"expected {problem.expected}"] if problem.expected else []
    if problem.received:
        parts.append(f"received {problem.received}")
    if near is not None:
        place = "in the file" if problem.kind == "missing" else "in the model"
        parts.append(f"nearest {place}: {near.path} {near.expected or near.received}")
    return f"{problem.kind} {problem.path}{owner}: {'; '.join(parts)}"


def _nearest(problems: list[Problem], most: int = 100) -> dict[str, Problem]:
    """For what is missing the most similar extra array, and the other way round; equal shapes come first."""
    missing = [p for p in problems if p.kind == "missing"][:most]
    extra = [p for p in problems if p.kind == "extra"][:most]
    found = {}
    for these, those in ((missing, extra), (extra, missing)):
        for problem in these:
            shape = (problem.expected or problem.received).shape  # type: ignore[union-attr]
            same = [p for p in those if (p.expected or p.received).shape == shape]  # type: ignore[union-attr]
            by_path = {p.path: p for p in same or those}
            near = difflib.get_close_matches(problem.path, by_path, 1, cutoff=0.0)
            if near:
                found[problem.path] = by_path[near[0]]
    return found


def _hint(walk: Walk, problems: list[Problem]) -> str:
    unbuilt = [path for path, obj in walk.objects if isinstance(obj, Layer) and not obj.built]
    if unbuilt and any(p.kind == "extra" for p in problems):
        return f"`{unbuilt[-1] or 'the model'}` is not built: call the model on data or build it before loading weights"
    if all(p.path.startswith("optimizer/") for p in problems):
        return "only the optimizer differs: load before `compile()`, or pass `compile=False` or `skip_mismatch=True`"
    return "make the model as it was when it was saved; or pass `skip_mismatch=True` to load what fits"
