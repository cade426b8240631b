"""What an object holds: its variables, layers, metrics and seeds, found in its attributes when asked for.

Lists, tuples, dicts and sets are looked into, in any depth. Nothing is registered when an attribute is set, so nothing
can be missed: a list filled later, a nested one, or one changed in place counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keratin.backends import select
from keratin.state.seed import SeedGenerator
from keratin.state.variable import Variable

UNTRACKED = frozenset(
    """_given _inbound_nodes _outbound_nodes _losses _loss_owners _build_shapes _training input_spec _dtype_policy
    _nodes history _self_unconditional_checkpoint_dependencies _self_unconditional_deferred_dependencies""".split()
)


if TYPE_CHECKING:
    from keratin.backends.storage import PlainTracked as TrackedBase
else:
    TrackedBase = select.idiom("TrackedBase")


class Tracked(TrackedBase):
    """Base of what can hold variables: layers, metrics, optimizers.  A class may name more `untracked` attributes."""

    untracked: frozenset[str] = frozenset()


def attributes(owner: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that may hold something, in the order in which they were first set."""
    hidden = owner.untracked if isinstance(owner, Tracked) else frozenset()
    for name, value in list(vars(owner).items()):
        if name not in UNTRACKED and name not in hidden:
            yield name, value


def contents(owner: Any) -> Iterator[Any]:
    """The variables, layers, metrics and seed generators that an object's attributes hold, each once."""
    seen: set[int] = set()
    for _, value in attributes(owner):
        yield from _inside(value, seen)


def inside(container: Any) -> Iterator[Any]:
    """The same for a container."""
    return _inside(container, set())


_PLAIN = (str, int, float, bool, type(None), bytes)


def _inside(value: Any, seen: set[int]) -> Iterator[Any]:
    if type(value) in _PLAIN:
        return
    if isinstance(value, Variable | Tracked | SeedGenerator):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
    elif isinstance(value, list | tuple | set | frozenset):
        if id(value) not in seen:
            seen.add(id(value))
            for item in value:
                yield from _inside(item, seen)
    elif isinstance(value, dict) and id(value) not in seen:
        seen.add(id(value))
        for item in value.values():
            yield from _inside(item, seen)
