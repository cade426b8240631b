"""What makes layers and variables at home in TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.trackable.base import Trackable

from keratin.backends.spec import NotCompilable
from keratin.backends.storage import PlainLayer as LayerBase
from keratin.backends.storage import TensorStorage

__all__ = ["LayerBase", "TrackedBase", "VariableBase"]


class VariableBase(TensorStorage, Trackable):
    """A variable whose value is in a `tf.Variable`: `tf.GradientTape` finds it, and `tf.function` reads and assigns it.

    Outside of Keratin's scopes `value` of a trainable one is the `tf.Variable` itself; others (seeds, running means,
    slots) give the value of that moment.
    """

    _should_act_as_resource_variable = True

    def held(self) -> Any:
        if self._value is None:
            self._materialize()
        return self._value.value()

    def hold(self, value: Any) -> None:
        if value is not self._value:
            self._set(value)

    take = hold

    def cell(self) -> Any:
        if self._value is None:
            self._materialize()
        return self._value

    def _live(self) -> Any:
        return self.cell() if self.initially_trainable else self.held()

    def __keratin_tensor__(self) -> Any:
        value = self.value
        return value.value() if isinstance(value, tf.Variable) else value

    def _keep(self, value: Any, shared: bool) -> None:
        with tf.init_scope():
            self._value = tf.Variable(value, trainable=self.initially_trainable, name=self.name)
        self.borrowed = False

    def _set(self, value: Any) -> None:
        if self._value is None and tf.executing_eagerly():
            self._keep(value, shared=True)
        else:
            self.cell().assign(value, read_value=False)

    def _fork(self) -> Any:
        if self._value is None:
            return None
        with tf.init_scope():
            return tf.Variable(self._value, trainable=self._value.trainable, name=self.name)

    # -- what TensorFlow asks of it

    @property
    def _shared_name(self) -> str:
        return self.cell()._shared_name

    def _serialize_to_tensors(self) -> Any:
        return self.cell()._serialize_to_tensors()

    def _restore_from_tensors(self, restored: Any) -> Any:
        return self.cell()._restore_from_tensors(restored)

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        self.cell()._copy_trackable_to_cpu(object_map)
        object_map[self] = object_map[self.cell()]

    def _export_to_saved_model_graph(self, object_map: Any, tensor_map: Any, options: Any, **kwargs: Any) -> Any:
        resources = self.cell()._export_to_saved_model_graph(object_map, tensor_map, options, **kwargs)
        object_map[self] = object_map[self.cell()]
        return resources

    def _write_object_proto(self, proto: Any, options: Any) -> None:
        self.cell()._write_object_proto(proto, options)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return tf.convert_to_tensor(self.__keratin_tensor__(), dtype=dtype, name=name)

    @property
    def handle(self) -> Any:
        """The resource behind the `tf.Variable`: what a tape knows it by."""
        if self._is_replaced():
            raise NotCompilable("A tape asks for a variable inside a program of Keratin's.")
        return self.cell().handle


class TrackedBase(Trackable):
    """Layers, metrics and optimizers as `tf.train.Checkpoint` and `tf.saved_model` see them.

    The children are found in the attributes when they are asked for, by the path that leads to them.
    """

    untracked: frozenset[str]

    def _trackable_children(self, save_type: str = "checkpoint", cache: Any = None, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        seen: set[int] = set()
        for name, value in list(vars(self).items()):
            if name not in _INTERNAL and name not in self.untracked:
                for path, child in _children(name, value):
                    if id(child) not in seen:
                        seen.add(id(child))
                        found[path] = child
        return found


_INTERNAL = frozenset(
    """_given _inbound_nodes _outbound_nodes _losses _loss_owners _build_shapes input_spec _dtype_policy _nodes history
    _self_unconditional_checkpoint_dependencies _self_unconditional_dependency_names _self_name_based_restores
    _self_unconditional_deferred_dependencies _self_saveable_object_factories""".split()
)


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Trackable):
        yield path, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _children(f"{path}-{i}", item)
    elif isinstance(value, dict):
        for i, (key, item) in enumerate(value.items()):
            yield from _children(f"{path}-{key if isinstance(key, str) else i}", item)
    elif isinstance(getattr(value, "state", None), Trackable):  # a seed generator
        yield f"{path}-state", value.state
