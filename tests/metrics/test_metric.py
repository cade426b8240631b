"""Metrics as objects: states, resets, nesting, masks, configuration, names, and metrics of users."""

from __future__ import annotations

import copy
import inspect
import json
import pickle

import keras
import numpy as np
import pytest

from keratin import Variable, metrics, ops
from keratin.errors import ArgumentError, ConfigError, KeratinError, ShapeError, StateError
from keratin.metrics import Mean, MeanMetricWrapper, Metric, Sum, accuracy_for, crossentropy_for
from keratin.state.masks import set_mask
from keratin.state.transforms import jit, scan


class Hits(Metric):
    """The example of a user's metric: nothing but states, an update and a result."""

    def __init__(self, name="hits", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.hits.assign_add(ops.sum(ops.cast(ops.equal(y_true, y_pred), "float32")))

    def result(self):
        return self.hits


def test_a_metric_of_a_user_runs_eagerly_compiled_and_pure():
    metric = Hits()
    assert float(metric([1, 2, 3], [1, 2, 4])) == 2
    step = jit(lambda y, p: metric(y, p))
    assert float(step(np.array([1, 2]), np.array([1, 2]))) == 4
    assert float(metric.result()) == 4
    (state,) = metric.stateless_update_state([10.0], [1, 2], [1, 3])
    assert float(state) == 11
    assert float(metric.stateless_result([state])) == 11
    assert float(metric.result()) == 4
    metric.reset_state()
    assert float(metric.result()) == 0
    assert metric.hits.path.endswith("hits/hits")


def test_a_metric_in_a_compiled_loop():
    metric = Mean()
    scan(lambda carry, x: (metric.update_state(x), carry)[::-1], 0.0, np.arange(6, dtype="float32").reshape(3, 2))
    assert float(metric.result()) == 2.5


# ---- states


def test_a_state_starts_and_restarts_at_its_initializer():
    class From(Metric):
        def __init__(self):
            super().__init__(name="from")
            self.least = self.add_weight(
                shape=(2,), initializer=lambda shape, dtype=None: np.full(shape, 7, dtype), name="least"
            )
            self.count = self.add_variable((), "ones", "int32", name="count")
            self.plain = Variable(3.0, name="plain")

        def update_state(self, x):
            self.least.assign(ops.minimum(self.least, x))
            self.count.assign_add(1)
            self.plain.assign_add(1)

    metric = From()
    assert [v.name for v in metric.variables] == ["least", "count", "plain"]
    assert [v.dtype for v in metric.variables] == ["float32", "int32", "float32"]
    metric.update_state([1.0, 9.0])
    assert metric.least.numpy().tolist() == [1, 7]
    metric.reset_state()
    assert metric.least.numpy().tolist() == [7, 7]
    assert int(metric.count) == 1
    assert float(metric.plain) == 0
    assert [np.asarray(v).tolist() for v in metric.stateless_reset_state()] == [[7, 7], 1, 0]


@pytest.mark.once
def test_a_reset_compiles_nothing():
    import jax

    metric = metrics.AUC()
    metric.update_state([0, 1], [0.2, 0.7])
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        compiled = []
        patch.setattr(jax._src.compiler, "backend_compile_and_load", lambda *a, **k: compiled.append(a) or 1 / 0)
        metric.reset_state()
    assert not compiled
    assert not metric.true_positives.numpy().any()


def test_a_reset_inside_a_program():
    metric = Mean()

    @jit
    def epoch(x):
        metric.reset_state()
        metric.update_state(x)
        return metric.result()

    metric.update_state([100.0])
    assert float(epoch(np.array([1.0, 3.0]))) == 2
    assert float(epoch(np.array([5.0, 5.0]))) == 5
    assert float(metric.count) == 2


class Several(Metric):
    """Metrics in attributes, lists and dicts."""

    def __init__(self):
        super().__init__(name="several")
        self.parts = [Mean(), {"sum": Sum()}]
        self.last = self.add_weight(name="last", initializer="ones")
        self.other = Mean()

    def update_state(self, x):
        self.parts[0].update_state(x)
        self.parts[1]["sum"].update_state(x)
        self.other.update_state(x)
        self.last.assign(x[-1])

    def result(self):
        return {"mean": self.parts[0].result(), "sum": self.parts[1]["sum"].result()}


def test_nested_metrics():
    metric = Several()
    assert [v.name for v in metric.variables] == ["last", "total", "count", "total", "total", "count"]
    result = metric(np.array([1.0, 3.0], "float32"))
    assert {k: float(v) for k, v in result.items()} == {"mean": 2.0, "sum": 4.0}
    metric.parts.append(Mean())  # a list filled later counts
    assert len(metric.variables) == 8
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [1, 0, 0, 0, 0, 0, 0, 0]
    state = metric.stateless_update_state(metric.stateless_reset_state(), np.array([1.0, 3.0], "float32"))
    assert [float(v) for v in state] == [3, 4, 2, 4, 0, 0, 4, 2]  # the list comes before `other`


def test_a_shared_metric_counts_once():
    metric = Several()
    metric.parts.append(metric.other)
    assert len(metric.variables) == 6


def test_copies_have_their_own_states():
    metric = Mean()
    metric.update_state([1.0, 3.0])
    for twin in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert float(twin.result()) == 2
        twin.update_state([100.0])
        assert float(metric.result()) == 2
        twin.reset_state()
        assert float(twin.result()) == 0
        assert float(metric.result()) == 2


def test_what_a_metric_refuses():
    with pytest.raises(ArgumentError, match="(?s)mean/total.*1 values"):
        Mean().stateless_result([1.0])
    with pytest.raises(ShapeError, match="total"):
        Mean().stateless_result([[1.0, 2.0], 1.0])

    class Early(Metric):
        def __init__(self):
            self.total = self.add_weight(name="total")

    with pytest.raises(StateError, match="super"):
        Early()
    with pytest.raises(KeratinError, match="update_state"):
        Metric()([1.0])
    with pytest.raises(KeratinError, match="result"):
        Metric().result()


# ---- means, weights and masks


def test_a_mean_over_uneven_batches_and_weights():
    metric = Mean()
    metric.update_state([1.0, 2.0, 3.0], sample_weight=[1.0, 0.0, 2.0])
    metric.update_state(10.0, sample_weight=4)
    assert float(metric.result()) == pytest.approx((1 + 6 + 40) / 7)
    metric = Sum()
    metric.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[1.0, 10.0])
    assert float(metric.result()) == 73


@pytest.mark.once
@pytest.mark.parametrize("shape", [(4,), (4, 5), (4, 5, 2)])
@pytest.mark.parametrize("weight_shape", [None, (4,), (4, 1)])
def test_means_are_those_of_keras(shape, weight_shape):
    random = np.random.default_rng(3)
    ours, theirs = Mean(), keras.metrics.Mean()
    for _ in range(3):
        values = random.normal(size=shape).astype("float32")
        weights = None if weight_shape is None else random.uniform(size=weight_shape).astype("float32")
        ours.update_state(values, weights)
        theirs.update_state(values, weights)
    assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-5)


def test_padding_of_different_lengths_counts_nothing():
    """Two batches padded to different lengths: every step that exists counts the same."""
    metric = metrics.MeanAbsoluteError()
    errors = []
    for steps, valid in ((3, [3, 1]), (10, [2, 9])):
        prediction = np.random.default_rng(steps).normal(size=(2, steps, 1)).astype("float32")
        mask = np.arange(steps) < np.array(valid)[:, None]
        errors += np.abs(prediction[..., 0])[mask].tolist()
        tensor = ops.convert_to_tensor(prediction)
        set_mask(tensor, ops.convert_to_tensor(mask))
        metric.update_state(np.zeros((2, steps, 1)), tensor)
    assert float(metric.result()) == pytest.approx(np.mean(errors), rel=1e-5)


def test_masks_and_weights_together():
    mask = np.array([[True, True], [True, False]])
    prediction = np.array([[[0.9], [0.2]], [[0.3], [0.9]]], "float32")
    target = np.array([[[1.0], [1.0]], [[1.0], [1.0]]], "float32")
    for metric in (metrics.BinaryAccuracy(), metrics.Recall(), metrics.RootMeanSquaredError(), metrics.TruePositives()):
        tensor = ops.convert_to_tensor(prediction)
        set_mask(tensor, ops.convert_to_tensor(mask))
        metric.update_state(target, tensor, sample_weight=[1.0, 3.0])
        expected = type(metric)()
        expected.update_state(target.reshape(4, 1)[:3], prediction.reshape(4, 1)[:3], sample_weight=[1.0, 1.0, 3.0])
        assert float(metric.result()) == pytest.approx(float(expected.result())), metric.name


def test_a_function_of_a_user_with_one_value_looks_after_masks_itself():
    metric = MeanMetricWrapper(lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred)), name="scalar")
    prediction = ops.convert_to_tensor(np.ones((2, 3, 1), "float32"))
    set_mask(prediction, ops.convert_to_tensor(np.ones((2, 3), bool)))
    assert float(metric(np.zeros((2, 3, 1)), prediction)) == 1


@pytest.mark.parametrize("shape", [(5,), (3, 4), (4, 2)])
def test_weights_that_do_not_fit(shape):
    for metric in (
        metrics.MeanSquaredError(),
        metrics.Precision(),
        metrics.AUC(),
        metrics.R2Score(),
        metrics.F1Score(),
    ):
        with pytest.raises(ShapeError):
            metric.update_state(np.ones((4, 3)), np.ones((4, 3)), sample_weight=np.ones(shape))


@pytest.mark.parametrize(("target", "prediction"), [((4,), (4, 3)), ((4, 1), (4, 3)), ((3,), (4, 3)), ((1, 3), (4, 3))])
def test_shapes_that_would_broadcast_are_errors(target, prediction):
    names = """MeanSquaredError RootMeanSquaredError BinaryAccuracy Accuracy CategoricalAccuracy Precision AUC R2Score
        F1Score TopKCategoricalAccuracy TruePositives PrecisionAtRecall"""
    for name in names.split():
        metric = getattr(metrics, name)(**({"recall": 0.5} if name == "PrecisionAtRecall" else {}))
        with pytest.raises(ShapeError, match="shape"):
            metric.update_state(np.ones(target, "float32"), np.ones(prediction, "float32"))


def test_nothing_seen_yet():
    for name in metrics.__all__:
        kind = getattr(metrics, name)
        if not inspect.isclass(kind) or name in ("Metric", "MeanMetricWrapper"):
            continue
        result = np.asarray(kind(**needed(name)).result())
        assert np.all(result == 0), name


# ---- configuration and names


def needed(name):
    """Arguments without which a metric cannot be made."""
    arguments = {
        "MeanMetricWrapper": {"fn": metrics.huber},
        "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
        "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
        "MeanIoU": {"num_classes": 3},
        "OneHotMeanIoU": {"num_classes": 3},
        "PrecisionAtRecall": {"recall": 0.5},
        "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5},
        "SpecificityAtSensitivity": {"sensitivity": 0.5},
    }
    return arguments.get(name, {})


OTHERS = {
    "name": "another",
    "dtype": "float64",
    "threshold": 0.25,
    "k": 7,
    "from_sorted_ids": True,
    "from_logits": True,
    "label_smoothing": 0.25,
    "axis": 1,
    "ignore_class": 1,
    "class_aggregation": "variance_weighted_average",
    "num_regressors": 3,
    "thresholds": [0.25, 0.5],
    "top_k": 2,
    "class_id": 1,
    "average": "micro",
    "beta": 2.0,
    "num_thresholds": 17,
    "curve": "PR",
    "summation_method": "majoring",
    "multi_label": True,
    "label_weights": [0.5, 1.0],
    "num_classes": 5,
    "target_class_ids": [1],
    "sparse_y_true": False,
    "sparse_y_pred": False,
    "recall": 0.25,
    "precision": 0.25,
    "specificity": 0.25,
    "sensitivity": 0.25,
}
CLASSES = sorted(n for n in metrics.__all__ if inspect.isclass(getattr(metrics, n)))


@pytest.mark.parametrize("name", [n for n in CLASSES if n != "MeanMetricWrapper"])
def test_every_argument_comes_back(name):
    kind = getattr(metrics, name)
    for changed in inspect.signature(kind).parameters:
        if changed == "num_labels":
            arguments, value = {"multi_label": True, "num_labels": 2}, 2
        else:
            value = not OTHERS[changed] if name.startswith("OneHot") and changed == "sparse_y_pred" else OTHERS[changed]
            arguments = {**needed(name), changed: value}
        metric = kind(**arguments)
        data = json.loads(json.dumps(metrics.serialize(metric)))
        twin = metrics.deserialize(data)
        assert type(twin) is kind
        if not (name == "AUC" and changed == "thresholds"):
            assert getattr(twin, changed) == value, changed
        assert twin.get_config() == metric.get_config()
        assert [v.shape for v in twin.variables] == [v.shape for v in metric.variables]


def test_thresholds_of_auc_come_back():
    metric = metrics.AUC(thresholds=[0.75, 0.25])
    twin = metrics.deserialize(metrics.serialize(metric))
    assert twin.thresholds == metric.thresholds
    assert metric.thresholds[1:-1] == [0.25, 0.75]
    assert metric.num_thresholds == 4


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(space, name)) for space in (metrics, keras.metrics))
    assert [(k, p.default) for k, p in ours.parameters.items()] == [
        (k, p.default) for k, p in theirs.parameters.items()
    ]


@pytest.mark.once
@pytest.mark.parametrize("name", [n for n in CLASSES if n not in ("Metric", "MeanMetricWrapper")])
def test_keras_reads_what_is_written_here_and_the_other_way_round(name):
    metric = getattr(metrics, name)(**needed(name))
    theirs = keras.metrics.deserialize(metrics.serialize(metric))
    assert type(theirs).__name__ == name
    ours = metrics.deserialize(keras.metrics.serialize(theirs))
    assert ours.get_config() == metric.get_config()
    default = keras.metrics.serialize(getattr(keras.metrics, name)(**needed(name)))
    assert type(metrics.deserialize(default)) is type(metric)


@pytest.mark.once
def test_keras_knows_no_name_that_is_missing_here():
    from keras.src.metrics import ALL_OBJECTS_DICT

    for name, target in ALL_OBJECTS_DICT.items():
        assert metrics._NAMES[name].__name__ in (target.__name__, name), name


def test_names():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("AUC"), metrics.AUC)
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert isinstance(metrics.get("mean_squared_error"), metrics.MeanSquaredError)
    assert metrics.get(metrics.huber) is metrics.huber
    assert metrics.get(None) is None
    with pytest.raises(ConfigError, match="precision"):
        metrics.get("precission")


def test_a_wrapped_function_comes_back():
    metric = MeanMetricWrapper(metrics.huber, name="h", delta=3.0)
    twin = metrics.deserialize(metrics.serialize(metric))
    assert (twin.fn, twin.arguments, twin.name) == (metrics.huber, {"delta": 3.0}, "h")
    with pytest.raises(ConfigError, match="lambda"):
        metrics.serialize(MeanMetricWrapper(lambda y_true, y_pred: y_pred))


def test_a_metric_of_a_user_comes_back():
    data = metrics.serialize(Hits(name="mine"))
    assert data["config"] == {"name": "mine", "dtype": "float32"}
    assert metrics.deserialize(data, custom_objects={"Hits": Hits}).name == "mine"


def test_a_later_change_counts():
    metric = metrics.BinaryAccuracy()
    metric.threshold = 0.9
    assert metrics.serialize(metric)["config"]["threshold"] == 0.9
    assert float(metric([1.0], [0.8])) == 0


@pytest.mark.parametrize(
    ("y_true", "y_pred", "accuracy", "crossentropy"),
    [
        ((None, 1), (None, 1), "BinaryAccuracy", "BinaryCrossentropy"),
        ((None,), (None, 1), "BinaryAccuracy", "BinaryCrossentropy"),
        ((8,), (8,), "BinaryAccuracy", "BinaryCrossentropy"),
        ((None,), (None, 10), "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"),
        ((None, 1), (None, 10), "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"),
        ((None, 5, 5, 1), (None, 5, 5, 3), "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"),
        ((None, 10), (None, 10), "CategoricalAccuracy", "CategoricalCrossentropy"),
    ],
)
def test_what_accuracy_means(y_true, y_pred, accuracy, crossentropy):
    assert type(accuracy_for(y_true, y_pred)).__name__ == accuracy
    assert type(crossentropy_for(y_true, y_pred)).__name__ == crossentropy
    assert accuracy_for(y_true, y_pred).name == "accuracy"


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.AUC(curve="roc"),
        lambda: metrics.AUC(summation_method="mean"),
        lambda: metrics.AUC(thresholds=[1.5]),
        lambda: metrics.Precision(thresholds=50),
        lambda: metrics.Recall(thresholds=[]),
        lambda: metrics.FBetaScore(beta=-1),
        lambda: metrics.F1Score(average="mean"),
        lambda: metrics.R2Score(class_aggregation="mean"),
        lambda: metrics.R2Score(num_regressors=-1),
        lambda: metrics.IoU(num_classes=2, target_class_ids=[2]),
        lambda: metrics.PrecisionAtRecall(2),
    ],
)
def test_arguments_that_cannot_be_used(make):
    with pytest.raises(ArgumentError, match="Expected"):
        make()
