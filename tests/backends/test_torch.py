"""At home in PyTorch: modules, parameters, hooks, its own loops and optimizers, modules as layers."""

from __future__ import annotations

import numpy as np
import pytest

import keratin
from keratin import layers, metrics, ops
from keratin.backends import select
from keratin.errors import ArgumentError, BackendError, ConfigError

if select.backend_name() != "torch":
    pytest.skip("about the PyTorch backend", allow_module_level=True)

import torch

from keratin.backends.torch.layers import TorchModuleWrapper

X = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
Y = (X[:, :1] - 2 * X[:, 1:2] + 0.5).astype("float32")


class Residual(keratin.Model):
    """A subclassed model with a list and a dict of layers."""

    def __init__(self):
        super().__init__()
        self.entry = layers.Dense(8, activation="relu")
        self.blocks = [layers.Dense(8) for _ in range(2)]
        self.heads = {"mean": layers.Dense(1)}
        self.norm = layers.BatchNormalization()

    def call(self, x, training=None):
        x = self.entry(x)
        for block in self.blocks:
            x = x + block(x)
        return self.heads["mean"](self.norm(x, training=training))


def built() -> Residual:
    model = Residual()
    model(X[:2])
    return model


def mlp() -> keratin.Sequential:
    return keratin.Sequential([layers.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1)])


# ---- modules


def test_layers_and_models_are_modules():
    model = built()
    assert isinstance(model, torch.nn.Module) and isinstance(model.entry, torch.nn.Module)
    names = [name for name, _ in model.named_parameters()]
    assert names[:2] == ["entry.kernel", "entry.bias"]
    assert {"blocks.0.kernel", "blocks.1.bias", "heads.mean.kernel", "norm.gamma"} < set(names)
    assert [name for name, _ in model.named_buffers()] == ["norm.moving_mean", "norm.moving_variance"]
    assert len(list(model.parameters())) == len(model.trainable_variables)
    assert all(p is v.value for p, v in zip(model.parameters(), model.trainable_variables, strict=False))
    assert all(isinstance(p, torch.nn.Parameter) and p.requires_grad for p in model.parameters())
    assert [type(m).__name__ for m in model.children()] == ["Dense"] * 4 + ["BatchNormalization"]


def test_a_functional_model_names_parameters_by_its_layers():
    inputs = layers.Input((8,))
    outputs = layers.Dense(1, name="head")(layers.Dense(4, name="body")(inputs))
    model = keratin.Model(inputs, outputs)
    assert sorted(model.state_dict()) == ["body.bias", "body.kernel", "head.bias", "head.kernel"]
    assert len(list(mlp().parameters())) == 4


def test_state_dict_round_trip():
    one, other = built(), built()
    with torch.no_grad():
        for p in one.parameters():
            p.add_(1.0)
    one.norm.moving_mean.assign(np.full(8, 3.0, "float32"))
    result = other.load_state_dict(one.state_dict())
    assert not result.missing_keys and not result.unexpected_keys
    np.testing.assert_array_equal(np.asarray(one(X)), np.asarray(other(X)))
    assert np.asarray(other.norm.moving_mean).tolist() == [3.0] * 8
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({})


def test_train_and_eval_set_the_default_of_training():
    layer = layers.Dropout(0.5)
    x = np.ones((4, 50), "float32")
    assert (np.asarray(layer(x)) == 1).all()  # Keras's default, before anything is said
    layer.train()
    assert (np.asarray(layer(x)) == 0).any() and layer.training
    assert (np.asarray(layer(x, training=False)) == 1).all()
    layer.eval()
    assert (np.asarray(layer(x)) == 1).all() and not layer.training
    model = keratin.Sequential([layers.Input((50,)), layers.Dropout(0.5)])
    model.train()
    assert (np.asarray(model(x)) == 0).any() and model.layers[0].training


def test_hooks_run():
    layer, seen = layers.Dense(3), []
    layer(X[:1])
    before = layer.register_forward_pre_hook(lambda module, args: seen.append(("before", tuple(args[0].shape))))
    after = layer.register_forward_hook(lambda module, args, output: output * 2)
    plain = np.asarray(layer.forward(torch.tensor(X)))
    np.testing.assert_allclose(np.asarray(layer(torch.tensor(X))), 2 * plain, rtol=1e-6)
    assert seen == [("before", (64, 8))]
    before.remove()
    after.remove()
    np.testing.assert_allclose(np.asarray(layer(torch.tensor(X))), plain, rtol=1e-6)


def test_hooks_run_in_every_step_of_fit():
    model, calls = mlp(), []
    model.layers[0].register_forward_hook(lambda module, args, output: calls.append(float(output.detach().mean())))
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    assert len(calls) >= 8 and len(set(calls)) == len(calls)


def test_to_moves_the_values_and_keeps_the_parameters():
    model = built()
    parameters = list(model.parameters())
    model.to(torch.float64)
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert model.norm.moving_mean.value.dtype == torch.float64
    model.to("cpu", torch.float32)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_keratin_layer_inside_a_module():
    class Mixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(8, 4)
            self.second = layers.Dense(1)
            self.second.build((None, 4))

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    module = Mixed()
    assert set(module.state_dict()) == {"first.weight", "first.bias", "second.kernel", "second.bias"}
    module(torch.tensor(X)).sum().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_trainable_and_requires_grad_are_one():
    model = built()
    model.entry.trainable = False
    assert not model.entry.kernel.value.requires_grad and model.blocks[0].kernel.value.requires_grad
    model(X).sum().backward()
    assert model.entry.kernel.grad is None and model.blocks[0].kernel.grad is not None
    model.entry.trainable = True
    assert model.entry.kernel.value.requires_grad


def test_functions_of_pytorch_take_variables():
    v = keratin.Variable([1.0, 2.0])
    assert torch.add(v, 1).tolist() == [2.0, 3.0] and torch.nn.functional.relu(v).tolist() == [1.0, 2.0]


# ---- loops by hand


def hand_loop(model, optimizer, steps=60):
    loss_function = torch.nn.MSELoss()
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_function(model(torch.tensor(X)), torch.tensor(Y))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("make", [mlp, built])
def test_a_loop_with_an_optimizer_of_pytorch(make):
    model = make()
    model.train()
    losses = hand_loop(model, torch.optim.Adam(model.parameters(), lr=0.02))
    assert losses[-1] < 0.3 * losses[0]


def test_a_loop_with_backward_and_an_optimizer_of_keratin():
    model = mlp()
    optimizer, loss_function = keratin.optimizers.Adam(0.02), keratin.losses.MeanSquaredError()
    accuracy = metrics.MeanAbsoluteError()
    losses = []
    for _ in range(60):
        predictions = model(X, training=True)
        loss = loss_function(Y, predictions)
        model.zero_grad()
        loss.backward()
        gradients = [v.value.grad for v in model.trainable_weights]
        with torch.no_grad():
            optimizer.apply(gradients, model.trainable_weights)
        accuracy.update_state(Y, predictions)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert 0 < float(accuracy.result()) < 3


def test_both_loops_take_the_same_steps_as_pytorch_alone():
    reference = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    model = mlp()
    model.set_weights([p.detach().numpy().T.copy() for p in reference.parameters()])
    theirs = hand_loop(reference, torch.optim.SGD(reference.parameters(), lr=0.05), 20)
    ours = hand_loop(model, torch.optim.SGD(model.parameters(), lr=0.05), 20)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


class BackwardStep(keratin.Model):
    """Keras's published form of a custom step on PyTorch."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(16, activation="relu"), layers.Dense(1)
        self.eager_steps = 0

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        loss.backward()
        trainable_weights = list(self.trainable_weights)
        gradients = [v.value.grad for v in trainable_weights]
        with torch.no_grad():
            self.optimizer.apply(gradients, trainable_weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        self.eager_steps += 1
        return {m.name: m.result() for m in self.metrics}


def test_a_step_with_backward_runs_in_fit():
    model = BackwardStep()
    model.compile(optimizer=keratin.optimizers.Adam(0.02), loss="mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=16, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.4 * history["loss"][0] and history["mae"][-1] < history["mae"][0]
    assert model.eager_steps >= 60
    assert int(model.optimizer.iterations) == 60


def test_code_that_asks_for_values_runs_eagerly():
    class Asking(keratin.Model):
        def __init__(self):
            super().__init__()
            self.out, self.branches = layers.Dense(1), set()

        def call(self, x):
            y = self.out(x)
            branch = float(ops.mean(y).detach()) > 0
            self.branches.add(branch)
            return y if branch else 2 * y

    model = Asking()
    model(X)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    assert model.predict(X, verbose=0).shape == (64, 1)
    assert model.branches


# ---- programs


def test_a_program_equals_eager_steps():
    def train(run_eagerly):
        keratin.utils.set_random_seed(3)
        model = keratin.Sequential(
            [layers.Input((8,)), layers.Dense(16, activation="tanh"), layers.BatchNormalization(), layers.Dense(1)]
        )
        model.compile("adam", "mse", metrics=["mae"], run_eagerly=run_eagerly)
        history = model.fit(X, Y, batch_size=24, epochs=3, verbose=0).history
        return history, model.get_weights()

    (history, weights), (eager_history, eager_weights) = train(False), train(True)
    for a, b in zip(weights, eager_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for key, values in eager_history.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-4)


def test_memory_is_reused_only_where_nobody_reads_the_old_value():
    class Watching(keratin.Model):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(1, use_bias=False)

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            old = self.out.kernel.value
            loss, gradients = keratin.value_and_grad(lambda: ops.mean((self(x) - y) ** 2), self.trainable_variables)()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss, "moved": ops.sum(ops.abs(self.out.kernel.value - old))}

    model = Watching()
    model.compile(keratin.optimizers.Adam(0.01))
    history = model.fit(X, Y, batch_size=64, epochs=1, verbose=0).history
    np.testing.assert_allclose(
        history["moved"], [0.08], rtol=1e-3
    )  # the first step of Adam moves each of 8 by its rate


def test_what_a_program_writes_into_is_made_anew_in_every_run():
    @keratin.jit
    def total(x):
        result = torch.zeros(2)
        result += x
        start = torch.tensor([1.0, 1.0])
        start.add_(result)
        return start

    x = torch.tensor([1.0, 2.0])
    assert [total(x).tolist() for _ in range(3)] == [[2.0, 3.0]] * 3


def test_two_copies_of_one_value_stay_apart():
    v, w = keratin.Variable([1.0, 2.0]), keratin.Variable([0.0, 0.0])

    @keratin.jit
    def both(x):
        first, second = v.value.clone(), v.value.clone()
        first += x
        seen = first.view(2)
        second *= 10.0
        v.assign(first)
        w.assign(second)
        return seen

    for start in ([1.0, 2.0], [2.0, 3.0]):
        expected = np.array(start)
        assert np.asarray(both(torch.ones(2))).tolist() == (expected + 1).tolist()
        assert np.asarray(v).tolist() == (expected + 1).tolist()
        assert np.asarray(w).tolist() == (expected * 10).tolist()


def test_variables_that_exchange_values_do_not_share_memory():
    a, b = keratin.Variable([1.0, 1.0]), keratin.Variable([2.0, 2.0])

    @keratin.jit
    def swap():
        first, second = a.value, b.value
        a.assign(second)
        b.assign(first)

    swap()
    with torch.no_grad():
        a.value.add_(10.0)
    assert np.asarray(a).tolist() == [12.0, 12.0] and np.asarray(b).tolist() == [1.0, 1.0]
    b.assign(a)
    with torch.no_grad():
        b.value.add_(1.0)
    assert np.asarray(a).tolist() == [12.0, 12.0]


def test_an_array_read_from_a_parameter_does_not_change_with_it():
    v = keratin.Variable([1.0, 2.0])
    array = ops.convert_to_numpy(v.value)
    with torch.no_grad():
        v.value.add_(1.0)
    assert array.tolist() == [1.0, 2.0] and np.asarray(v).tolist() == [2.0, 3.0]


# ---- modules as layers


def wrapped() -> keratin.Sequential:
    block = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU())
    return keratin.Sequential([layers.Input((8,)), TorchModuleWrapper(block), layers.Dense(1)])


def test_a_module_is_a_layer_that_fit_trains():
    model = wrapped()
    assert [v.shape for v in model.layers[0].trainable_variables] == [(16, 8), (16,), (16,), (16,)]
    assert len(model.layers[0].non_trainable_variables) == 3
    model.compile(keratin.optimizers.Adam(0.02), "mse")
    module = model.layers[0].module
    before = module[0].weight.detach().clone()
    history = model.fit(X, Y, batch_size=16, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert not torch.equal(before, module[0].weight)  # the module's own parameters are those that are trained
    assert int(module[1].num_batches_tracked) == 60 and float(module[1].running_mean.abs().sum()) > 0
    module.eval()
    direct = torch.relu(module[1](module[0](torch.tensor(X))))
    np.testing.assert_allclose(np.asarray(model.layers[0](X)), direct.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_module_in_a_loop_by_hand_and_through_weights_files(tmp_path):
    model = wrapped()
    model.train()
    losses = hand_loop(model, torch.optim.Adam(model.parameters(), lr=0.02))
    assert losses[-1] < 0.5 * losses[0]
    model.save_weights(tmp_path / "m.weights.h5")
    other = wrapped()
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_module_as_an_attribute_becomes_a_layer():
    class Mixed(keratin.Model):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Linear(8, 4)
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(self.body(x))

    model = Mixed()
    model(X)
    assert isinstance(model.body, TorchModuleWrapper) and len(model.trainable_variables) == 4
    assert {"body.module.weight", "head.kernel"} < set(model.state_dict())


def test_a_lazy_module():
    layer = TorchModuleWrapper(torch.nn.LazyLinear(3))
    assert tuple(layer(X).shape) == (64, 3) and layer.weights[0].shape == (3, 8)


def test_wrapping_something_else_is_an_error():
    with pytest.raises(ArgumentError, match="Only a module"):
        TorchModuleWrapper(lambda x: x)
    with pytest.raises(ArgumentError, match="needs no wrapper"):
        TorchModuleWrapper(layers.Dense(1))
    with pytest.raises(ConfigError, match="save the weights"):
        TorchModuleWrapper(torch.nn.Linear(1, 1)).get_config()


# ---- data


def test_a_data_loader_flows_in():
    dataset = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    model = mlp()
    model.compile("adam", "mse")
    history = model.fit(torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True), epochs=2, verbose=0).history
    assert len(history["loss"]) == 2 and int(model.optimizer.iterations) == 8
    assert model.predict(torch.tensor(X), verbose=0).shape == (64, 1)
    assert np.isfinite(model.evaluate(torch.tensor(X), torch.tensor(Y), verbose=0))


def test_a_device_that_is_not_there():
    with keratin.device("cpu:0"):
        assert keratin.Variable([1.0]).value.device.type == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(BackendError, match="no such device"), keratin.device("cuda:0"):
            pass


# ---- PyTorch's compiler


def test_a_model_compiles_into_one_graph():
    model = keratin.Sequential(
        [layers.Input((8,)), layers.Dense(16, activation="relu"), layers.LayerNormalization(), layers.Dense(1)]
    )
    x = torch.tensor(X)
    expected = model(x)
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")  # the tracing, without the C++ compiler
    np.testing.assert_allclose(np.asarray(compiled(x)), np.asarray(expected), rtol=1e-6)
    (compiled(x) ** 2).mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.slow
def test_jit_compile_uses_the_compiler(monkeypatch: pytest.MonkeyPatch):
    graphs = []
    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda graph, **kwargs: graphs.append(graph) or plain(graph, **kwargs))

    def train(jit_compile):
        keratin.utils.set_random_seed(1)
        model = keratin.Sequential([*mlp().layers[:1], layers.BatchNormalization(), layers.Dense(1)])
        model.compile("adam", "mse", jit_compile=jit_compile)
        history = model.fit(X, Y, batch_size=32, epochs=3, shuffle=False, verbose=0).history
        return history["loss"], model.get_weights(), model.predict(X, verbose=0)

    expected = train(False)
    assert graphs == []
    found = train(True)
    assert len(graphs) == 2  # the step and the prediction
    for a, b in zip([found[0], *found[1], found[2]], [expected[0], *expected[1], expected[2]], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# ---- on the host


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tensors_that_numpy_cannot_read(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype):
    # The tests' own is more tolerant than PyTorch's.
    monkeypatch.setattr(torch.Tensor, "__array__", lambda self, dtype=None, **kwargs: self.numpy())
    given = torch.tensor([[0.25, 0.75], [0.5, 1.0]], dtype=dtype, requires_grad=True)
    bar = keratin.utils.Progbar(1, verbose=0)
    bar.update(1, [("loss", given.sum())])
    constant = keratin.initializers.Constant(given)
    assert constant((2, 2)).tolist() == given.tolist()
    assert keratin.layers.Rescaling(given[0])(np.ones((1, 2), "float32")).tolist() == [[0.25, 0.75]]
    assert keratin.utils.pad_sequences([given[0]], 3, dtype="float32").tolist() == [[0.0, 0.25, 0.75]]
    assert keratin.ops.convert_to_numpy(given).tolist() == given.tolist()
    model = mlp()
    x = torch.ones(4, model.input_shape[-1], dtype=dtype, requires_grad=True)
    model.compile("sgd", "mse")
    model.fit(x, model(x), verbose=0)
    model.predict(x, verbose=0)
