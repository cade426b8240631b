"""For authors of ops, layers and backends: all checks of one thing of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from keratin.layers import Layer
from keratin.testing.check import Check, told
from keratin.testing.layers import case as layer_case
from keratin.testing.layers import checks as layer_checks
from keratin.testing.ops import case as op_case
from keratin.testing.ops import checks as op_checks


def op_checks_of(
    op: Callable[..., Any], inputs: Sequence[Any], against: Callable[..., Any], **options: Any
) -> list[Check]:
    """The checks of an op as a list, for `parameters`; see `check_op`."""
    row = op_case.case(op, inputs, against, **options)
    return op_checks.checks([(row.name, row)])


def check_op(
    op: Callable[..., Any], inputs: Sequence[Any], against: Callable[..., Any], **options: Any
) -> dict[str, float]:
    """Check an op: value, dtype, symbolic shape, gradient, ties, edges, compiled, mapped, for any batch.

    Args:
        op: the op, made with `@op` or a function of ops.
        inputs: its tensors as float32 or integer NumPy arrays, and Python scalars.
        against: the reference: a NumPy function of the same arguments in float64.
        options: `dtype` (the rule for the result's dtype; the common dtype of the inputs by default), `edges` (values
            to put in, or True), `ties` (pairs of inputs and gradients at corners), `gradient`, `compiled`, `rtol`,
            `atol` and the others of `keratin.testing.ops.case.case`; what is none of them is an argument of the op.

    Returns the largest relative error of each kind of check.
    Raises: AssertionError that names every check that fails.

    >>> import numpy as np
    >>> from keratin import ops
    >>> from keratin.testing.ops.case import floating
    >>> errors = check_op(ops.tanh, [np.linspace(-2, 2, 5, dtype="float32")], np.tanh, dtype=floating, edges=True)
    >>> errors["value"] < 1e-6, errors["gradient"] < 1e-4
    (True, True)
    """
    return run_all(op_checks_of(op, inputs, against, **options))


def layer_checks_of(
    layer: type[Layer], args: dict[str, Any] | None = None, input: Any = None, **options: Any
) -> list[Check]:
    """The checks of a layer as a list, for `parameters`; see `check_layer`."""
    given: dict[str, Any] = {"output": None, "weights": None, "half": None, **options}
    row = layer_case.case(layer, args, input, **given)
    return layer_checks.checks([(row.name, row)])


def check_layer(
    layer: type[Layer], args: dict[str, Any] | None = None, input: Any = None, **options: Any
) -> dict[str, float]:
    """Check a layer: shapes, weights, compiled, any batch, configuration, gradient, half precision.

    Args:
        layer: the class.
        args: arguments of its constructor; a layer among them as a `functools.partial`, so that each check has its own.
        input: the shape of the input with None for sizes that are not known, or a list of shapes for a list of inputs.
        options: `output` (the expected shape), `weights` (the number of elements of all weights), `names` (of the
            weights), `integers` (the input is integers below this), `call` (other arguments of the call), `random` (the
            layer draws random numbers while training), `gradient=False` and the others of
            `keratin.testing.layers.case.case`.

    Returns the largest relative error of each kind of check.
    Raises: AssertionError that names every check that fails.

    >>> from keratin import layers
    >>> errors = check_layer(layers.Dense, {"units": 4}, (None, 8), output=(None, 4), weights=36)
    >>> sorted(errors)[:3]
    ['compiled', 'config', 'gradient']
    """
    return run_all(layer_checks_of(layer, args, input, **options))


def run_all(checks: Iterable[Check]) -> dict[str, float]:
    """Run checks.  Gives the largest error of each kind.  Raises: AssertionError that names every one that fails."""
    errors: dict[str, float] = {}
    failed: list[str] = []
    first: Exception | None = None
    for check in checks:
        if check.missing() is not None:
            continue
        try:
            errors[check.kind] = max(errors.get(check.kind, 0.0), check.run())
        except Exception as error:  # an op that raises fails its check
            first = first or error
            failed.append(f"{check.name}: {told(error)}")
    if failed:
        raise AssertionError("\n".join([f"{len(failed)} checks fail.", *failed])) from first
    return errors
