"""What makes layers and variables at home in TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from keratin.backends.spec import NotCompilable
from keratin.backends.storage import PlainLayer as LayerBase
from keratin.backends.storage import TensorStorage
from keratin.state.scope import local

__all__ = ["LayerBase", "VariableBase"]


class VariableBase(TensorStorage):
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

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return tf.convert_to_tensor(self.__keratin_tensor__(), dtype=dtype, name=name)

    @property
    def handle(self) -> Any:
        """The resource behind the `tf.Variable`: what a tape knows it by."""
        if local.scope is not None:
            raise NotCompilable("A tape asks for a variable inside a program of Keratin's.")
        return self.cell().handle
