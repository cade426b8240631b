"""A program runs many steps of a stateful step function in one dispatch.

It takes the state, the data that lies on the device and two step numbers, runs the steps between them in a loop on
the device, and gives the new state and the logs. The start and the stop are values, so that chunks of any length, a
single step too, run through the same compiled code and give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keratin import tree
from keratin.backends import primitives as p
from keratin.backends import select, spec
from keratin.errors import StateError
from keratin.ops import mechanism
from keratin.state.scope import Scope
from keratin.state.transforms import Parts, discover, take_apart
from keratin.state.variable import Variable

Step = Callable[[Any], tuple[Any, Any]]
"""A step: a batch (nest) to (loss or None, logs: a dict of scalars)."""


class StepProgram:
    """A step compiled for batches of one shape.

    Args:
        step: takes a batch, assigns variables, and returns (loss, logs).
        structure: how a flat batch becomes the nest that `step` takes.
        specs: shape and dtype of the flat batch.
        gather: whether batches are gathered by a permutation, or lie one after the other.
        stride: rows between the starts of two batches.
        results: gives the logs from the variables after the last step, in place of those that the step returns.
        like: a program of the same step for batches of another size, which spares the discovery run.
        optimize: whether the backend's optimizing compiler is used, where there is a choice; None leaves it to it.

    A step that only the engine itself can run (`NotCompilable`) runs as it stands.
    """

    runs = 0  # how often the loop ran it, and how long a step took
    seconds_per_step: float | None = None

    def __init__(
        self,
        step: Step,
        structure: Any,
        specs: Sequence[spec.Spec],
        gather: bool,
        stride: int,
        results: Callable[[], Any] | None = None,
        like: StepProgram | None = None,
        optimize: bool | None = None,
    ) -> None:
        self.optimize = optimize
        self.step, self.structure, self.specs, self.gather, self.stride, self.results = (
            step,
            structure,
            list(specs),
            gather,
            stride,
            results,
        )
        self.rows = specs[0].shape[0]
        self.traces = 0
        self.log_parts: Parts | None = None
        self.native: EagerProgram | None = None
        if like is not None and like.native is None:
            self.log_specs, self.discovered = like.log_specs, like.discovered
            self._prepare([*like.read, *like.assigned], list(like.assigned))
            return
        try:
            self._discover()
        except spec.NotCompilable:
            self._go_native()

    def _go_native(self) -> None:
        self.native = EagerProgram(
            self.step, self.structure, self.specs, self.gather, self.stride, self.results, None, self.optimize, True
        )

    def _discover(self) -> None:
        scope, outputs, output_specs = discover(self._call, take_apart(((list(self.specs),), {})))
        self.log_specs = output_specs
        self.discovered = outputs
        if self.results is not None:
            extra, _, _ = discover(self.results, take_apart(((), {})))
            scope.reads.update(extra.reads)
        self._prepare(list(dict.fromkeys((*scope.reads, *scope.assigned))), list(scope.assigned))

    def _call(self, flat: list[Any]) -> Any:
        self.traces += 1
        batch = tree.unflatten(self.structure, flat)
        loss, logs = self.step(batch)
        return [loss, None if self.results is not None else logs]

    def _prepare(self, variables: list[Variable], assigned: list[Variable]) -> None:
        self.assigned = assigned
        self.read = [v for v in variables if v not in set(assigned)]
        self.compiled = select.current().loop(self._begin, self._fetch, self._body, self._finish, self.optimize)

    # ---- traced

    def _begin(self, state: list[Any]) -> list[Any]:
        """The carry: the state, the logs of the last step, and the first step whose loss was not finite."""
        logs = [p.full(s.shape, 0, s.dtype) for s in self.log_specs]
        return [state, logs, p.full((), -1, "int32")]

    def _finish(self, carry: list[Any], constants: list[Any]) -> tuple[list[Any], Any]:
        state, logs, bad = carry
        if self.results is not None:
            with Scope([*zip(self.read, constants, strict=True), *zip(self.assigned, state, strict=True)]):
                self.log_parts = take_apart(self.results())
            logs = self.log_parts.tensors
        else:
            self.log_parts = self._logs_of(self.discovered)
            logs = logs[len(logs) - len(self.log_parts.tensors) :]
        self.log_shapes = [tuple(t.shape) for t in logs]
        return state, _packed(bad, logs)

    def _body(self, i: Any, carry: list[Any], constants: list[Any], batch: list[Any]) -> list[Any]:
        state, _, bad = carry
        values = [*zip(self.read, constants, strict=True), *zip(self.assigned, state, strict=True)]
        with Scope(values) as scope:
            loss, logs = self._call(batch)
            outputs = take_apart([loss, logs])
        assigned = set(self.assigned)
        known = assigned | set(self.read)
        late = [v for v in scope.reads if v not in known]
        new = [v for v in scope.assigned if v not in assigned]
        if late or new:
            raise LateVariables([*late, *new], new)
        if loss is not None:
            finite = p.isfinite(mechanism.convert(loss, "float32"))
            bad = p.where(p.logical_and(p.less(bad, 0), p.logical_not(finite)), p.cast(i, "int32"), bad)
        kept = [mechanism.convert(t, s.dtype) for t, s in zip(outputs.tensors, self.log_specs, strict=True)]
        return [[scope.values[v] for v in self.assigned], kept, bad]

    def _fetch(self, i: Any, data: list[Any]) -> list[Any]:
        arrays, order = data
        first = i * self.stride
        if self.gather:
            rows = p.dynamic_slice(order, [first], [self.rows])
            return [p.take_rows(a, rows) for a in arrays]
        return [p.dynamic_slice(a, [first, *([0] * (len(a.shape) - 1))], [self.rows, *a.shape[1:]]) for a in arrays]

    def _logs_of(self, outputs: Parts) -> Parts:
        return take_apart(outputs.rebuild(outputs.tensors)[1])

    # ---- called

    def run(self, arrays: list[Any], order: Any, start: int, stop: int) -> tuple[dict[str, Any], int | None]:
        """Run steps `start` to `stop`.

        Returns: the logs after the last of them as floats (arrays where they are no scalars), and the first step whose
        loss was not finite, or None.
        """
        for _ in range(4):
            if self.native is not None:
                return self.native.run(arrays, order, start, stop)
            try:
                return self._run(arrays, order, start, stop)
            except spec.NotCompilable:
                self._go_native()
            except LateVariables as late:
                self._prepare(
                    list(dict.fromkeys((*self.read, *self.assigned, *late.variables))), [*self.assigned, *late.assigned]
                )
        raise StateError("A step uses other variables every time it runs.", received=str(self.step))

    def _run(self, arrays: list[Any], order: Any, start: int, stop: int) -> tuple[dict[str, Any], int | None]:
        state = [_own_copy(v) for v in self.assigned]
        constants = [v.cell() for v in self.read]
        new, packed = self.compiled(state, constants, [arrays, order], start, stop)
        for variable, value in zip(self.assigned, new, strict=True):
            variable.take(value)
        return self._unpacked(packed)

    def _unpacked(self, packed: Any) -> tuple[dict[str, Any], int | None]:
        assert self.log_parts is not None
        backend = select.current()
        scalars, others = packed
        values = iter(backend.to_host(scalars).tolist())
        bad = int(next(values))
        rest = iter(others)
        tensors = [next(values) if shape == () else backend.to_host(next(rest)) for shape in self.log_shapes]
        return self.log_parts.rebuild(tensors), None if bad < 0 else bad


class EagerProgram:
    """The same as `StepProgram` without its compiling.

    For `run_eagerly=True`; and, with `native=True`, for steps that only the engine itself can run: those in its own
    style, where variables are the engine's and are written to in place.
    """

    runs = 0
    seconds_per_step: float | None = None

    def __init__(
        self,
        step: Step,
        structure: Any,
        specs: Sequence[spec.Spec],
        gather: bool,
        stride: int,
        results: Callable[[], Any] | None = None,
        like: Any = None,
        optimize: bool | None = None,
        native: bool = False,
    ) -> None:
        self.step = select.current().native_step(step, optimize) if native else step
        self.structure, self.gather, self.stride, self.results = structure, gather, stride, results
        self.rows = int(specs[0].shape[0] or 0)

    def run(self, arrays: list[Any], order: Any, start: int, stop: int) -> tuple[dict[str, Any], int | None]:
        """Run the steps one by one."""
        bad: int | None = None
        logs: Any = {}
        for i in range(start, stop):
            begin = i * self.stride
            rows = slice(begin, begin + self.rows)
            flat = [p.take_rows(a, order[rows]) if self.gather else a[rows] for a in arrays]
            loss, logs = self.step(tree.unflatten(self.structure, flat))
            if (
                bad is None
                and loss is not None
                and not np.isfinite(select.current().to_host(mechanism.convert(loss, "float32")))
            ):
                bad = i
        if self.results is not None:
            logs = self.results()
        backend = select.current()
        parts = take_apart(logs)
        values = [backend.to_host(t) for t in parts.tensors]
        return parts.rebuild([float(v) if v.shape == () else v for v in values]), bad


class LateVariables(Exception):
    """The trace used variables that the discovery run did not."""

    def __init__(self, variables: list[Variable], assigned: list[Variable]) -> None:
        super().__init__()
        self.variables, self.assigned = variables, assigned


def _own_copy(variable: Variable) -> Any:
    """The value, as a tensor that nobody else holds: the program may overwrite it."""
    if variable.borrowed:
        variable.hold(p.copy(variable.held()))
    return variable.cell()


def _packed(bad: Any, logs: list[Any]) -> tuple[Any, list[Any]]:
    """All scalars in one vector, which crosses to the host once."""
    scalars = [p.reshape(p.cast(t, "float32"), (1,)) for t in (bad, *logs) if tuple(t.shape) == ()]
    return p.concatenate(scalars, 0), [t for t in logs if tuple(t.shape) != ()]


class CallProgram:
    """A function of a batch that is compiled for one shape, over the variables that it uses: for `predict`.

    Args:
        function: takes the nest of a batch.
        structure, specs, stride: as for `StepProgram`.
        owner: the model, whose settings decide whether the program is current.
        eager: whether to run uncompiled.
        optimize: as for `StepProgram`.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        structure: Any,
        specs: Sequence[spec.Spec],
        stride: int,
        owner: Any,
        eager: bool,
        optimize: bool | None = None,
    ) -> None:
        self.optimize = optimize
        self.function, self.structure, self.specs, self.stride, self.eager = (
            function,
            structure,
            list(specs),
            stride,
            eager,
        )
        self.rows = int(self.specs[0].shape[0] or 0)
        self.policy = _policy_of(owner)
        self.single = self.native = False
        try:
            scope, self.outputs, _ = discover(self._call, take_apart(((list(self.specs),), {})))
            self._prepare(list(dict.fromkeys((*scope.reads, *scope.assigned))))
        except spec.NotCompilable:
            self.native = True

    def _call(self, flat: list[Any]) -> Any:
        return self.function(tree.unflatten(self.structure, flat))

    def _prepare(self, variables: list[Variable]) -> None:
        self.variables = variables
        self.assigned: list[Variable] = []
        self.compiled = self._pure if self.eager else select.current().jit(self._pure, optimize=self.optimize)

    def is_current(self, owner: Any) -> bool:
        """Whether the program still does what the model would."""
        return self.policy == _policy_of(owner)

    def _pure(self, values: list[Any], flat: list[Any]) -> tuple[list[Any], list[Any]]:
        with Scope(zip(self.variables, values, strict=True)) as scope:
            self.outputs = take_apart(self._call(flat))
        known = set(self.variables)
        late = [v for v in scope.reads if v not in known]
        if late:
            raise LateVariables(late, [])
        self.assigned = list(scope.assigned)
        self.single = len(self.outputs.tensors) == 1 and self.outputs.treedef.num_nodes == 1
        return self.outputs.tensors, list(scope.assigned.values())

    def _run(self, flat: list[Any]) -> list[Any]:
        for _ in range(4):
            if self.native:
                self.outputs = take_apart(self._call(flat))
                return self.outputs.tensors
            try:
                results, new = self.compiled([v.cell() for v in self.variables], flat)
            except spec.NotCompilable:
                self.native = True
                continue
            except LateVariables as late:
                self._prepare([*self.variables, *late.variables])
                continue
            for variable, value in zip(self.assigned, new, strict=True):
                variable.take(value)
            return results
        raise StateError("A call uses other variables every time it runs.", received=str(self.function))

    def to_host(self, flat: list[Any]) -> Any:
        """The outputs as NumPy arrays that may be written to."""
        backend = select.current()
        results = self._run(flat)
        if self.single:
            return np.array(backend.to_host(results[0]))
        return self.outputs.rebuild([np.array(backend.to_host(r)) for r in results])

    def rows_of(self, arrays: list[Any], step: int) -> Any:
        """The outputs for batch number `step` of arrays that lie on the device."""
        begin = step * self.stride
        flat = arrays
        if arrays[0].shape[0] != self.rows:
            flat = [
                p.slice_strided(a, (slice(begin, begin + self.rows), *(slice(None),) * (len(a.shape) - 1)))
                for a in arrays
            ]
        return self.to_host(flat)


def _policy_of(owner: Any) -> Any:
    return owner.dtype_policy.name
