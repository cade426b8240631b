"""Every optimizer in a compiled `fit`, through a file, and on."""

import numpy as np
import pytest

import keratin
from keratin import callbacks, layers, optimizers
from keratin.optimizers import schedules
from tests.marks import needs_gradients

pytestmark = needs_gradients

RATES = {"Adadelta": 100.0, "SGD": 0.1, "Ftrl": 1.0, "Lion": 0.02, "Adafactor": 0.1, "Muon": 0.1}
NAMES = """SGD Adam AdamW RMSprop Adagrad Adadelta Adamax Nadam Ftrl Lion Lamb Adafactor Muon
    ScheduleFreeAdamW""".split()
X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


def make(optimizer):
    start = keratin.initializers.Constant([[0.5, 0.1], [-0.2, 0.3], [0.4, -0.5]])
    model = keratin.Sequential(
        [layers.Input((3,)), layers.Dense(2, kernel_initializer=start), layers.Dense(1, kernel_initializer="ones")]
    )
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("name", NAMES)
def test_trains_and_goes_on_from_a_file(name, tmp_path):
    model = make(getattr(optimizers, name)(RATES.get(name, 0.05)))
    losses = model.fit(X, Y, batch_size=16, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    model.save(tmp_path / "m.keras")
    again = keratin.models.load_model(tmp_path / "m.keras")
    assert int(again.optimizer.iterations) == 40
    results = []
    for m in (model, again):
        m.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        results.append([*m.get_weights(), *(v.numpy() for v in m.optimizer.variables)])
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_fit_is_eager_apply():
    """With everything at once: accumulation over batches, averages that take over, decay, clipping and a schedule."""

    def optimizer():
        return optimizers.Adam(
            schedules.CosineDecay(0.1, 20), weight_decay=0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.5,
            ema_overwrite_frequency=2, gradient_accumulation_steps=3,
        )  # fmt: skip

    weights = []
    for eager in (False, True):
        model = make("sgd")
        model.compile(optimizer(), "mse", run_eagerly=eager)
        model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
        assert int(model.optimizer.iterations) == 4
        weights.append(model.get_weights())
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(*weights, strict=True))


def test_fit_ends_with_the_averages():
    model = make(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9))
    before = model.get_weights()
    model.fit(X, Y, epochs=2, initial_epoch=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.fit(X, Y, epochs=2, verbose=0)
    averages = [v.numpy() for v in model.optimizer.variables if "average" in v.path]
    assert all(np.array_equal(a, b) for a, b in zip(averages, model.get_weights(), strict=True))
    assert not np.array_equal(averages[0], before[0])


def test_rates_and_options_that_change_during_fit():
    class Change(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.learning_rate = 0.0
            if epoch == 2:
                self.model.optimizer.learning_rate = schedules.PiecewiseConstantDecay([5], [0.0, 0.1])
            rows.append(self.model.get_weights()[0])

    rows = []
    model = make(optimizers.SGD(0.1))
    model.fit(X, Y, batch_size=32, epochs=4, verbose=0, callbacks=[Change()])
    assert not np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[1], rows[2]) and np.array_equal(rows[2], rows[3])
    assert not np.array_equal(rows[3], model.get_weights()[0])  # steps 6 and 7


def test_layers_that_a_callback_frees():
    class Free(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rows.append(self.model.get_weights()[0])
            self.model.layers[0].trainable = epoch >= 1

    rows = []
    model = make(optimizers.SGD(0.1))
    model.optimizer.build(model.trainable_variables)
    model.fit(X, Y, batch_size=32, epochs=3, verbose=0, callbacks=[Free()])
    assert np.array_equal(rows[0], rows[1]) and not np.array_equal(rows[1], rows[2])
