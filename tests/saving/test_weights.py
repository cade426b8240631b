"""State to and from a store: paths, aliases, mismatches, optimizers, random streams."""

import numpy as np
import pytest

import keratin
from keratin import layers
from keratin.errors import FileFormatError, StateError
from keratin.saving import weights
from keratin.saving.store import MemoryStore
from keratin.saving.walk import Walk


def stack(*units, **kwargs):
    return keratin.Sequential([keratin.Input((3,)), *(layers.Dense(n) for n in units)], **kwargs)


def saved(model):
    store = MemoryStore()
    weights.save(model, store)
    return store


def values(model):
    return [v.numpy() for v in model.weights]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(values(a), values(b), strict=True))


class Holder(keratin.layers.Layer):
    """Attributes given by keyword."""

    def __init__(self, **attributes):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)
        self.built = True


def dense():
    layer = layers.Dense(2)
    layer.build((None, 3))
    return layer


def paths(obj):
    return [path for path, _ in Walk(obj).objects]


# ---- paths


def test_attributes_are_sorted_and_private_ones_come_last():
    assert paths(Holder(b=dense(), _a=dense(), c=dense(), a=dense())) == ["", "a", "b", "c", "_a"]


def test_containers_are_numbered_by_class():
    shared = dense()
    holder = Holder(
        x=[dense(), layers.ReLU(), dense(), shared], y={"k": shared, "j": (dense(), [layers.ReLU()], [dense()])}
    )
    assert paths(holder) == [
        "", "x/dense", "x/re_lu", "x/dense_1", "x/dense_2",
        "y/container/dense", "y/container/container/re_lu", "y/container/container_1/dense",
    ]  # fmt: skip


def test_an_object_has_one_path_and_aliases():
    shared = dense()
    walk = Walk(Holder(b=shared, a=[shared, Holder(inner=shared)]))
    assert walk.path(shared) == "a/dense"
    assert list(walk.aliases(shared)) == ["a/dense", "a/holder/inner", "b"]


def test_cycles_end():
    a, b = Holder(), Holder()
    a.other, b.other, a.loop = b, a, [a]
    a.loop.append(a.loop)
    walk = Walk(a)
    assert [path for path, _ in walk.objects] == ["", "other"]
    assert list(walk.aliases(b)) == ["other"]


def test_properties_count_and_may_fail():
    class Exposing(Holder):
        @property
        def query(self):
            return self._query

        @property
        def broken(self):
            raise RuntimeError

    assert paths(Exposing(_query=dense(), z=dense())) == ["", "query", "z"]


def test_layers_of_models_come_first_and_in_subclasses_by_name():
    model = stack(2, 2)
    model.aaa = dense()
    assert paths(model)[:4] == ["", "layers/dense", "layers/dense_1", "aaa"]

    class Net(keratin.Model):
        def __init__(self):
            super().__init__()
            self.zeta, self.alpha = dense(), dense()

    assert paths(Net()) == ["", "alpha", "layers/dense"]


def test_reading_has_no_side_effects_on_names():
    before = layers.Dense(1).name
    saved(stack(2, name="quiet"))
    number = int((before.rpartition("_")[2]) if "_" in before else 0)
    assert layers.Dense(1).name == f"dense_{number + 2}"


def test_weights_in_a_set_cannot_be_saved():
    with pytest.raises(StateError, match="(?s)cannot be saved.*dense.*/kernel"):
        weights.save(Holder(bag={dense()}), MemoryStore())


# ---- round trips


def test_round_trip():
    model, other = stack(4, 2), stack(4, 2)
    assert not same(model, other)
    weights.load(other, saved(model))
    assert same(model, other)


def test_loading_makes_no_initial_values():
    def forbidden(shape, dtype=None):
        raise AssertionError("made a value that is overwritten")

    store = saved(stack(4))
    model = keratin.Sequential(
        [keratin.Input((3,)), layers.Dense(4, kernel_initializer=forbidden, bias_initializer=forbidden)]
    )
    weights.load(model, store)
    assert model.weights[0].numpy().shape == (3, 4)


def test_saving_makes_the_values_once():
    model = stack(4)
    store = saved(model)
    np.testing.assert_array_equal(store.entry("layers/dense")["0"], model.weights[0].numpy())


def test_a_file_of_another_float_dtype_is_cast():
    store = saved(stack(4))
    entry = store.entry("layers/dense")
    entry["0"] = entry["0"].astype("float64")
    model = stack(4)
    weights.load(model, store)
    np.testing.assert_allclose(model.weights[0].numpy(), entry["0"])
    assert model.weights[0].dtype == "float32"


def test_classes_may_store_in_their_own_way():
    class Own(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(2,), initializer="random_normal")

        def call(self, x):
            return x

        def save_own_variables(self, store):
            store["table"] = self.table

        def load_own_variables(self, store):
            self.table.assign(store["table"])

    model, other = (keratin.Sequential([keratin.Input((2,)), Own()]) for _ in range(2))
    store = saved(model)
    assert list(store.entry("layers/own")) == ["table"]
    weights.load(other, store)
    assert same(model, other)
    store.entry("layers/own")["table"] = np.zeros(3)
    with pytest.raises(ValueError, match="(?s)another shape"):
        weights.load(other, store)
    with pytest.warns(UserWarning, match="(?s)refused layers/own/vars"):
        weights.load(other, store, skip_mismatch=True)


def test_random_streams_go_on_where_they_were():
    model, other = (
        keratin.Sequential([keratin.Input((3,)), layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=2)])
        for _ in range(2)
    )
    x = np.ones((2, 3), "float32")
    for _ in range(3):
        model(x, training=True)
    store = saved(model)
    assert "keratin.seeds/layers/dropout/seed_generator" in store.paths()
    expected = np.asarray(model(x, training=True))
    weights.load(other, store)
    np.testing.assert_array_equal(np.asarray(other(x, training=True)), expected)


def test_a_store_without_streams_leaves_them():
    model = keratin.Sequential([keratin.Input((3,)), layers.Dropout(0.5, seed=1)])
    before = model.layers[0].seed_generator.state.numpy()
    weights.load(model, saved(keratin.Sequential([keratin.Input((3,)), layers.Activation("relu")])))
    np.testing.assert_array_equal(model.layers[0].seed_generator.state.numpy(), before)


# ---- aliases


def test_a_renamed_attribute_is_found_by_another_path():
    class Before(keratin.Model):
        def __init__(self):
            super().__init__()
            self.zeta = dense()

    class After(keratin.Model):
        def __init__(self):
            super().__init__()
            self.alpha = dense()

    before, after = Before(), After()
    store = saved(before)
    assert store.paths() == ["layers/dense"] and paths(after) == ["", "alpha"]
    weights.load(after, store)
    assert same(before, after)


def test_files_of_keras_2_13():
    model, store = stack(4), MemoryStore()
    store.entry("_layer_checkpoint_dependencies/dense").update({"0": np.full((3, 4), 2.0), "1": np.ones(4)})
    weights.load(model, store)
    assert values(model)[0][0, 0] == 2


def test_one_entry_serves_one_object():
    first, second = dense(), dense()
    store = MemoryStore()
    store.entry("a").update({"0": np.zeros((3, 2)), "1": np.zeros(2)})
    with pytest.raises(FileFormatError, match="(?s)2 missing.*missing b/vars/0"):
        weights.load(Holder(a=first, b=second, c=[first, second]), store)


# ---- mismatches


def message(model, store):
    with pytest.raises(FileFormatError) as caught:
        weights.load(model, store)
    return str(caught.value)


def test_another_shape():
    model = stack(4, 2, name="mine")
    text = message(model, saved(stack(5, 2)))
    assert "do not fit the model: 3 of another shape." in text
    names = [layer.name for layer in model.layers]
    assert (
        f"shape layers/dense/vars/0 (mine/{names[0]}/kernel): expected (3, 4) float32; received (3, 5) float32" in text
    )
    assert f"shape layers/dense/vars/1 (mine/{names[0]}/bias): expected (4,) float32; received (5,) float32" in text
    assert (
        f"shape layers/dense_1/vars/0 (mine/{names[1]}/kernel): expected (4, 2) float32; received (5, 2) float32"
        in text
    )
    assert "skip_mismatch=True" in text


def test_missing():
    text = message(stack(4, 2), saved(stack(4)))
    assert "2 missing." in text and "missing layers/dense_1/vars/0" in text and "expected (4, 2) float32" in text


def test_extra():
    text = message(stack(4), saved(stack(4, 2)))
    assert "2 extra." in text and "extra layers/dense_1/vars/1: received (2,) float32" in text


def test_missing_and_extra_name_each_other():
    class One(keratin.Model):
        def __init__(self):
            super().__init__()
            self.encoder = dense()

    class Two(keratin.Model):
        def __init__(self):
            super().__init__()
            self.backbone = dense()

    text = message(Two(), saved(One()))
    assert "2 missing, 2 extra." in text
    assert "missing backbone/vars/0" in text and "nearest in the file: encoder/vars/0 (3, 2) float32" in text
    assert "extra encoder/vars/1: received (2,) float32; nearest in the model: backbone/vars/1 (2,) float32" in text


def test_missing_bias():
    store = saved(keratin.Sequential([keratin.Input((3,)), layers.Dense(4, use_bias=False)]))
    text = message(stack(4), store)
    assert "1 missing." in text and "missing layers/dense/vars/1" in text


def test_another_kind_of_dtype():
    store = saved(stack(4))
    store.entry("layers/dense")["1"] = np.zeros(4, "complex64")
    assert "1 of another dtype" in (text := message(stack(4), store)) and "received (4,) complex64" in text


def test_nothing_is_assigned_if_anything_differs():
    model = stack(4, 2)
    before = values(model)
    message(model, saved(stack(4, 3)))
    assert all(np.array_equal(a, b) for a, b in zip(before, values(model), strict=True))


def test_skip_mismatch_warns_once_and_loads_the_rest():
    model, source = stack(4, 2), stack(4, 3)
    before = values(model)
    with pytest.warns(UserWarning, match="(?s)were skipped: 2 of another shape.*shape layers/dense_1/vars/0") as caught:
        weights.load(model, saved(source), skip_mismatch=True)
    assert len(caught) == 1
    np.testing.assert_array_equal(values(model)[0], values(source)[0])
    np.testing.assert_array_equal(values(model)[2], before[2])


def test_an_unbuilt_model_says_what_to_do():
    text = message(keratin.Sequential([layers.Dense(4)]), saved(stack(4)))
    assert "2 extra" in text and "`layers/dense` is not built: call the model on data or build it" in text


# ---- optimizers


def compiled(*units, optimizer="adam"):
    model = stack(*units)
    model.compile(optimizer, loss="mse")
    return model


def steps(model, count=1):
    x, y = np.ones((4, 3), "float32"), np.zeros((4, model.output_shape[-1]), "float32")
    for _ in range(count):
        model.train_on_batch(x, y)


@pytest.mark.trains
def test_optimizer_state_goes_on():
    model, other = compiled(4, 2), compiled(4, 2)
    steps(model, 3)
    weights.load(other, saved(model))
    assert int(other.optimizer.iterations) == 3
    steps(model), steps(other)
    for a, b in zip(
        [*model.weights, *model.optimizer.variables], [*other.weights, *other.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.trains
def test_another_optimizer_is_an_error():
    model = compiled(4, optimizer="adam")
    steps(model)
    text = message(compiled(4, optimizer="sgd"), saved(model))
    assert "extra optimizer/vars/2" in text and "only the optimizer differs" in text and "compile=False" in text


@pytest.mark.trains
def test_a_model_that_is_not_compiled_takes_the_weights_alone():
    model, other = compiled(4), stack(4)
    steps(model)
    weights.load(other, saved(model))
    assert same(model, other)


def test_weights_without_an_optimizer_leave_it():
    model = compiled(4)
    weights.load(model, saved(stack(4)))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.trains
def test_an_optimizer_saved_before_its_first_step_starts_anew():
    fresh, model = compiled(4), compiled(4)
    steps(model, 2)
    weights.load(model, saved(fresh))
    assert int(model.optimizer.iterations) == 0
    assert all(np.all(v.numpy() == 0) for v in model.optimizer.variables[2:])
