"""How a layer class is called: read once from the signatures of `call` and `build`, never per call."""

from __future__ import annotations

import inspect
from typing import Any


class CallPlan:
    """What `Layer.__call__` needs to know about a class.

    Attributes:
        names: the parameters of `call`, without self.
        training: whether `call` takes `training`.
        masks: pairs (mask parameter, index of the argument that it belongs to, that argument's name).
        build_names: the parameters of `build`.
        makes_mask: whether the class computes masks itself.
    """

    def __init__(self, cls: Any, base: Any) -> None:
        parameters = list(inspect.signature(cls.call).parameters.values())[1:]
        self.names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.required = [
            p.name
            for p in parameters
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
        self.open_keywords = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.open_positional = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.training = "training" in self.names
        self.masks: list[tuple[str, int, str]] = []
        if self.names:
            first = self.names[0]
            for name in self.names:
                if name == "mask":
                    self.masks.append((name, 0, first))
                elif name.endswith("_mask") and name.removesuffix("_mask") in self.names:
                    owner = name.removesuffix("_mask")
                    self.masks.append((name, self.names.index(owner), owner))
        self.builds = not getattr(cls.build, "is_default", False)
        build_parameters = list(inspect.signature(cls.build).parameters.values())[1:]
        self.build_names = [p.name for p in build_parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.makes_mask = cls.compute_mask is not base.compute_mask
