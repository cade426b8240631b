"""Callbacks and streams in a real `fit`."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import keratin as keras
from keratin import callbacks, layers
from keratin.errors import DataError
from tests.training.terminal import Screen, in_terminal, through_pipe

pytestmark = pytest.mark.trains

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


def model(rate=0.1):
    made = keras.Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    made.compile(keras.optimizers.SGD(rate), "mse")
    return made


def weights_after(*args, **kwargs):
    trained = model()
    trained.fit(*args, verbose=0, **kwargs)
    return trained.get_weights()


class Batches(keras.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.events = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def endless():
    for index in itertools.count():
        part = slice(index % 4 * 10, index % 4 * 10 + 10)
        yield X[part], Y[part]


# ---- all sources train alike


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda: Batches(), {}),
        (lambda: Batches(workers=3), {}),
        (lambda: Batches(workers=2), {"steps_per_epoch": 4}),
        (endless, {"steps_per_epoch": 4}),
        (lambda: [*itertools.islice(endless(), 4)].__iter__(), {"epochs": 1}),
    ],
)
def test_streams_train_as_arrays_do(make, options):
    options = {"epochs": 3, "shuffle": False, **options}
    expected = weights_after(X, Y, batch_size=10, epochs=options["epochs"], shuffle=False)
    for got, wanted in zip(weights_after(make(), **options), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("steps", [None, 2, 6])
def test_hooks_of_a_data_set(steps):
    data, held_out = Batches(), Batches(workers=2)
    history = model().fit(data, epochs=3, steps_per_epoch=steps, validation_data=held_out, verbose=0)
    assert data.events == ["begin", "end"] * 3 and held_out.events == ["begin", "end"] * 3
    assert len(history.history["val_loss"]) == 3


def test_a_generator_that_ends_stops_training():
    history = model().fit(itertools.islice(endless(), 3), epochs=4, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ended after 1 of 2 batches in epoch 2"):
        history = model().fit(itertools.islice(endless(), 3), epochs=4, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]


def test_validation_of_a_part_is_the_same_part_each_time():
    class Rows(keras.utils.PyDataset):
        seen = []

        def __len__(self):
            return 4

        def __getitem__(self, index):
            self.seen.append(index)
            return X[:10], Y[:10]

    data = Rows()
    model().fit(X, Y, epochs=3, validation_data=data, validation_steps=2, verbose=0)
    assert data.seen[1:] == [0, 1] * 3  # the first one was a look at the shapes


def test_evaluate_and_predict_of_streams():
    trained = model()
    expected, whole = trained.evaluate(X, Y, verbose=0), trained.predict(X, verbose=0)
    assert trained.evaluate(Batches(workers=2), verbose=0) == pytest.approx(expected)
    assert trained.evaluate(endless(), steps=4, verbose=0) == pytest.approx(expected)
    np.testing.assert_array_equal(trained.predict(Batches(workers=2), verbose=0), whole)
    np.testing.assert_array_equal(trained.predict(endless(), steps=4, verbose=0), whole)


def test_broken_batch_in_fit():
    with pytest.raises(DataError, match="fit, batch 2 of epoch 0"):
        model().fit(itertools.chain(itertools.islice(endless(), 2), [(X[:5], Y[:4])]), verbose=0)


# ---- callbacks


def test_checkpoint_loads_again(tmp_path):
    trained = model()
    path = tmp_path / "{epoch}-{val_loss:.3f}.keras"
    checkpoint = callbacks.ModelCheckpoint(path, save_best_only=True)
    trained.fit(X, Y, epochs=3, validation_split=0.25, verbose=0, callbacks=[checkpoint])
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3 and all(re.fullmatch(r"\d-\d\.\d{3}\.keras", file.name) for file in files)
    loaded = keras.saving.load_model(files[-1])
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), trained.predict(X, verbose=0))


def test_checkpoint_of_weights_after_batches(tmp_path):
    path = tmp_path / "{epoch}-{batch}.weights.h5"
    checkpoint = callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3)
    model().fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0, callbacks=[checkpoint])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1-3.weights.h5", "2-2.weights.h5"]
    other = model()
    other.load_weights(tmp_path / "1-3.weights.h5")
    for got, wanted in zip(
        other.get_weights(), weights_after(X[:30], Y[:30], batch_size=10, shuffle=False), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_early_stopping_restores_weights():
    trained = model(rate=0.9)  # it diverges
    kept = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(trained.get_weights()))
    stop = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    history = trained.fit(X, Y, batch_size=8, epochs=20, verbose=0, callbacks=[stop, keep])
    best = int(np.argmin(history.history["loss"]))
    assert len(history.epoch) == best + 3 < 20
    for got, wanted in zip(trained.get_weights(), kept[best], strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_learning_rates_count():
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: 0.0 if epoch else rate)
    history = model().fit(X, Y, epochs=3, shuffle=False, verbose=0, callbacks=[schedule])
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.0, 0.0])
    assert history.history["loss"][2] == history.history["loss"][1]
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0)
    history = model().fit(X, Y, epochs=3, verbose=0, callbacks=[plateau])
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.1, 0.05])


def test_terminate_on_nan_stops_within_the_epoch(capsys):
    x = X.copy()
    x[25] = np.nan
    trained = model()
    with pytest.warns(UserWarning, match="batch 2"):
        history = trained.fit(
            x, Y, batch_size=10, epochs=5, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN()]
        )
    assert history.epoch == [0] and trained.stop_training
    assert "training stops" in capsys.readouterr().out


def test_batch_hooks_see_every_batch_and_the_same_training():
    seen = []
    note = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"])))
    watched = weights_after(X, Y, batch_size=10, epochs=2, shuffle=False, callbacks=[note])
    assert [batch for batch, _ in seen] == [0, 1, 2, 3] * 2 and all(type(loss) is float for _, loss in seen)
    for got, wanted in zip(watched, weights_after(X, Y, batch_size=10, epochs=2, shuffle=False), strict=True):
        np.testing.assert_array_equal(got, wanted)


# ---- the bar

SCRIPT = """
import numpy as np, keratin as keras
from keratin import layers
x = np.zeros((40, 3), "float32")
model = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x[:, :1], batch_size=10, epochs=2, validation_split=0.25)
model.evaluate(x, x[:, :1], verbose=2)
model.predict(x)
"""


def test_the_bar_of_fit_in_a_terminal():
    lines = Screen(in_terminal(SCRIPT, columns=110), columns=110).lines
    value = r"\d+\.\d{4}(e[+-]\d+)?"
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    for line in (lines[1], lines[3]):
        assert re.fullmatch(rf"3/3 ━{{20}} \S+ \S+/step - loss: {value} - val_loss: {value}", line), line
    assert re.fullmatch(rf"2/2 - \S+ - \S+/step - loss: {value}", lines[4])
    assert re.fullmatch(r"2/2 ━{20} \S+ \S+/step", lines[5]) and lines[6:] == [""]


def test_the_lines_of_fit_in_a_pipe():
    lines = through_pipe(SCRIPT).splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2", "2/2", "2/2"]
