"""How a variable keeps its value where tensors cannot be written to: it holds a tensor, and another one later.

An engine with variables of its own (parameters that an autograd writes gradients to, say) has a storage of its own in
its folder. `Variable` derives from the storage of the backend in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class TensorStorage:
    """A variable's value as a tensor that nothing writes into.

    Attributes:
        _value: the tensor, or None until it is made.
        borrowed: whether someone outside holds the tensor, so that a program must not overwrite it.
    """

    writes_in_place = False
    """Whether assigning writes into the tensor that readers hold."""
    _value: Any
    borrowed: bool

    def held(self) -> Any:
        """The value outside of all scopes, made now if it was not yet; the engine's own autograd does not see it."""
        if self._value is None:
            self._materialize()
        return self._value

    def hold(self, value: Any) -> None:
        """Take over a tensor that nobody else writes to: for programs that hand back what they computed."""
        self._value = value
        self.borrowed = False

    take = hold
    """The same for a tensor that nobody else has; a storage that shares memory with its tensors copies in `hold`."""

    def cell(self) -> Any:
        """What a program takes as argument for the value."""
        return self._value if self._value is not None else self.held()

    def _live(self) -> Any:
        """What a reader outside of all scopes gets."""
        value = self.held()
        self.borrowed = True
        return value

    def _keep(self, value: Any, shared: bool) -> None:
        """Begin with a tensor; `shared` if someone else holds it."""
        self._value = value
        self.borrowed = shared

    def _set(self, value: Any) -> None:
        """Assign a tensor that others may hold."""
        self._value = value
        self.borrowed = True

    def _forget(self) -> None:
        """Go back to the value not being made."""
        self._value = None
        self.borrowed = False

    def _fork(self) -> Any:
        """What a copy of the variable keeps."""
        self.borrowed = True
        return self._value

    if TYPE_CHECKING:  # what `Variable` has, and a storage may ask for

        def _materialize(self) -> None: ...
        def _is_replaced(self) -> bool: ...


class AsTensor:
    """Last base of `Variable`: where reading it gives a tensor, that is what it stands for in an op."""

    def __keratin_tensor__(self) -> Any:
        return self.value  # type: ignore[attr-defined]


class PlainTracked:
    """Base of what holds variables (layers, metrics, optimizers) where the engine does not track them."""

    __slots__ = ()


class PlainLayer:
    """Base of `Layer` where the engine has no such thing."""

    __slots__ = ()

    _hooked: bool = False
    """Whether the engine's hooks are to be called around `call`."""

    if TYPE_CHECKING:  # an engine that sets `_hooked` has it

        def _call_with_hooks(self, *args: Any, **kwargs: Any) -> Any: ...

    def _default_training(self) -> bool:
        """What `training` is where nobody says."""
        return False
