"""Keratin: Keras's API, rebuilt.

Keras code runs after changing one line to `import keratin as keras`. Importing it loads NumPy and no backend: names and
sub-packages load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = (
    "activations backend callbacks config constraints dtype_policies initializers layers losses metrics "
    "mixed_precision models ops optimizers random regularizers saving testing tree utils"
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

__all__ = [
    "__version__",
    "DTypePolicy",
    "Function",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "StatelessScope",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "device",
    "dtype_policies",
    "functionalize",
    "grad",
    "initializers",
    "jit",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "remat",
    "saving",
    "scan",
    "testing",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "vmap",
]


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
    )
    from keratin import (
        backend as backend,
    )
    from keratin import (
        callbacks as callbacks,
    )
    from keratin import (
        config as config,
    )
    from keratin import (
        constraints as constraints,
    )
    from keratin import (
        dtype_policies as dtype_policies,
    )
    from keratin import (
        initializers as initializers,
    )
    from keratin import (
        layers as layers,
    )
    from keratin import (
        losses as losses,
    )
    from keratin import (
        metrics as metrics,
    )
    from keratin import (
        mixed_precision as mixed_precision,
    )
    from keratin import (
        models as models,
    )
    from keratin import (
        ops as ops,
    )
    from keratin import (
        optimizers as optimizers,
    )
    from keratin import (
        random as random,
    )
    from keratin import (
        regularizers as regularizers,
    )
    from keratin import (
        saving as saving,
    )
    from keratin import (
        testing as testing,
    )
    from keratin import (
        tree as tree,
    )
    from keratin import (
        utils as utils,
    )
    from keratin.backend import device as device
    from keratin.backend import version as version
    from keratin.backends.symbolic import KerasTensor as KerasTensor
    from keratin.initializers import Initializer as Initializer
    from keratin.layers import Input as Input
    from keratin.layers import InputSpec as InputSpec
    from keratin.layers import Layer as Layer
    from keratin.losses import Loss as Loss
    from keratin.metrics import Metric as Metric
    from keratin.models import Model as Model
    from keratin.models import Sequential as Sequential
    from keratin.models.function import Function as Function
    from keratin.ops.operation import Operation as Operation
    from keratin.optimizers import Optimizer as Optimizer
    from keratin.regularizers import Regularizer as Regularizer
    from keratin.state.policy import DTypePolicy as DTypePolicy
    from keratin.state.stateless import StatelessScope as StatelessScope
    from keratin.state.transforms import (
        functionalize as functionalize,
    )
    from keratin.state.transforms import (
        grad as grad,
    )
    from keratin.state.transforms import (
        jit as jit,
    )
    from keratin.state.transforms import (
        remat as remat,
    )
    from keratin.state.transforms import (
        scan as scan,
    )
    from keratin.state.transforms import (
        value_and_grad as value_and_grad,
    )
    from keratin.state.transforms import (
        vmap as vmap,
    )
    from keratin.state.variable import Variable as Variable
    from keratin.state.variable import name_scope as name_scope
