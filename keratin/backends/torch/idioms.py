"""What makes variables and layers at home in PyTorch: a variable is a parameter, a layer is a module."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from keratin.backends.storage import PlainTracked as TrackedBase
from keratin.backends.torch.programs import eager, refuse_in_trace

__all__ = ["LayerBase", "TrackedBase", "VariableBase"]


def _new_parameter(value: torch.Tensor, trainable: bool, shared: bool) -> torch.nn.Parameter:
    wanted = trainable and (value.is_floating_point() or value.is_complex())
    with eager():  # a trace may be running
        return torch.nn.Parameter(value.detach().clone() if shared else value.detach(), requires_grad=wanted)


class VariableBase:
    """A variable's value is a `torch.nn.Parameter`, the same object for all its life.

    Reading a trainable one outside of Keratin's transforms gives the parameter itself, so `loss.backward()` fills its
    `grad` and an optimizer of PyTorch updates it. Others (seeds, running means, slots) give the value of that moment.
    """

    writes_in_place = True
    _value: torch.nn.Parameter | None
    _trainable: bool = True
    borrowed: bool
    shares_memory: bool = False
    """Whether a tensor of someone else has the same memory, and is to see what is assigned."""

    @property
    def trainable(self) -> bool:
        """Whether optimizers update it: the parameter's `requires_grad`."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        parameter = self.__dict__.get("_value")
        if parameter is not None and (parameter.is_floating_point() or parameter.is_complex()):
            parameter.requires_grad_(self._trainable)

    def cell(self) -> torch.nn.Parameter:
        """The parameter, made now if it was not yet."""
        if self._value is None:
            self._materialize()
            assert self._value is not None
        return self._value

    def held(self) -> torch.Tensor:
        """The value, which autograd does not follow."""
        return self.cell().detach()

    def _live(self) -> torch.Tensor:
        if self._trainable:
            return self.cell()
        self.borrowed = True  # a program must not write into what the reader has
        return self.held()

    def _keep(self, value: torch.Tensor, shared: bool) -> None:
        self._value = _new_parameter(value, self._trainable, shared)

    def hold(self, value: torch.Tensor) -> None:
        """Copy a value into the parameter."""
        self._set(value)

    def take(self, value: torch.Tensor) -> None:
        """Let the parameter have the memory of a tensor that nobody else has."""
        parameter = self.cell()
        if self.shares_memory:
            parameter.data.copy_(value)
        elif value is not parameter:
            parameter.data = value
            self.borrowed = False

    def _set(self, value: torch.Tensor) -> None:
        if self._value is None:
            self._keep(value, shared=True)
        elif self.shares_memory:
            self._value.data.copy_(value.detach())
        else:  # what was read before keeps its value
            self._value.data = value.detach().clone()
            self.borrowed = False

    def _forget(self) -> None:
        previous, self._value = self._value, None
        if previous is not None:
            self._materialize()
            assert self._value is not None
            fresh, self._value = self._value, previous
            self.take(fresh.data)

    def _fork(self) -> torch.nn.Parameter | None:
        return None if self._value is None else _new_parameter(self._value, self._trainable, True)

    if TYPE_CHECKING:  # what `Variable` has

        def _materialize(self) -> None: ...

    @property
    def grad(self) -> torch.Tensor | None:
        """What `backward` added up."""
        return self.cell().grad

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Functions of PyTorch take variables for their values."""
        args, kwargs = torch.utils._pytree.tree_map(
            lambda x: x.value if isinstance(x, VariableBase) else x, (args, kwargs or {})
        )
        return func(*args, **kwargs)


# ---- layers


class _HookTable:
    """A table of hooks, made when it is first asked for: most layers never have one."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return instance.__dict__.setdefault(self.name, collections.OrderedDict())


class _Buffers(dict[str, torch.Tensor]):
    """The tensors of variables that are not trained; setting one assigns the variable."""

    def __init__(self, variables: dict[str, Any]) -> None:
        super().__init__({name: variable.cell() for name, variable in variables.items()})
        self.variables = variables

    def __setitem__(self, name: str, value: torch.Tensor) -> None:
        self.variables[name].take(value)
        super().__setitem__(name, value)


class LayerBase(torch.nn.Module):
    """A layer is a module: its variables are the parameters and buffers, named by the attributes that hold them.

    Nothing is registered: the names are found when they are asked for, so lists that are filled later count too.
    `train()` and `eval()` say what `training` is where a call does not say it; before either, Keras's False holds.
    """

    _hooked: bool = False
    _mode: bool | None = None

    _is_full_backward_hook = None
    _non_persistent_buffers_set: set[str] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, torch.nn.Module) and not isinstance(value, LayerBase):
            from keratin.backends.torch.layers import TorchModuleWrapper

            if not isinstance(self, TorchModuleWrapper):
                value = TorchModuleWrapper(value)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)

    @property
    def training(self) -> bool:
        """What `train()` or `eval()` said last."""
        return bool(self._mode)

    @training.setter
    def training(self, mode: bool) -> None:
        self.__dict__["_mode"] = mode

    def _default_training(self) -> bool:
        return bool(self._mode)

    @property
    def _parameters(self) -> dict[str, torch.nn.Parameter]:
        return {name: v.cell() for name, v in _own_variables(self).items() if v.initially_trainable}

    @property
    def _buffers(self) -> _Buffers:
        return _Buffers({name: v for name, v in _own_variables(self).items() if not v.initially_trainable})

    @property
    def _modules(self) -> dict[str, torch.nn.Module]:
        return _named(self, LayerBase)

    def get_submodule(self, target: str) -> torch.nn.Module:
        """The layer at a dotted path of attributes, indices and keys."""
        for name, child in self._modules.items():
            if target == name:
                return child
            if target.startswith(f"{name}."):
                return child.get_submodule(target[len(name) + 1 :])
        return super().get_submodule(target)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any,
        unexpected_keys: list[str], error_msgs: Any,
    ) -> None:  # fmt: skip
        """PyTorch takes a name for a child's by its first part alone; here names of children may have several."""
        unexpected: list[str] = []
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected, error_msgs
        )  # fmt: skip
        children = tuple(f"{prefix}{name}." for name in self._modules)
        unexpected_keys += [key for key in unexpected if not key.startswith(children)]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The call without hooks."""
        return self._run(args, kwargs)  # type: ignore[operator]

    def _call_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        refuse_in_trace("A hook of a module")
        return torch.nn.Module._call_impl(self, *args, **kwargs)

    def _expect_hooks(self) -> None:
        self.__dict__.update(_hooked=True, _quick=None)


for _name in """_backward_pre_hooks _backward_hooks _forward_hooks _forward_hooks_with_kwargs
    _forward_hooks_always_called _forward_pre_hooks _forward_pre_hooks_with_kwargs _state_dict_hooks
    _state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks""".split():
    _table = _HookTable()
    _table.name = _name
    setattr(LayerBase, _name, _table)


def _registering(name: str) -> Any:
    plain = getattr(torch.nn.Module, name)

    def register(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._expect_hooks()
        return plain(self, *args, **kwargs)

    register.__name__, register.__doc__ = name, plain.__doc__
    return register


for _name in """register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_backward_hook""".split():
    setattr(LayerBase, _name, _registering(_name))


def _own_variables(layer: LayerBase) -> dict[str, Any]:
    refuse_in_trace("Reading the parameters of a module")
    return _named(layer, VariableBase)


def _named(owner: Any, kind: type) -> dict[str, Any]:
    """What an object's attributes hold of a class, by the path of attributes and indices that leads to it.

    A path that begins with a private attribute counts only where there is no other; the thing's own name stands for it.
    """
    found: dict[int, tuple[str, Any]] = {}
    hidden: dict[int, Any] = {}
    skipped = owner.untracked | _INTERNAL
    for name, value in list(vars(owner).items()):
        if name not in skipped:
            for path, item in _paths(name, value, kind):
                if name.startswith("_"):
                    hidden[id(item)] = item
                else:
                    found.setdefault(id(item), (path, item))
    named = dict(found.values())
    for key, item in hidden.items():
        if key not in found:
            name, number = item.name, 1
            while name in named:
                name, number = f"{item.name}_{number}", number + 1
            named[name] = item
    return named


_INTERNAL = frozenset(
    "_given _inbound_nodes _outbound_nodes _losses _loss_owners _build_shapes _training _nodes history".split()
)


def _paths(path: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    if isinstance(value, kind):
        yield path, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _paths(f"{path}.{i}", item, kind)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(f"{path}.{key}", item, kind)
