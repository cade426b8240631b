"""Keratin: Keras's API, rebuilt.

Keras code runs after changing one line to `import keratin as keras`. Importing it loads NumPy and no backend: names and
sub-packages load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = (
    "activations backend callbacks config constraints dtype_policies initializers layers losses metrics mixed_precision models ops "
    "optimizers random regularizers saving tree utils"
).split()

_NAMES = {
    "DTypePolicy": "keratin.state.policy",
    "Function": "keratin.models.function",
    "Initializer": "keratin.initializers",
    "Input": "keratin.layers",
    "InputSpec": "keratin.layers",
    "KerasTensor": "keratin.backends.symbolic",
    "Layer": "keratin.layers",
    "Loss": "keratin.losses",
    "Metric": "keratin.metrics",
    "Model": "keratin.models",
    "Operation": "keratin.ops.operation",
    "Optimizer": "keratin.optimizers",
    "Regularizer": "keratin.regularizers",
    "Sequential": "keratin.models",
    "StatelessScope": "keratin.state.stateless",
    "Variable": "keratin.state.variable",
    "device": "keratin.backend",
    "functionalize": "keratin.state.transforms",
    "grad": "keratin.state.transforms",
    "jit": "keratin.state.transforms",
    "name_scope": "keratin.state.variable",
    "remat": "keratin.state.transforms",
    "scan": "keratin.state.transforms",
    "value_and_grad": "keratin.state.transforms",
    "version": "keratin.backend",
    "vmap": "keratin.state.transforms",
}

__all__ = ["__version__", *_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"keratin.{name}")
    else:
        import difflib

        near = difflib.get_close_matches(name, __all__, 1)
        hint = f"; did you mean `keratin.{near[0]}`?" if near else ""
        raise AttributeError(f"module 'keratin' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))


if TYPE_CHECKING:
    from keratin import (
        activations as activations,
        backend as backend,
        callbacks as callbacks,
        config as config,
        constraints as constraints,
        dtype_policies as dtype_policies,
        initializers as initializers,
        layers as layers,
        losses as losses,
        metrics as metrics,
        mixed_precision as mixed_precision,
        models as models,
        ops as ops,
        optimizers as optimizers,
        random as random,
        regularizers as regularizers,
        saving as saving,
        tree as tree,
        utils as utils,
    )
    from keratin.backend import device as device, version as version
    from keratin.backends.symbolic import KerasTensor as KerasTensor
    from keratin.initializers import Initializer as Initializer
    from keratin.layers import Input as Input, InputSpec as InputSpec, Layer as Layer
    from keratin.losses import Loss as Loss
    from keratin.metrics import Metric as Metric
    from keratin.models import Model as Model, Sequential as Sequential
    from keratin.models.function import Function as Function
    from keratin.ops.operation import Operation as Operation
    from keratin.optimizers import Optimizer as Optimizer
    from keratin.regularizers import Regularizer as Regularizer
    from keratin.state.policy import DTypePolicy as DTypePolicy
    from keratin.state.stateless import StatelessScope as StatelessScope
    from keratin.state.transforms import (
        functionalize as functionalize,
        grad as grad,
        jit as jit,
        remat as remat,
        scan as scan,
        value_and_grad as value_and_grad,
        vmap as vmap,
    )
    from keratin.state.variable import Variable as Variable, name_scope as name_scope
