"""Callbacks, driven by hand and by `fit`."""

from __future__ import annotations

import csv
import os

import numpy as np
import pytest

from keratin.errors import ArgumentError, FileFormatError, StateError, UnknownArgumentError
from keratin.training.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)


class FakeOptimizer:
    def __init__(self, rate=0.1, name="sgd"):
        self.learning_rate, self.name = np.float32(rate), name


class FakeMetric:
    def __init__(self, name, direction):
        self.name, self._direction = name, direction


class FakeModel:
    """What callbacks see of a model; its one weight is the number of epochs so far."""

    def __init__(self):
        self.stop_training, self.epochs = False, 0
        self.optimizer = FakeOptimizer()
        self.metrics = []
        self.saved = []
        self.fails = False

    def get_weights(self):
        return [np.array([self.epochs])]

    def set_weights(self, weights):
        self.epochs = int(weights[0][0])

    def save(self, path, overwrite=True):
        with open(path, "w") as file:
            file.write(f"half of model {self.epochs}")
            if self.fails:
                raise OSError("disk full")
            file.write(", whole")
        self.saved.append(path)

    save_weights = save


def train(callbacks, logs, model=None, batches=0, resume=None):
    """Run epochs with these logs (dicts, or values of val_loss); returns the model and the history."""
    model = model or FakeModel()
    listeners = CallbackList(callbacks, add_history=True, model=model, epochs=len(logs), steps=batches, verbose=0)
    listeners.on_train_begin()
    if resume is not None:
        listeners.load_state(resume)
    values = {}
    for epoch, values in enumerate(logs):
        values = dict(values) if isinstance(values, dict) else {"val_loss": values}
        listeners.on_epoch_begin(epoch)
        for batch in range(batches):
            listeners.on_train_batch_begin(batch)
            listeners.on_train_batch_end(batch, values)
        model.epochs += 1
        listeners.on_epoch_end(epoch, values)
        if model.stop_training:
            break
    listeners.on_train_end(values)
    return model, listeners


# ---- the list


class Recorder(Callback):
    """Notes every hook that is called."""

    def __init__(self, events, hooks):
        super().__init__()
        self.events = events
        for hook in hooks:
            setattr(self, hook, lambda *args, hook=hook, **kwargs: events.append((hook, *args, *kwargs.values())))


def test_every_hook_reaches_every_callback_in_order():
    events = []
    hooks = [hook for hook in dir(Callback) if hook.startswith("on_")]
    first, second = Recorder(events, hooks), Recorder(events, hooks)
    listeners = CallbackList([first, [second]])
    for hook in hooks:
        if hook == "on_progress":
            listeners.progress("train", 3, {"loss": 1})
            expected = (hook, "train", 3, {"loss": 1.0})
        elif "batch" in hook or "epoch" in hook:
            getattr(listeners, hook)(3, {"loss": 1})
            expected = (hook, 3, {"loss": 1.0})
        else:
            getattr(listeners, hook)({"loss": 1})
            expected = (hook, {"loss": 1.0})
        assert events == [expected] * 2, hook
        events.clear()


def test_only_overridden_hooks_are_called(monkeypatch):
    monkeypatch.setattr(Callback, "on_epoch_end", lambda self, epoch, logs=None: pytest.fail("called"))
    listeners = CallbackList([Callback(), History()])
    listeners.on_epoch_end(0, {"loss": 1})
    assert not CallbackList([Callback(), History()])._callers("on_train_batch_end")


def test_old_names_of_batch_hooks():
    events = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            events.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            events.append(("end", batch, logs))

    listeners = CallbackList([Old()])
    assert listeners.wants_batches("train") and not listeners.wants_batches("test")
    listeners.batch_begin("train", 2)
    listeners.batch_end("train", 2, {"loss": np.float32(0.5)})
    listeners.on_train_batch_end(3, {"loss": 1.0})
    assert events == [("begin", 2), ("end", 2, {"loss": 0.5}), ("end", 3, {"loss": 1.0})]


@pytest.mark.parametrize("kind", ["train", "test", "predict"])
def test_who_wants_batches(kind):
    hook = f"on_{kind}_batch_end"
    plain = [History(), ProgbarLogger(), EarlyStopping(), ModelCheckpoint("x.keras"), TerminateOnNaN(), CSVLogger("x")]
    assert not CallbackList([*plain, LambdaCallback(on_epoch_end=print)]).wants_batches(kind)
    assert CallbackList([*plain, LambdaCallback(**{hook: print})]).wants_batches(kind)
    assert CallbackList([type("Own", (Callback,), {hook: lambda self, batch, logs=None: None})()]).wants_batches(kind)
    assert CallbackList([ModelCheckpoint("x.keras", save_freq=3)]).wants_batches(kind) is (kind == "train")
    assert type("Own", (CallbackList,), {hook: lambda self, batch, logs=None: None})().wants_batches(kind)


def test_the_loop_calls_only_those_that_want_every_batch():
    events = []
    other = []

    class Passive(Callback):
        def on_train_batch_end(self, batch, logs=None):
            events.append("passive")

        def wants_batches(self, kind):
            return False

    listeners = CallbackList([Passive(), LambdaCallback(on_train_batch_end=lambda batch, logs: other.append(batch))])
    listeners.batch_end("train", 0, {})
    assert (events, other) == ([], [0])
    listeners.on_train_batch_end(1, {})
    assert (events, other) == (["passive"], [0, 1])


def test_a_list_of_the_users_own_class():
    events = []

    class Own(CallbackList):
        def on_train_batch_end(self, batch, logs=None):
            events.append(batch)

    own = Own([History()])
    assert CallbackList.of(own, model=FakeModel(), verbose=0, epochs=3, steps=2) is own
    assert own.params == {"verbose": 0, "epochs": 3, "steps": 2} and own.model is not None
    own.batch_end("train", 4, {})
    assert events == [4]
    given = CallbackList([], model=FakeModel(), epochs=9)
    kept = given.model
    assert CallbackList.of(given, model=FakeModel(), epochs=3).params == {"epochs": 9} and given.model is kept


def test_params_and_model_reach_callbacks():
    callback, model = Callback(), FakeModel()
    CallbackList.of([callback], model=model, verbose="auto", epochs=4, steps=7)
    assert callback.model is model and callback.params == {"verbose": 1, "epochs": 4, "steps": 7}


@pytest.mark.parametrize("verbose", [3, -1, "yes", None, 1.0])
def test_verbose_is_checked(verbose):
    with pytest.raises(ArgumentError, match="verbose"):
        CallbackList.of(None, model=FakeModel(), verbose=verbose)


def test_defaults_are_added_once():
    history, bar = History(), ProgbarLogger()
    model = FakeModel()
    listeners = CallbackList([history, bar], add_history=True, add_progbar=True, model=model)
    assert listeners.callbacks == [history, bar] and model.history is history
    kinds = [type(callback) for callback in CallbackList.of(None, model=model, history=True).callbacks]
    assert kinds == [History, ProgbarLogger]
    assert CallbackList.of(None, model=model, verbose=0).callbacks == []


@pytest.mark.parametrize("wrong", [EarlyStopping, print, "EarlyStopping", [History, 3]])
def test_what_is_no_callback(wrong):
    with pytest.raises(ArgumentError, match="no callback") as caught:
        CallbackList(wrong)
    if wrong is EarlyStopping:
        assert "EarlyStopping(...)" in caught.value.hint


def test_logs_are_floats_and_flat():
    seen = []
    listeners = CallbackList(LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs)))
    listeners.on_epoch_end(0, {"a": np.float32(1), "b": {"c": np.array(2)}, "d": np.ones(2), "e": "text"})
    assert {name: type(value) for name, value in seen[0].items()} == {
        "a": float, "c": float, "d": np.ndarray, "e": str,
    }  # fmt: skip
    listeners.on_epoch_end(1)
    assert seen[1] == {}


def test_what_a_callback_adds_to_the_logs_is_in_the_history():
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=epoch * 2.0))
    _, listeners = train([add], [1.0, 1.0])
    assert listeners.model.history.history == {"val_loss": [1.0, 1.0], "extra": [0.0, 2.0]}


def test_callbacks_added_later_are_called():
    listeners = CallbackList()
    listeners.on_epoch_end(0)
    history = History()
    listeners.append(history)
    listeners.on_epoch_end(1, {"a": 1.0})
    assert history.epoch == [1]


# ---- history


def test_history():
    model, _ = train([], [{"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}])
    assert model.history.history == {"loss": [2.0, 1.0], "val_loss": [3.0]} and model.history.epoch == [0, 1]
    assert model.history.params["epochs"] == 2


# ---- early stopping


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({"patience": 0}, [1.0, 0.9, 0.95, 0.8], 3),
        ({"patience": 1}, [1.0, 0.9, 0.95, 0.8, 0.85], 3),
        ({"patience": 2}, [1.0, 1.1, 1.2, 0.5], 3),
        ({"patience": 1, "min_delta": 0.2}, [1.0, 0.9, 0.85], 2),
        ({"patience": 1, "min_delta": -0.2}, [1.0, 0.9, 0.85], 2),
        ({"patience": 2, "baseline": 0.5}, [1.0, 0.9, 0.8, 0.4], 4),
        ({"patience": 2, "baseline": 0.5}, [1.0, 0.4, 0.3, 0.35, 0.36], 5),
        ({"patience": 1, "start_from_epoch": 3}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5),
        ({"patience": 1, "mode": "max"}, [1.0, 2.0, 3.0, 2.0, 2.0], 4),
        ({"patience": 2}, [float("nan"), float("nan"), float("nan"), 1.0], 2),
        ({"patience": 3}, [float("nan"), 2.0, 1.0, 0.5], 4),
        ({"patience": 0}, [float("nan"), 1.0, 2.0, 0.5], 3),  # the first epoch is too early to stop
    ],
)
def test_early_stopping(options, values, epochs):
    model, _ = train([EarlyStopping(**options)], values)
    assert len(model.history.epoch) == epochs


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("baseline", [None, 0.6, 0.3])
@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("mode", ["auto", "max"])
def test_early_stopping_agrees_with_keras(restore, baseline, patience, mode):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(patience)
    for _ in range(20):
        values = rng.uniform(0, 1, 8).round(2)
        options = {"patience": patience, "baseline": baseline, "restore_best_weights": restore, "mode": mode}
        options |= {"min_delta": 0.05, "start_from_epoch": int(rng.integers(0, 3))}
        results = []
        for kind in (EarlyStopping, keras.callbacks.EarlyStopping):
            callback, model = kind(**options), FakeModel()
            callback.set_model(model)
            callback.on_train_begin()
            for epoch, value in enumerate(values):
                model.epochs += 1
                callback.on_epoch_end(epoch, {"val_loss": float(value)})
                if model.stop_training:
                    break
            callback.on_train_end()
            results.append(
                (model.epochs, model.stop_training, callback.stopped_epoch, callback.best_epoch, callback.wait)
            )
        assert results[0] == results[1], (options, values)


def test_early_stopping_restores_the_best_weights(capsys):
    callback = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    model, _ = train([callback], [1.0, 0.5, 0.6, 0.7])
    assert model.epochs == 2 and callback.best_epoch == 1 and callback.stopped_epoch == 3
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 4: early stopping",
        "Restoring the weights of the best epoch, 2.",
    ]
    model, _ = train([callback], [1.0, 0.9])  # a second use starts again
    assert model.epochs == 2 and not model.stop_training


def test_monitored_name_that_is_not_there():
    with pytest.warns(UserWarning) as caught:
        model, _ = train([EarlyStopping(monitor="val_lost")], [{"loss": 1.0, "accuracy": 0.5}] * 3)
    assert len(caught) == 1 and not model.stop_training
    assert "`val_lost`, which is not in the logs. There are: `loss`, `accuracy`." in str(caught[0].message)
    assert "validation_split" in str(caught[0].message)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("loss", False),
        ("val_loss", False),
        ("head_loss", False),
        ("val_accuracy", True),
        ("sparse_top_k_categorical_accuracy", True),
        ("val_mean_absolute_error", False),
        ("auc", True),
        ("head_precision", True),
        ("binary_io_u", True),
        ("root_mean_squared_error", False),
        ("f1_score", True),
        ("binary_crossentropy", False),
    ],
)
def test_direction_by_name(name, more):
    callback = EarlyStopping(monitor=name)
    callback.set_model(FakeModel())
    assert callback._more_is_better() is more


def test_direction_by_metric():
    model = FakeModel()
    model.metrics = [
        FakeMetric("quality", "up"),
        type("Group", (), {"metrics": [FakeMetric("depth", "down")], "name": "g"})(),
    ]
    for name, more in [("val_quality", True), ("head_quality", True), ("depth", False)]:
        callback = EarlyStopping(monitor=name)
        callback.set_model(model)
        assert callback._more_is_better() is more


def test_direction_that_is_not_known():
    with pytest.raises(ArgumentError, match="mode='min' or mode='max'"):
        train([EarlyStopping(monitor="quality")], [{"quality": 1.0}])
    assert train([EarlyStopping(monitor="quality", mode="max")], [{"quality": 1.0}])
    with pytest.raises(ArgumentError, match="mode"):
        EarlyStopping(mode="down")


@pytest.mark.parametrize("cut", range(1, 8))
def test_early_stopping_goes_on_after_a_resume(cut):
    values = [1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.6]

    def options():
        return EarlyStopping(patience=3, restore_best_weights=True)

    whole, _ = train([options()], values)
    first, listeners = train([options()], values[:cut], FakeModel())
    if first.stop_training:
        return
    model = FakeModel()
    model.epochs = cut
    state = CallbackList.state(listeners)
    resumed = CallbackList([options()], add_history=True, model=model)
    resumed.on_train_begin()
    resumed.load_state(state)
    for epoch in range(cut, len(values)):
        model.epochs += 1
        resumed.on_epoch_end(epoch, {"val_loss": values[epoch]})
        if model.stop_training:
            break
    resumed.on_train_end()
    assert (model.epochs, model.stop_training) == (whole.epochs, whole.stop_training)
    assert model.history.history == whole.history.history and model.history.epoch == whole.history.epoch


def test_state_of_other_callbacks():
    _, listeners = train([EarlyStopping()], [1.0])
    with pytest.raises(StateError, match="other callbacks"):
        CallbackList([ReduceLROnPlateau()]).load_state(listeners.state())


# ---- checkpoints


def test_checkpoint_of_each_epoch(tmp_path, capsys):
    path = tmp_path / "deep" / "{epoch:02d}-{val_loss:.2f}.keras"
    train([ModelCheckpoint(path, verbose=1)], [0.5, 0.25])
    assert sorted(os.listdir(tmp_path / "deep")) == ["01-0.50.keras", "02-0.25.keras"]
    assert (tmp_path / "deep" / "02-0.25.keras").read_text() == "half of model 2, whole"
    assert "Epoch 1: saved" in capsys.readouterr().out


def test_checkpoint_of_the_best(tmp_path, capsys):
    path = tmp_path / "best.keras"
    model, _ = train([ModelCheckpoint(path, save_best_only=True, verbose=1)], [0.5, float("nan"), 0.7, 0.4, 0.45])
    assert path.read_text() == "half of model 4, whole" and len(model.saved) == 2
    written = capsys.readouterr().out
    assert "Epoch 4: val_loss improved from 0.50000 to 0.40000, saving" in written
    assert "Epoch 3: val_loss did not improve from 0.50000" in written
    model, _ = train([ModelCheckpoint(path, save_best_only=True, initial_value_threshold=0.45)], [0.5, 0.4])
    assert len(model.saved) == 1
    model, _ = train(
        [ModelCheckpoint(path, "val_accuracy", save_best_only=True)], [{"val_accuracy": v} for v in (1, 3, 2)]
    )
    assert path.read_text() == "half of model 2, whole"


@pytest.mark.parametrize(
    ("freq", "batches", "saves"), [(3, 4, [2, 5, 8, 11]), (5, 4, [4, 9]), (1, 2, [0, 1, 2, 3, 4, 5])]
)
def test_checkpoint_after_batches(tmp_path, freq, batches, saves):
    path = tmp_path / "e{epoch}-b{batch}.weights.h5"
    train([ModelCheckpoint(path, save_weights_only=True, save_freq=freq)], [1.0] * 3, batches=batches)
    expected = [f"e{at // batches + 1}-b{at % batches + 1}.weights.h5" for at in saves]
    assert sorted(os.listdir(tmp_path)) == sorted(expected)


def test_checkpoint_after_chunks_of_batches(tmp_path):
    """With `steps_per_execution` only every n-th batch is told."""
    callback, model = ModelCheckpoint(tmp_path / "x.keras", save_freq=6), FakeModel()
    callback.set_model(model)
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in (3, 7, 11):
            callback.on_train_batch_end(batch, {})
    assert len(model.saved) == 3  # at 8, 16 and 24 of 24 batches


def test_checkpoint_of_the_best_after_batches(tmp_path):
    callback = ModelCheckpoint(tmp_path / "x.keras", "loss", save_best_only=True, save_freq=1)
    model, _ = train([callback], [{"loss": 1.0}, {"loss": 0.5}], batches=2)
    assert len(model.saved) == 2


def test_interrupted_checkpoint_leaves_the_old_file(tmp_path):
    path = tmp_path / "last.keras"
    model = FakeModel()
    train([ModelCheckpoint(path)], [1.0], model)
    model.fails = True
    with pytest.raises(OSError, match="disk full"):
        train([ModelCheckpoint(path)], [1.0], model)
    assert path.read_text() == "half of model 1, whole" and os.listdir(tmp_path) == ["last.keras"]


def test_checkpoint_without_the_monitored_number(tmp_path):
    with pytest.warns(UserWarning, match="ModelCheckpoint watches `val_loss`, which is not in the logs"):
        model, _ = train([ModelCheckpoint(tmp_path / "x.keras", save_best_only=True)], [{"loss": 1.0}] * 2)
    assert len(model.saved) == 2


def test_checkpoint_errors(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.weights\.h5"):
        ModelCheckpoint("x.keras", save_weights_only=True)
    with pytest.raises(ArgumentError, match=r"\.keras"):
        ModelCheckpoint("x.ckpt")
    for wrong in ("batch", 0, -1, 2.5, True):
        with pytest.raises(ArgumentError, match="save_freq"):
            ModelCheckpoint("x.keras", save_freq=wrong)
    with pytest.raises(ArgumentError, match="fields named epoch, val_loss"):
        train([ModelCheckpoint(tmp_path / "{val_accuracy}.keras")], [1.0])
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(FileFormatError, match="folder"):
        train([ModelCheckpoint(tmp_path / "folder.keras")], [1.0])


# ---- learning rates


def test_learning_rate_scheduler(capsys):
    model, _ = train([LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1)], [1.0, 1.0])
    assert model.optimizer.learning_rate == pytest.approx(0.025)
    assert model.history.history["learning_rate"] == pytest.approx([0.05, 0.025])
    assert "Epoch 2: the learning rate is 0.025" in capsys.readouterr().out
    model, _ = train([LearningRateScheduler(lambda epoch: np.float32(epoch + 1))], [1.0, 1.0])
    assert model.optimizer.learning_rate == 2.0
    model, _ = train([LearningRateScheduler(lambda epoch, rate=None: 3)], [1.0])
    assert model.optimizer.learning_rate == 3.0


def test_errors_of_the_schedule_are_not_hidden():
    def schedule(epoch, rate):
        raise TypeError("a bug in the user's code")

    with pytest.raises(TypeError, match="a bug"):
        train([LearningRateScheduler(schedule)], [1.0])
    for wrong in (None, "0.1", float("nan"), [0.1], True):
        with pytest.raises(ArgumentError, match="must give a number"):
            train([LearningRateScheduler({0: wrong}.get)], [1.0])
    with pytest.raises(ArgumentError, match="function"):
        LearningRateScheduler(0.1)


def test_several_optimizers():
    model = FakeModel()
    model.optimizer = type("Many", (), {"optimizers": [FakeOptimizer(0.1, "a"), FakeOptimizer(0.2, "b")]})()
    train([LearningRateScheduler(lambda epoch, rate: rate * 0.5)], [1.0], model)
    assert model.history.history["learning_rate_b"] == pytest.approx([0.1])


@pytest.mark.parametrize(
    "options", [{}, {"patience": 2, "cooldown": 2}, {"min_delta": 0.1}, {"min_lr": 0.02}, {"mode": "max"}]
)
def test_reduce_lr_agrees_with_keras(options):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(5)
    options = {"factor": 0.5, "patience": 1, **options}
    for _ in range(20):
        values = rng.uniform(0, 1, 12)
        rates = []
        for kind in (ReduceLROnPlateau, keras.callbacks.ReduceLROnPlateau):
            callback, model = kind(**options), FakeModel()
            callback.set_model(model)
            callback.on_train_begin()
            rates.append([])
            for epoch, value in enumerate(values):
                callback.on_epoch_end(epoch, {"val_loss": float(value)})
                rates[-1].append(float(model.optimizer.learning_rate))
        assert rates[0] == pytest.approx(rates[1])


def test_reduce_lr(capsys):
    callback = ReduceLROnPlateau(factor=0.1, patience=2, min_lr=0.005, verbose=1)
    model, _ = train([callback], [1.0] * 9)
    rates = model.history.history["learning_rate"]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.005, 0.005, 0.005, 0.005])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 3: the learning rate falls to 0.01.",
        "Epoch 5: the learning rate falls to 0.005.",
    ]
    for wrong in (1.0, 1.5, -0.1):
        with pytest.raises(ArgumentError, match="factor"):
            ReduceLROnPlateau(factor=wrong)
    with pytest.raises(UnknownArgumentError):
        ReduceLROnPlateau(epsilon=0.1)


# ---- the rest


def test_lambda_callback():
    events = []
    callback = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: events.append(("begin", epoch)),
        on_train_end=lambda logs: events.append(("end", logs)),
        on_train_batch_end=lambda batch, logs: events.append((batch, logs)),
        on_test_begin=None,
    )
    train([callback], [1.0], batches=1)
    assert events == [("begin", 0), (0, {"val_loss": 1.0}), ("end", {"val_loss": 1.0})]
    with pytest.raises(UnknownArgumentError, match="on_epoch_finish"):
        LambdaCallback(on_epoch_finish=print)
    with pytest.raises(UnknownArgumentError):
        LambdaCallback(model=print)
    with pytest.raises(ArgumentError, match="function"):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_terminate_on_nan(bad, capsys):
    model, _ = train([TerminateOnNaN()], [{"loss": 1.0}, {"loss": bad}, {"loss": 1.0}], batches=3)
    assert model.stop_training and len(model.history.epoch) == 2
    assert capsys.readouterr().out == f"The loss is {bad} at batch 0: training stops.\n"
    listeners = CallbackList([TerminateOnNaN()], model=FakeModel())
    listeners.progress("test", 4, {"loss": bad})
    assert not listeners.model.stop_training
    listeners.progress("train", 4, {"loss": bad})
    assert listeners.model.stop_training and "at batch 4 or before" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="clipnorm"):
        train([TerminateOnNaN(raise_error=True)], [{"loss": bad}])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    logs = [{"loss": 0.5, "accuracy": 1.0}, {"loss": 0.25, "accuracy": 1.0, "val_loss": 0.75}, {"loss": 0.125}]
    train([CSVLogger(path)], logs)
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"],
        ["0", "1.0", "0.5", "NA", "NA"],
        ["1", "1.0", "0.25", "NA", "0.75"],
        ["2", "NA", "0.125", "NA", "NA"],
    ]


def test_csv_logger_appends(tmp_path):
    path = tmp_path / "log.csv"
    train([CSVLogger(path, separator=";", append=True)], [{"loss": 0.5, "val_loss": 1.0}])
    train([CSVLogger(path, separator=";", append=True)], [{"val_loss": 2.0, "loss": 0.25, "new": 3.0}])
    assert path.read_text().splitlines() == ["epoch;loss;val_loss", "0;0.5;1.0", "0;0.25;2.0"]
    train([CSVLogger(path)], [{"loss": 9.0}])
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,9.0,NA"]


def test_csv_logger_agrees_with_keras(tmp_path):
    keras = pytest.importorskip("keras")
    logs = [{"b": 0.5, "a": np.array([1.0, 2.0]), "c": "text"}, {"b": 1.5, "val_b": 2.0}]
    for name, kind in (("ours", CSVLogger), ("keras", keras.callbacks.CSVLogger)):
        callback = kind(str(tmp_path / name))
        callback.on_train_begin()
        for epoch, values in enumerate(logs):
            callback.on_epoch_end(epoch, values)
        callback.on_train_end()
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "keras").read_bytes()
