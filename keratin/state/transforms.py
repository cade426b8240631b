"""Transforms of functions that read and assign variables.

Each takes a function as you would write it, with `variable.assign(...)` inside, and threads the state for you: the
function's reads become arguments of a pure function, its assignments results, and the results are assigned when the
transformed function returns.

    @keratin.jit
    def train_step(x, y):
        loss, gradients = keratin.value_and_grad(compute_loss, model.trainable_variables)(x, y)
        optimizer.apply(gradients, model.trainable_variables)
        return loss
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from keratin import dtypes, tree
from keratin.backends import select, spec, symbolic
from keratin.errors import ArgumentError, StateError
from keratin.ops import mechanism
from keratin.state.scope import Scope, local
from keratin.state.variable import Variable

P = ParamSpec("P")
R = TypeVar("R")


# ---- tensors and the rest of a nest


class Parts(NamedTuple):
    """A nest taken apart: its tensors, and what is needed to put it together again."""

    tensors: list[Any]
    places: tuple[int, ...]
    static: tuple[Any, ...]
    treedef: Any

    def rebuild(self, tensors: Iterable[Any]) -> Any:
        """The nest with other tensors."""
        leaves = list(self.static)
        for place, tensor in zip(self.places, tensors, strict=True):
            leaves[place] = tensor
        return tree.unflatten(self.treedef, leaves)


def take_apart(nest: Any, *, numbers: bool = True) -> Parts:
    """Split a nest into tensors and static leaves; `numbers` makes tensors of Python ints and floats."""
    backend = select.current()
    leaves, treedef = tree.flatten_with_treedef(nest)
    tensors: list[Any] = []
    places: list[int] = []
    for place, leaf in enumerate(leaves):
        kind = type(leaf)
        if kind in backend.TENSOR_TYPES or isinstance(leaf, np.ndarray | np.generic | spec.Spec):
            tensor = leaf
        elif numbers and (kind is int or kind is float):
            tensor = mechanism.convert(leaf)
        elif isinstance(leaf, Variable):
            tensor = leaf.__keratin_tensor__()
        elif backend.is_tensor(leaf):
            tensor = leaf
        else:
            continue
        if isinstance(tensor, np.ndarray | np.generic):
            if np.asarray(tensor).dtype.kind in "OUS":
                continue
            tensor = mechanism.convert(tensor)
        tensors.append(tensor)
        places.append(place)
        leaves[place] = None
    return Parts(tensors, tuple(places), tuple(leaves), treedef)


def discover(function: Callable[..., Any], parts: Parts) -> tuple[Scope, Parts, list[spec.Spec]]:
    """Run `function(*args, **kwargs)` on shapes alone: which variables it reads and assigns, and what it returns."""
    scope = Scope()
    found: list[Parts] = []

    def run(*tensors: Any) -> list[Any]:
        args, kwargs = parts.rebuild(tensors)
        with scope:
            outputs = take_apart(function(*args, **kwargs))
        found.append(outputs)
        return outputs.tensors

    specs = select.current().abstract_eval(run, parts.tensors)
    return scope, found[-1], specs


def _variables(scope: Scope) -> list[Variable]:
    return list(dict.fromkeys((*scope.reads, *scope.assigned)))


def _hand_back(variables: Sequence[Variable], values: Iterable[Any]) -> None:
    """Assign in the surrounding context."""
    for variable, value in zip(variables, values, strict=True):
        if local.scope is not None:
            local.scope.write(variable, value)
        else:
            variable.hold(value)


def _read_raw(variables: Iterable[Variable]) -> list[Any]:
    outer = local.scope
    return [v.held() if outer is None else outer.read(v) for v in variables]


# ---- jit


class CompiledFunction:
    """A function that runs compiled, with one program for each set of shapes, dtypes and static arguments."""

    def __init__(self, function: Callable[..., Any], static_argnames: Sequence[str]) -> None:
        functools.update_wrapper(self, function)
        self.function, self.static_argnames = function, frozenset(static_argnames)
        self.traces = 0
        self._programs: dict[Any, _Program] = {}
        self._native: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if local.scope is not None or symbolic.local.active:
            return self.function(*args, **kwargs)  # part of a larger program already
        if self._native is not None:
            return self._native(*args, **kwargs)
        try:
            return self._run(args, kwargs)
        except spec.NotCompilable:
            native = self._native = select.current().native_step(self.function)
            return native(*args, **kwargs)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kwargs = dict(kwargs)
        fixed = {k: kwargs.pop(k) for k in self.static_argnames & kwargs.keys()}
        parts = take_apart((args, kwargs))
        key = (
            parts.treedef,
            parts.static,
            tuple(sorted(fixed.items())),
            tuple((tuple(t.shape), str(t.dtype)) for t in parts.tensors),
        )
        try:
            program = self._programs.get(key)
        except TypeError as error:
            raise ArgumentError(
                "An argument of a compiled function is neither a tensor nor hashable.",
                where=self.function.__qualname__,
                received=[type(s).__name__ for s in parts.static if s is not None],
            ) from error
        if program is None or not program.is_current():
            function = functools.partial(self.function, **fixed) if fixed else self.function
            program = self._programs[key] = _Program(function, parts)
            self.traces += 1
        return program(parts.tensors)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


class _Program:
    """A function compiled for one set of shapes, over the variables that it uses."""

    def __init__(self, function: Callable[..., Any], parts: Parts) -> None:
        self.function, self.parts = function, parts
        scope, self.outputs, _ = discover(function, parts)
        self._prepare(_variables(scope), list(scope.assigned))

    def _prepare(self, variables: list[Variable], assigned: list[Variable]) -> None:
        self.variables, self.assigned = variables, assigned
        self.fingerprint = [(v.trainable, v.frozen) for v in variables]
        self.run = select.current().jit(self._pure)

    def is_current(self) -> bool:
        """Whether what decides the trace beside shapes is as it was."""
        return self.fingerprint == [(v.trainable, v.frozen) for v in self.variables]

    def _pure(self, values: list[Any], tensors: list[Any]) -> tuple[list[Any], list[Any]]:
        args, kwargs = self.parts.rebuild(tensors)
        with Scope(zip(self.variables, values, strict=True)) as scope:
            self.outputs = take_apart(self.function(*args, **kwargs))
        known = set(self.variables)
        late = [v for v in scope.reads if v not in known]
        if late:
            raise _LateVariables(late)
        self.assigned = list(scope.assigned)
        return self.outputs.tensors, list(scope.assigned.values())

    def __call__(self, tensors: list[Any]) -> Any:
        for _ in range(3):
            values = [v.cell() for v in self.variables]
            try:
                results, new = self.run(values, tensors)
            except _LateVariables as late:
                self._prepare([*self.variables, *late.variables], self.assigned)
                continue
            for variable, value in zip(self.assigned, new, strict=True):
                variable.take(value)
            return self.outputs.rebuild(results)
        raise StateError("A compiled function uses other variables on every run.", where=str(self.function))


class _LateVariables(Exception):
    """The trace read variables that the discovery run did not."""

    def __init__(self, variables: list[Variable]) -> None:
        super().__init__()
        self.variables = variables


def jit(function: Callable[P, R] | None = None, *, static_argnames: Sequence[str] = ()) -> Any:
    """`function` compiled, its variables read and assigned as outside.

    Tensors, arrays and numbers are inputs; strings, booleans, None and other objects are part of the program, which is
    compiled anew where they change. Variables that the function uses, in any depth, are found by a run on shapes; that
    run and the trace are the only two times its Python code runs for a set of shapes.

    Args:
        function: what to compile; without it, a decorator is returned.
        static_argnames: keyword arguments that are part of the program though they are numbers.

    Raises: ArgumentError for an argument that is neither a tensor nor hashable.

    >>> count = Variable(0)
    >>> @jit
    ... def tick(step):
    ...     count.assign_add(step)
    ...     return count * 2
    >>> int(tick(3)), int(tick(4)), int(count), tick.traces
    (6, 14, 7, 1)
    """
    if function is None:
        return lambda f: CompiledFunction(f, static_argnames)
    return CompiledFunction(function, static_argnames)


# ---- gradients


def value_and_grad(
    function: Callable[..., Any],
    variables: Iterable[Variable] | Callable[[], Iterable[Variable]],
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function of the same arguments that returns the value and its gradients with respect to `variables`.

    Gradients flow through assignments inside; what is assigned stays assigned afterwards.

    Args:
        function: returns a scalar, or (scalar, anything) with `has_aux`.
        variables: which variables; the gradients come in their order. A function is called at each use.
        has_aux: whether `function` returns a pair.

    Raises: StateError if the value is not a scalar; BackendError where the backend has no gradients.

    >>> w = Variable([1.0, 2.0])
    >>> value, (gradient,) = value_and_grad(lambda x: ((w * x) @ (w * x)), [w])(3.0)
    >>> float(value), gradient.tolist()
    (45.0, [18.0, 36.0])
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        chosen = list(variables() if callable(variables) else variables)
        _check_distinct(chosen)
        assigned: list[Variable] = []
        outputs: list[Parts] = []

        def pure(values: list[Any]) -> tuple[Any, Any]:
            with Scope(zip(chosen, values, strict=True)) as scope:
                result = function(*args, **kwargs)
            if has_aux and not (isinstance(result, tuple) and len(result) == 2):
                raise StateError(
                    "With `has_aux=True` the function must return a pair (value, auxiliary).", received=type(result)
                )
            value, auxiliary = result if has_aux else (result, None)
            value = mechanism.convert(value)
            if tuple(value.shape) != ():
                raise StateError(
                    "Gradients are taken of a scalar.",
                    expected="shape ()",
                    received=tuple(value.shape),
                    hint="reduce it, with `ops.mean` for example",
                )
            parts = take_apart(auxiliary)
            outputs.append(parts)
            assigned[:] = scope.assigned
            return value, (parts.tensors, list(scope.assigned.values()))

        (value, (auxiliary, new)), gradients = select.current().value_and_grad(pure)(_read_raw(chosen))
        _hand_back(assigned, new)
        return ((value, outputs[-1].rebuild(auxiliary)) if has_aux else value), list(gradients)

    return run


def grad(function: Callable[..., Any], variables: Iterable[Variable], has_aux: bool = False) -> Callable[..., Any]:
    """Like `value_and_grad`, returning the gradients alone, or (gradients, auxiliary) with `has_aux`.

    >>> w = Variable(3.0)
    >>> [float(g) for g in grad(lambda: w * w, [w])()]
    [6.0]
    """
    both = value_and_grad(function, variables, has_aux)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return run


def _check_distinct(variables: list[Variable]) -> None:
    for variable in variables:
        if not isinstance(variable, Variable):
            raise ArgumentError(
                "Gradients are taken with respect to variables.", expected="Variable", received=variable
            )
    if len(set(variables)) != len(variables):
        twice = [v.path for i, v in enumerate(variables) if any(v is other for other in variables[:i])]
        raise ArgumentError("A variable is named twice.", received=twice)


# ---- pure functions


def functionalize(function: Callable[..., Any], variables: Sequence[Variable]) -> Callable[..., Any]:
    """`function` as `pure(values, *args, **kwargs) -> (outputs, new values)`, the values in the order of `variables`.

    Raises: StateError if the function assigns a variable that is not among them.

    >>> v = Variable(1.0, name="v")
    >>> pure = functionalize(lambda x: v.assign(v * x), [v])
    >>> outputs, (new,) = pure([2.0], 5.0)
    >>> float(outputs), float(new), float(v)
    (10.0, 10.0, 1.0)
    """
    chosen = list(variables)
    _check_distinct(chosen)

    @functools.wraps(function)
    def pure(values: Sequence[Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        if len(values) != len(chosen):
            raise ArgumentError(
                "The number of values differs from that of the variables.", expected=len(chosen), received=len(values)
            )
        given = [mechanism.convert(value, v.dtype) for v, value in zip(chosen, values, strict=True)]
        with Scope(zip(chosen, given, strict=True)) as scope:
            outputs = function(*args, **kwargs)
        known = set(chosen)
        outside = [v.path for v in scope.assigned if v not in known]
        if outside:
            raise StateError(
                "The function assigns variables that were not named.", received=outside, hint="add them to `variables`"
            )
        return outputs, [scope.values[v] for v in chosen]

    return pure


# ---- loops, batches, memory


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """Run `carry, y = function(carry, x)` over the rows of `xs` in one compiled loop.

    Variables that the function assigns are carried along by themselves.

    Args:
        init: the first carry, any nest.
        xs: nest of tensors with equal first axes, or None.
        length: the number of steps, needed if `xs` is None.
        reverse: run from the last row to the first.
        unroll: steps per iteration of the compiled loop.

    Returns: the last carry, and the nest of all `y` stacked along a new first axis.
    Raises: ArgumentError if there is neither `xs` nor `length`.

    >>> total = Variable(0.0)
    >>> carry, ys = scan(lambda c, x: (total.assign_add(x), c + x), 1.0, np.array([1.0, 2.0, 3.0], "float32"))
    >>> float(carry), ys.tolist(), float(total)
    (6.0, [2.0, 3.0, 6.0], 6.0)
    """
    rows, carried = take_apart(xs), take_apart(init)
    if not rows.tensors and length is None:
        raise ArgumentError("`scan` needs `xs` or `length`.", received=xs)
    steps = length if length is not None else rows.tensors[0].shape[0]
    row_specs = [spec.Spec(tuple(t.shape[1:]), dtypes.standardize(t.dtype)) for t in rows.tensors]
    example = take_apart(((carried.rebuild(carried.tensors), rows.rebuild(row_specs)), {}))
    scope, _, _ = discover(function, example)
    state = list(scope.assigned)
    outputs: list[Parts] = []

    def body(carry: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
        count = len(carried.tensors)
        with Scope(zip(state, carry[count:], strict=True)) as inner:
            new, y = function(carried.rebuild(carry[:count]), rows.rebuild(x))
        new_parts, y_parts = take_apart(new), take_apart(y)
        outputs.append(y_parts)
        kept = [
            mechanism.convert(n, mechanism.dtype_of(o)) for n, o in zip(new_parts.tensors, carry[:count], strict=True)
        ]
        return [*kept, *(inner.values[v] for v in state)], y_parts.tensors

    final, ys = select.current().scan(
        body, [*carried.tensors, *_read_raw(state)], list(rows.tensors), steps, reverse, unroll
    )
    count = len(carried.tensors)
    _hand_back(state, final[count:])
    return carried.rebuild(final[:count]), outputs[-1].rebuild(ys)


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """`function` over a further axis of its arguments.

    Variables are read as they are, the same for every row. An assignment is kept if the value is the same for all rows
    (a seed that advances, for example).

    Args:
        in_axes: the axis of each positional argument that is mapped, None for one that is the same for all rows.
        out_axes: where the axis goes in the results.

    Raises: StateError if a variable is assigned a value that differs from row to row.

    >>> vmap(lambda x, y: x @ y, in_axes=(0, None))(np.ones((4, 3), "float32"), np.ones(3, "float32")).tolist()
    [3.0, 3.0, 3.0, 3.0]
    """

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        axes_of = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes_of) != len(args):
            raise ArgumentError("`in_axes` needs one entry per argument.", expected=len(args), received=in_axes)
        parts = [take_apart(arg) for arg in args]
        axes = [axis for part, axis in zip(parts, axes_of, strict=True) for _ in part.tensors]
        assigned: list[Variable] = []
        outputs: list[Parts] = []

        def pure(*tensors: Any) -> list[Any]:
            remaining = iter(tensors)
            given = [part.rebuild([next(remaining) for _ in part.tensors]) for part in parts]
            with Scope() as scope:
                result = take_apart(function(*given))
            outputs.append(result)
            assigned[:] = scope.assigned
            return [*result.tensors, *scope.assigned.values()]

        slices = [
            spec.Spec(tuple(t.shape) if a is None else tuple(np.delete(t.shape, a)), dtypes.standardize(t.dtype))
            for t, a in zip([t for part in parts for t in part.tensors], axes, strict=True)
        ]
        select.current().abstract_eval(pure, slices)
        count = len(outputs[-1].tensors)
        targets = [out_axes] * count + [None] * len(assigned)
        try:
            results = select.current().vmap(pure, tuple(axes), targets)(*(t for part in parts for t in part.tensors))
        except ValueError as error:
            if assigned and "out_axes" in str(error):
                raise StateError(
                    "A variable was assigned a value that differs from row to row inside `vmap`.",
                    received=[v.path for v in assigned],
                    hint="return the values, and assign what you make of them outside",
                ) from error
            raise
        _hand_back(assigned, results[count:])
        return outputs[-1].rebuild(results[:count])

    return run


def remat(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its intermediate results computed again for the gradient in place of being kept.

    Source: Chen et al. 2016, arXiv:1604.06174.

    >>> w = Variable(2.0)
    >>> _, (gradient,) = value_and_grad(remat(lambda x: w * w * x), [w])(3.0)
    >>> float(gradient)
    12.0
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        parts = take_apart((args, kwargs))
        scope, _, _ = discover(function, parts)
        used = _variables(scope)
        assigned: list[Variable] = []
        outputs: list[Parts] = []

        def pure(values: list[Any], tensors: list[Any]) -> tuple[list[Any], list[Any]]:
            new_args, new_kwargs = parts.rebuild(tensors)
            with Scope(zip(used, values, strict=True)) as inner:
                result = take_apart(function(*new_args, **new_kwargs))
            outputs.append(result)
            assigned[:] = inner.assigned
            return result.tensors, list(inner.assigned.values())

        results, new = select.current().remat(pure)(_read_raw(used), parts.tensors)
        _hand_back(assigned, new)
        return outputs[-1].rebuild(results)

    return run
