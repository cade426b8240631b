"""`TorchModuleWrapper`: a module of PyTorch as a layer."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from keratin.backends.torch import programs
from keratin.errors import ArgumentError, ConfigError
from keratin.layers.base import Layer
from keratin.state import scope
from keratin.state.variable import Variable, path_scope

__all__ = ["TorchModuleWrapper"]


class TorchModuleWrapper(Layer):
    """A `torch.nn.Module` as a layer: its parameters and buffers are variables of the layer.

    They stay the module's own, so it can be used by itself too. The module's mode follows `training`.

    Args:
        module: the module. Lazy ones are settled on the first call.
        name: of the layer.
        output_shape: the shape of the output, where it cannot be found by running the module without memory.

    Shape: the module's.
    Raises: ArgumentError for what is no module; ConfigError when it is asked for a configuration: modules are code.

    >>> layer = TorchModuleWrapper(torch.nn.Linear(3, 2))
    >>> layer(torch.ones(4, 3)).shape, [v.name for v in layer.weights]
    (torch.Size([4, 2]), ['weight', 'bias'])
    """

    untracked: frozenset[str] = frozenset({"module"})

    def __init__(self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(module, torch.nn.Module) or isinstance(module, Layer):
            raise ArgumentError(
                "Only a module of PyTorch can be wrapped.",
                where=self.name,
                expected="torch.nn.Module",
                received=type(module),
                hint="a Keratin layer is one already and needs no wrapper" if isinstance(module, Layer) else None,
            )
        self.module = module
        self.output_shape_given = output_shape
        self._module_variables: dict[str, Variable] = {}
        self._takes_training = "training" in inspect.signature(module.forward).parameters
        if not self._is_lazy():
            self._adopt()
            self.built = True

    def _is_lazy(self) -> bool:
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return any(torch.nn.parameter.is_lazy(x) for x in tensors)

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Lazy modules are settled in the first call."""
        self.built = True

    def _adopt(self) -> None:
        """Make variables of the module's parameters and buffers, which keep their memory."""
        with path_scope(self._path_parts()):
            for name, parameter in self.module.named_parameters():
                self._module_variables[name] = _variable_of(parameter, name, parameter.requires_grad)
            for name, buffer in self.module.named_buffers():
                self._module_variables[name] = _variable_of(buffer, name, False)

    def call(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        if not self._module_variables and self._is_lazy():
            with programs.eager():
                shapes = [a.shape if isinstance(a, torch.Tensor) else a for a in args]
                self.module(*(torch.zeros(tuple(s)) if isinstance(s, torch.Size) else s for s in shapes))
            self._adopt()
        if training is not None and self.module.training != training:
            self.module.train(training)
        if self._takes_training:
            kwargs["training"] = training
        if scope.local.scope is None:
            return self.module(*args, **kwargs)
        variables = self._module_variables
        held = {name: v.value if v.initially_trainable else v.value.clone() for name, v in variables.items()}
        outputs = torch.func.functional_call(self.module, held, args, kwargs)
        if training:
            for name, variable in variables.items():
                if not variable.initially_trainable:
                    variable.assign(held[name])
        return outputs

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """What was given as `output_shape`, else what the module makes of tensors without memory."""
        if self.output_shape_given is not None:
            return tuple(self.output_shape_given)
        return super().compute_output_shape(*args, **kwargs)

    @property
    def _parameters(self) -> Any:
        return {}

    @property
    def _buffers(self) -> Any:
        return {}

    @property
    def _modules(self) -> Any:
        return {"module": self.module}

    def get_config(self) -> dict[str, Any]:
        """Raises: ConfigError. A module is code, and files hold data only."""
        raise ConfigError(
            "A module of PyTorch has no configuration that a file could hold.",
            where=self.name,
            hint="save the weights (`save_weights`), or make the module in the `__init__` of a layer of your own, "
            "which is saved by its arguments",
        )


def _variable_of(tensor: torch.Tensor, name: str, trainable: bool) -> Variable:
    """A variable whose parameter is the module's own, or shares the memory of its buffer."""
    label = name.replace(".", "_")
    variable = Variable(tensor, trainable=trainable, name=label)
    own = isinstance(tensor, torch.nn.Parameter)
    variable._value = tensor if own else torch.nn.Parameter(tensor.detach(), requires_grad=False)
    variable.shares_memory = not own
    return variable
