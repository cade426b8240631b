"""Programs on PyTorch: a function is traced once into a flat list of ATen calls, gradients included, and replayed.

Eager PyTorch spends most of a small step in Python: layers, the autograd tape, the optimizer's loop. A replay has none
of these: autograd ran while the function was traced (`make_fx`), so its formulas are calls like all others. The calls
are the ones that eager mode makes, on the same kernels, so the numbers are the same too. `optimize=True` hands the
traced graph to `torch.compile` in place of replaying it.

The traced function is pure. `_reuse_memory` afterwards lets updates write into the arguments that were donated, where
nothing reads the old value any more, and `_own_outputs` makes sure that no two results share memory.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import optree
import torch
from torch import fx
from torch._subclasses import fake_tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.overrides import TorchFunctionMode
from torch.utils import _python_dispatch, checkpoint

from keratin import dtypes
from keratin.backends.spec import NotCompilable, Spec

aten = torch.ops.aten


class _Local(threading.local):
    differentiating = 0  # how many `value_and_grad` are running
    tracing = False
    optimizing = False  # whether `torch.compile` is to have what is traced


_local = _Local()


@contextlib.contextmanager
def eager() -> Generator[None]:
    """What is made inside is made now, inside a trace too."""
    with _python_dispatch._disable_current_modes(), torch.no_grad():
        yield


# ---- tracing

_UNTRACEABLE = (
    fake_tensor.DataDependentOutputException,
    fake_tensor.DynamicOutputShapeException,
    fake_tensor.UnsupportedFakeTensorException,
    fake_tensor.UnsupportedOperatorException,
    GuardOnDataDependentSymNode,
)
_WANTS_VALUES = ("get value out of a tracing tensor", "not supported for tensor subclasses", "data-dependent")


@contextlib.contextmanager
def _tracing(optimizing: bool = False) -> Generator[None]:
    """Turn what PyTorch says about code that needs values into NotCompilable."""
    previous = _local.tracing, _local.optimizing
    _local.tracing, _local.optimizing = True, optimizing
    try:
        with _OwnStyle():
            yield
    except _UNTRACEABLE as error:
        raise NotCompilable(f"The code depends on the values of tensors: {error}") from error
    except RuntimeError as error:
        if any(part in str(error) for part in _WANTS_VALUES):
            raise NotCompilable(f"The code depends on the values of tensors: {error}") from error
        raise
    finally:
        _local.tracing, _local.optimizing = previous


def is_optimizing() -> bool:
    """Whether a trace is running that `torch.compile` is to have, which makes better kernels than fused ones."""
    return _local.optimizing


def refuse_in_trace(what: str) -> None:
    """Raises: NotCompilable inside a trace, where `what` means the wrong thing."""
    if _local.tracing:
        raise NotCompilable(f"{what} belongs to PyTorch's own eager style, so the step runs eagerly.")


class _OwnStyle(TorchFunctionMode):
    """Notices code that has PyTorch differentiate by itself, which belongs outside of programs."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.backward:
            refuse_in_trace("`backward`")
        return func(*args, **(kwargs or {}))


def abstract_eval(function: Callable[..., Any], specs: Sequence[Any]) -> list[Spec]:
    """Shapes and dtypes of `function(*tensors) -> list of tensors`, on tensors without memory."""
    with _tracing(), fake_tensor.FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        arguments = [torch.empty(tuple(s.shape), dtype=_dtype(dtypes.standardize(s.dtype))) for s in specs]
        result = function(*arguments)
    return [Spec(tuple(r.shape), dtypes.standardize(r.dtype)) for r in result]


def _dtype(name: str) -> torch.dtype:
    return getattr(torch, name)


class _Compiled:
    """`function(*arguments)`, traced when it is first called with tensors of these shapes.

    Args:
        function: of nests of tensors, to a nest of tensors.
        donated: which arguments may be overwritten.
        optimize: whether `torch.compile` gets the graph.
    """

    def __init__(self, function: Callable[..., Any], donated: Iterable[int] = (), optimize: bool | None = None) -> None:
        self.function, self.donated, self.optimize = function, frozenset(donated), optimize
        self.replays: dict[Any, tuple[Callable[..., list[Any]], Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        leaves, structure = optree.tree_flatten(arguments)
        replay, outputs = self.prepared(leaves, structure, arguments)
        followed = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)  # `torch.no_grad` without its cost, a tenth of a small prediction
        try:
            return optree.tree_unflatten(outputs, replay(*leaves))
        finally:
            torch._C._set_grad_enabled(followed)

    def prepared(self, leaves: list[Any], structure: Any, arguments: tuple[Any, ...]) -> Any:
        """The replay for these arguments, and the structure of its results."""
        key = (structure, *[(x.shape, x.dtype, x.device) for x in leaves])
        found = self.replays.get(key)
        if found is None:
            sizes = [len(optree.tree_leaves(a)) for a in arguments]
            donated = [number in self.donated for number, size in enumerate(sizes) for _ in range(size)]
            found = self.replays[key] = self._trace(leaves, structure, donated)
        return found

    def _trace(self, leaves: list[Any], structure: Any, donated: list[bool]) -> tuple[Callable[..., list[Any]], Any]:
        outputs: list[Any] = []

        def flat(*tensors: Any) -> list[Any]:
            result = self.function(*optree.tree_unflatten(structure, tensors))
            results, treedef = optree.tree_flatten(result)
            outputs.append(treedef)
            return results

        given = [x.detach() for x in leaves]
        with _tracing(bool(self.optimize)), torch.no_grad():
            module = make_fx(flat, tracing_mode="fake", _allow_non_fake_inputs=True)(*given)
        with torch.no_grad():
            _simplify(module)
            _reuse_memory(module, donated)
            _own_outputs(module, donated)
        if self.optimize:
            module.recompile()
            optimized: Any = torch.compile(module, fullgraph=True, dynamic=False)
            return optimized, outputs[-1]
        return _replay(module), outputs[-1]


def jit(
    function: Callable[..., Any], donate_argnums: tuple[int, ...] = (), optimize: bool | None = None
) -> Callable[..., Any]:
    """`function` as a replay of what it computes.  Raises: NotCompilable (when called) if that depends on values."""
    return _Compiled(function, donate_argnums, optimize)


def loop(
    begin: Callable[[list[Any]], Any],
    fetch: Callable[[Any, list[Any]], list[Any]],
    step: Callable[[Any, Any, list[Any], list[Any]], Any],
    finish: Callable[[Any, list[Any]], tuple[list[Any], Any]],
    optimize: bool | None = None,
) -> Callable[..., Any]:
    """Batches are fetched eagerly (two calls), steps are replayed, and nothing else happens between two steps."""
    body = _Compiled(step, donated=(1,), optimize=optimize)
    last = _Compiled(finish, donated=(0,))

    def run(state: list[Any], constants: list[Any], data: list[Any], start: int, stop: int) -> Any:
        with torch.no_grad():
            carry, structure = optree.tree_flatten(begin(state))
            replay: Any = None
            numbers = torch.arange(start, stop, dtype=torch.int32).unbind()
            for i, number in zip(range(start, stop), numbers, strict=True):
                batch = fetch(i, data)
                if replay is None:
                    arguments = (number, optree.tree_unflatten(structure, carry), constants, batch)
                    replay, _ = body.prepared(*optree.tree_flatten(arguments), arguments)
                carry = replay(number, *carry, *constants, *batch)
        return last(optree.tree_unflatten(structure, carry), constants)

    return run


# ---- passes over the traced graph

_FOLDED = 1 << 16
"""Constants of at most so many elements are computed once."""
_SAME = {aten.detach.default, aten.alias.default}
_LIKE = {
    aten.ones_like.default: 1, aten.zeros_like.default: 0, aten.new_zeros.default: 0, aten.new_ones.default: 1,
}  # fmt: skip


def _simplify(module: fx.GraphModule) -> None:
    """Drop calls that do nothing in a replay, and compute constants once."""
    graph = module.graph
    known: dict[fx.Node, torch.Tensor] = {}
    written = _written(graph)
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        if node.target in _SAME:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
            continue
        value = _constant(module, node, known) if node not in written else None
        if value is not None:
            name = f"_folded{len(known)}"
            module.register_buffer(name, value, persistent=False)
            with graph.inserting_before(node):
                replacement = graph.get_attr(name)
            replacement.meta["val"] = node.meta["val"]
            node.replace_all_uses_with(replacement)
            graph.erase_node(node)
            known[replacement] = value
    graph.eliminate_dead_code()


def _written(graph: fx.Graph) -> set[fx.Node]:
    """The nodes whose memory some call writes into: they must be made anew in every replay."""
    origins = _origins(graph)
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if _writes(node):
            given = {a.name: value for a, value in zip(node.target._schema.arguments, node.args, strict=False)}
            for argument in node.target._schema.arguments:
                if argument.alias_info is not None and argument.alias_info.is_write:
                    fx.node.map_arg(
                        (given | node.kwargs).get(argument.name), lambda source: found.update(origins[source])
                    )
    return found


def _constant(module: fx.GraphModule, node: fx.Node, known: dict[fx.Node, torch.Tensor]) -> torch.Tensor | None:
    outline = node.meta.get("val")
    if not isinstance(outline, torch.Tensor) or outline.numel() > _FOLDED:
        return None
    op = node.target
    if op in (aten.lift_fresh_copy.default, aten.lift_fresh.default):  # made while tracing: `torch.tensor(0.5)`
        source: Any = node.args[0]
        return getattr(module, source.target) if source.op == "get_attr" else known.get(source)
    if (
        not isinstance(op, torch._ops.OpOverload)
        or op._schema.is_mutable
        or torch.Tag.nondeterministic_seeded in op.tags
    ):
        return None
    if op in _LIKE:
        return torch.full(outline.shape, _LIKE[op], dtype=outline.dtype, device=outline.device)
    if not all(source in known for source in node.all_input_nodes) or op.namespace != "aten":
        return None
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda source: known[source])
    return op(*args, **kwargs)


def _origins(graph: fx.Graph) -> dict[fx.Node, frozenset[fx.Node]]:
    """For each node, the nodes whose memory its value may share: itself, or what it is a view of."""
    origins: dict[fx.Node, frozenset[fx.Node]] = {}
    for node in graph.nodes:
        shared = _viewed(node)
        origins[node] = frozenset().union(*(origins[source] for source in shared)) if shared else frozenset([node])
    return origins


def _viewed(node: fx.Node) -> list[fx.Node]:
    if node.op != "call_function":
        return []
    op = node.target
    if not isinstance(op, torch._ops.OpOverload):  # operator.getitem
        return node.all_input_nodes
    if op is aten._unsafe_view.default or any(result.alias_info is not None for result in op._schema.returns):
        return node.all_input_nodes
    return []


def _reuse_memory(module: fx.GraphModule, donated: list[bool]) -> None:
    """Let an update write into its argument: drop `clone` where nothing reads the donated original afterwards."""
    graph = module.graph
    order = {node: place for place, node in enumerate(graph.nodes)}
    origins = _origins(graph)
    views: dict[fx.Node, list[fx.Node]] = {}
    for node, sources in origins.items():
        for source in sources:
            views.setdefault(source, []).append(node)
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    owned = {node for node, mine in zip(placeholders, donated, strict=True) if mine}
    for clone in graph.find_nodes(op="call_function", target=aten.clone.default):
        source: Any = clone.args[0]
        writes = [order[user] for view in views[clone] for user in view.users if _writes(user)]
        if source not in owned or not writes or source.meta["val"].stride() != clone.meta["val"].stride():
            continue
        readers = [user for view in views[source] for user in view.users if user is not clone]
        if all(order[reader] < min(writes) for reader in readers):
            clone.replace_all_uses_with(source)
            graph.erase_node(clone)
            owned.remove(source)  # what was a view of the clone is one of it now


def _writes(node: fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def _own_outputs(module: fx.GraphModule, donated: list[bool]) -> None:
    """Copy results that share memory with one another, a constant or an argument (but a donated one in its place)."""
    graph = module.graph
    origins = _origins(graph)
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    places = [node for node, mine in zip(placeholders, donated, strict=True) if mine]
    output = next(iter(graph.find_nodes(op="output")))
    taken: set[fx.Node] = set()
    results: list[Any] = []
    for number, result in enumerate(output.args[0]):
        if isinstance(result, fx.Node):
            shared = origins[result]
            fresh = all(source.op == "call_function" for source in shared) and not taken & shared
            in_place = number < len(places) and result is places[number] and result not in taken
            taken |= shared
            if not fresh and not in_place:
                with graph.inserting_before(output):
                    result = graph.call_function(aten.clone.default, (result,))
        results.append(result)
    output.args = (results,)


def _replay(module: fx.GraphModule) -> Callable[..., list[Any]]:
    """The graph as a Python function of its calls, each bound to a local name, values dropped after their last use."""
    graph = module.graph
    last_use: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        for source in node.all_input_nodes:
            last_use[source] = node
    bound: dict[str, Any] = {}
    names: dict[fx.Node, str] = {}
    parameters: list[str] = []
    lines: list[str] = []

    def bind(value: Any) -> str:
        bound[f"c{len(bound)}"] = value
        return f"c{len(bound) - 1}"

    def text(value: Any) -> str:
        if isinstance(value, fx.Node):
            return names[value]
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(text, value))}]"
        return repr(value) if value is None or type(value) in (bool, int, str) else bind(value)

    functions: dict[Any, str] = {}
    for number, node in enumerate(graph.nodes):
        if node.op == "output":
            lines.append(f"return {text(node.args[0])}")
            continue
        if node.op == "get_attr":
            names[node] = bind(_attribute(module, node.target))
            continue
        names[node] = f"v{number}"
        if node.op == "placeholder":
            parameters.append(names[node])
            continue
        if node.target not in functions:
            functions[node.target] = bind(getattr(node.target, "_op", node.target))
        arguments = [text(a) for a in node.args] + [f"{k}={text(v)}" for k, v in node.kwargs.items()]
        lines.append(f"{names[node]} = {functions[node.target]}({', '.join(arguments)})")
        unused = [names[s] for s in node.all_input_nodes if last_use[s] is node]
        unused = [name for name in unused if name.startswith("v")] + ([names[node]] if node not in last_use else [])
        if unused:
            lines[-1] += f"; del {', '.join(dict.fromkeys(unused))}"
    body = "\n    ".join(lines)
    exec(f"def replay({', '.join(parameters)}):\n    {body}", bound)  # of names and numbers made here only
    return bound["replay"]


def _attribute(module: Any, target: str) -> Any:
    for part in target.split("."):
        module = getattr(module, part)
    return module


# ---- differentiation


def value_and_grad(
    function: Callable[[list[Any]], tuple[Any, Any]],
) -> Callable[[list[Any]], tuple[tuple[Any, Any], list[Any]]]:
    """Of `function(values) -> (scalar, auxiliary tensors)`: a function that gives both and the gradients too."""

    def run(values: list[Any]) -> tuple[tuple[Any, Any], list[Any]]:
        nested = _local.differentiating > 0
        _local.differentiating += 1
        try:
            with torch.enable_grad():
                # A view of a value that is being differentiated outside: what else came of it is constant here.
                leaves = [v.view_as(v) if v.requires_grad and nested else _leaf(v) for v in values]
                value, auxiliary = function(leaves)
                chosen = [x for x in leaves if x.requires_grad]
                found: Iterable[Any] = ()
                if chosen and value.requires_grad:
                    found = torch.autograd.grad(value, chosen, create_graph=nested, allow_unused=True)
                given = dict(zip(map(id, chosen), found, strict=False))
                gradients = [given.get(id(x)) for x in leaves]
        finally:
            _local.differentiating -= 1
        filled = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True)]
        if not nested:
            value, auxiliary = optree.tree_map(_detached, (value, auxiliary))
        return (value, auxiliary), filled

    return run


def _leaf(x: Any) -> Any:
    x = x.detach()
    return x.requires_grad_() if x.is_floating_point() or x.is_complex() else x


def _detached(x: Any) -> Any:
    return x.detach() if isinstance(x, torch.Tensor) else x


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(*tensors) -> (result, gradient function)` as a differentiable function of tensors."""

    class Custom(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            result, ctx.gradient = function(*(a.detach() if isinstance(a, torch.Tensor) else a for a in args))
            return tuple(result) if isinstance(result, list) else result

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            gradients = ctx.gradient(*upstream)
            return tuple(gradients) if isinstance(gradients, list | tuple) else gradients

    return lambda *args: Custom.apply(*args)


def remat(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its intermediate results computed again for the gradient."""

    def run(*args: Any) -> Any:
        return checkpoint.checkpoint(function, *args, use_reentrant=False, preserve_rng_state=False)

    return run


def vmap(function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Callable[..., Any]:
    """Results whose axis is None must be the same for all rows."""

    def run(*args: Any) -> Any:
        same: dict[int, Any] = {}
        count = 0

        def mapped(*rows: Any) -> Any:
            nonlocal count
            results = list(function(*rows))
            count = len(results)
            axes = out_axes if isinstance(out_axes, list | tuple) else [out_axes] * count
            for place, (result, axis) in enumerate(zip(results, axes, strict=True)):
                if axis is None:
                    if torch._C._functorch.is_batchedtensor(result):
                        raise ValueError("A result differs from row to row, but its entry of out_axes is None.")
                    same[place] = result
            return tuple(r for place, r in enumerate(results) if place not in same)

        axes = tuple(in_axes) if isinstance(in_axes, list | tuple) else in_axes
        rest = iter(torch.func.vmap(mapped, axes, 0)(*args))
        placed = out_axes if isinstance(out_axes, list | tuple) else [out_axes] * count
        return [same[i] if i in same else torch.movedim(next(rest), 0, axis) for i, axis in enumerate(placed)]

    return run


# ---- loops and branches: unrolled while tracing


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, length: int | None, reverse: bool, unroll: int
) -> tuple[Any, Any]:
    count = length if length is not None else len(xs[0])
    rows: list[Any] = [None] * count
    for i in reversed(range(count)) if reverse else range(count):
        carry, rows[i] = function(carry, [x[i] for x in xs])
    return carry, [torch.stack(column) for column in zip(*rows, strict=True)]


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    while bool(condition(carry)):
        carry = body(carry)
    return carry


def fori_loop(start: Any, stop: Any, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    for i in range(int(start), int(stop)):
        carry = body(i, carry)
    return carry


def cond(predicate: Any, on_true: Callable[..., Any], on_false: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """In a trace both branches run, and the predicate selects."""
    if not is_traced(predicate):
        return (on_true if bool(predicate) else on_false)(*operands)
    first, second = on_true(*operands), on_false(*operands)
    return optree.tree_map(lambda a, b: torch.where(predicate, a, b), first, second)


def is_traced(x: Any) -> bool:
    """Whether a value stands for others: without memory, or mapped."""
    return isinstance(x, fake_tensor.FakeTensor) or torch._C._functorch.is_functorch_wrapped_tensor(x)


def host_callback(function: Callable[..., Any], specs: Sequence[Spec], *args: Any) -> Any:
    """Run a NumPy function on the host; a program with one in it is not traced."""
    if any(map(is_traced, args)):
        raise NotCompilable("A callback to the host runs in eager code only.")
    results = function(*(a.detach().cpu().numpy() for a in args))
    return [torch.as_tensor(r, dtype=_dtype(s.dtype)) for r, s in zip(results, specs, strict=True)]


def native_step(function: Callable[..., Any], optimize: bool | None = None) -> Callable[..., Any]:
    """A step in PyTorch's own style runs as it stands."""
    return function
