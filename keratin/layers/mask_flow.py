"""How masks pass a layer: which one its inputs bring, and what it puts beside its outputs."""

from __future__ import annotations

import warnings
from typing import Any

from keratin import tree
from keratin.backends import symbolic
from keratin.layers.call_plan import CallPlan
from keratin.layers.nests import mask_nest
from keratin.state import masks


def gather_masks(plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The mask of the first argument; fills in the mask parameters of `call` that were not given."""
    if not args and not kwargs:
        return None
    if not masks.any_masks() and not symbolic.local.active and not hasattr(args[0] if args else None, "_keras_mask"):
        return kwargs.get("mask")
    for parameter, index, owner in plan.masks:
        if kwargs.get(parameter) is None and plan.names.index(parameter) >= len(args):
            argument = args[index] if index < len(args) else kwargs.get(owner)
            found = mask_nest(argument)
            if found is not None:
                kwargs[parameter] = found
    first = args[0] if args else next(iter(kwargs.values()))
    return kwargs["mask"] if kwargs.get("mask") is not None else mask_nest(first)


def attach_masks(layer: Any, plan: CallPlan, args: tuple[Any, ...], outputs: Any, previous_mask: Any) -> None:
    """Put the mask that the layer computes beside its outputs; a layer that drops one warns once."""
    if not plan.makes_mask and not layer.supports_masking:
        if not layer._warned_mask and layer._layers == []:
            layer._warned_mask = True
            warnings.warn(
                f"The layer `{layer.path}` does not pass on the mask of its input. Set "
                "`self.supports_masking = True` if it should, or define `compute_mask`.",
                stacklevel=4,
            )
        return
    if not args:
        return
    computed = layer.compute_mask(args[0], previous_mask)
    if computed is None:
        return
    flat_outputs = tree.flatten(outputs)
    flat_masks = tree.flatten(computed) if isinstance(computed, list | tuple | dict) else [computed] * len(flat_outputs)
    for output, mask in zip(flat_outputs, flat_masks, strict=False):
        if mask is not None and masks.get_mask(output) is None:
            masks.set_mask(output, mask)
