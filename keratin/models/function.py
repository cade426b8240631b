"""A graph as an operation, without being a model."""

from __future__ import annotations

from typing import Any

from keratin import tree
from keratin.backends.symbolic import KerasTensor
from keratin.errors import ArgumentError
from keratin.models.functional import run_graph, trace_graph
from keratin.ops.operation import Operation


class Function(Operation):
    """The computation between symbolic inputs and outputs.

    Args: inputs, outputs: nests of symbolic tensors.  name: of the operation.

    Raises: StateError if an output depends on an input that was not given.

    >>> from keratin import Input
    >>> x = Input((2,))
    >>> Function(x, x * 2)(KerasTensor((3, 2))).shape
    (3, 2)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inputs: list[KerasTensor] = tree.flatten(inputs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._nodes, self.operations = trace_graph(self.inputs, self.outputs, self.name)

    def call(self, inputs: Any) -> Any:
        """Run the graph."""
        flat = tree.flatten(inputs)
        if len(flat) != len(self.inputs):
            raise ArgumentError(
                "The function got another number of inputs.",
                where=self.name,
                expected=len(self.inputs),
                received=len(flat),
            )
        values = run_graph(self._nodes, {id(t): v for t, v in zip(self.inputs, flat, strict=True)})
        return tree.pack_sequence_as(self._outputs_struct, [values[id(t)] for t in self.outputs])
