"""Whole models and weights in files: samples of Keras, round trips, bad files."""

import io
import json
import os
import pickle
import random
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import keratin
from keratin import layers
from keratin.errors import ArgumentError, ConfigError, FileFormatError, KeratinError, UnknownArgumentError
from keratin.saving import keras_format, load_model, register_keras_serializable
from keratin.saving.archive import write_zip

SAMPLES = Path(__file__).parent / "samples"


def sample(name):
    with np.load(SAMPLES / f"{name}.npz") as file:
        return file["input"], file["output"]


def small():
    return keratin.Sequential(
        [keratin.Input((3,)), layers.Dense(4, activation="relu"), layers.Dropout(0.5), layers.Dense(2)]
    )


def check_same(a, b, x):
    np.testing.assert_array_equal(np.asarray(a(x)), np.asarray(b(x)))


# ---- files of Keras


@pytest.mark.parametrize("file", ["mlp.keras", "mlp.h5", "cnn_bn.keras"])
def test_samples(file):
    x, y = sample(file.split(".")[0])
    model = load_model(SAMPLES / file)
    np.testing.assert_allclose(np.asarray(model(x)), y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), y, rtol=1e-5, atol=1e-5)
    assert model.compiled


@pytest.mark.parametrize("file", ["mlp.weights.h5", "mlp.keras", "mlp.h5"])
def test_weights_of_samples(file):
    x, y = sample("mlp")
    layer = layers.Dense
    model = keratin.Sequential(
        [keratin.Input((8,)), layer(16, activation="relu"), layers.Dropout(0.3), layer(3, activation="softmax")]
    )
    model.load_weights(SAMPLES / file)
    np.testing.assert_allclose(np.asarray(model(x)), y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("file", ["mlp.keras", "mlp.h5"])
def test_optimizer_of_samples(file):
    optimizer = load_model(SAMPLES / file).optimizer
    with h5py.File(SAMPLES / "mlp.weights.h5") as stored:
        assert len(optimizer.variables) == len(stored["optimizer/vars"]) == 10
        for i, variable in enumerate(optimizer.variables):
            np.testing.assert_array_equal(variable.numpy(), stored[f"optimizer/vars/{i}"][()])


@pytest.mark.parametrize("file", ["mlp.keras", "mlp.h5"])
def test_a_file_does_not_ask_for_the_compiler_of_the_engine_that_wrote_it(file):
    assert load_model(SAMPLES / file).jit_compile == "auto"  # Keras writes True for "auto" on JAX


@pytest.mark.parametrize("file", ["mlp.keras", "mlp.h5", "cnn_bn.keras"])
def test_without_compiling(file):
    assert not load_model(SAMPLES / file, compile=False).compiled


def test_an_h5_file_of_weights_is_no_model():
    with pytest.raises(FileFormatError, match="(?s)holds no model, only weights.*load_weights"):
        load_model(SAMPLES / "mlp.weights.h5")


# ---- round trips


def test_round_trip(tmp_path):
    model, x = small(), np.ones((2, 3), "float32")
    model.save(tmp_path / "m.keras")
    check_same(model, load_model(tmp_path / "m.keras"), x)
    assert os.listdir(tmp_path) == ["m.keras"]
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json"))["keras_version"] == keras_format.KERAS_VERSION


def test_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, x = small(), np.ones((2, 3), "float32")
    for _ in range(2):
        model.save("relative", zipped=False)
    assert sorted(os.listdir("relative")) == ["config.json", "metadata.json", "model.weights.h5"]
    check_same(model, load_model("relative"), x)
    other = small()
    other.load_weights("relative")
    check_same(model, other, x)


def test_stream_and_weights(tmp_path):
    model, other, x = small(), small(), np.ones((2, 3), "float32")
    stream = io.BytesIO()
    keratin.saving.save_model(model, stream)
    stream.seek(0)
    check_same(model, load_model(stream), x)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    check_same(model, other, x)


def test_same_model_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    model = small()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)  # as it is after loading
    first = keratin.saving.to_bytes(model)
    assert first == keratin.saving.to_bytes(model)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert json.loads(archive.read("metadata.json"))["date_saved"] == "1970-01-01@00:00:00"
    again = keratin.saving.to_bytes(keratin.saving.from_bytes(first))
    assert again == first


@pytest.mark.trains
def test_a_trained_model_goes_on_exactly(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(16, 3)).astype("float32"), np.zeros((16, 2), "float32")
    model = small()
    model.compile(keratin.optimizers.Adam(0.01), "mse")
    model.fit(x, y, epochs=2, batch_size=4, verbose=0, shuffle=False)
    model.save(tmp_path / "m.keras")
    other = load_model(tmp_path / "m.keras")
    for one in (model, other):
        one.fit(x, y, epochs=1, batch_size=4, verbose=0, shuffle=False)
    for a, b in zip(
        [*model.variables, *model.optimizer.variables], [*other.variables, *other.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


@register_keras_serializable("test_keras_format")
class Net(keratin.Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.parts = {"a": [layers.Dense(units)], "b": (layers.Dense(units),)}

    def call(self, x):
        return self.parts["b"][0](self.parts["a"][0](x))


def test_subclassed(tmp_path):
    model, x = Net(3), np.ones((2, 4), "float32")
    model(x)
    model.save(tmp_path / "m.keras")
    other = load_model(tmp_path / "m.keras")
    assert type(other) is Net and other.units == 3
    check_same(model, other, x)


def test_a_model_that_was_not_built_warns():
    with pytest.warns(UserWarning, match="(?s)before it was built"):
        keratin.saving.to_bytes(Net())


def test_functional_with_ops_and_shared_layers(tmp_path):
    a, b = keratin.Input((3,), name="a"), keratin.Input((3,), name="b")
    shared = layers.Dense(4)
    model = keratin.Model({"a": a, "b": b}, {"sum": shared(a) + shared(b) * 2.0, "b": keratin.ops.sin(shared(b))})
    data = {"a": np.ones((2, 3), "float32"), "b": np.full((2, 3), 2, "float32")}
    model.save(tmp_path / "m.keras")
    other = load_model(tmp_path / "m.keras")
    assert len(other.weights) == 2
    for key, value in model(data).items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(other(data)[key]))


@register_keras_serializable("test_keras_format")
class Words(layers.Layer):
    """A layer that keeps a file."""

    words = None

    def call(self, x):
        return x

    def save_assets(self, dir_path):
        Path(dir_path, "words.txt").write_text("\n".join(self.words))

    def load_assets(self, dir_path):
        self.words = Path(dir_path, "words.txt").read_text().split("\n")


@pytest.mark.parametrize("zipped", [True, False])
def test_assets(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    model = keratin.Sequential([keratin.Input((2,)), Words()])
    model.layers[0].words = ["", "[UNK]", "a b", "ü"]
    name = "m.keras" if zipped else "m"
    model.save(name, zipped=zipped)
    assert load_model(name).layers[0].words == model.layers[0].words


def test_pickle():
    model, x = small(), np.ones((2, 3), "float32")
    check_same(model, pickle.loads(pickle.dumps(model)), x)


# ---- arguments


def test_overwrite(tmp_path):
    model, path = small(), tmp_path / "m.keras"
    model.save(path)
    with pytest.raises(ArgumentError, match="(?s)exists already.*overwrite=True"):
        model.save(path, overwrite=False)
    model.save_weights(tmp_path / "w.weights.h5", overwrite=False)
    with pytest.raises(ArgumentError, match="(?s)exists already"):
        model.save_weights(tmp_path / "w.weights.h5", overwrite=False)


def test_endings(tmp_path):
    model = small()
    for wrong in ("m", "m.h5", "m.zip"):
        with pytest.raises(ArgumentError, match="(?s)ending.*Expected: .keras"):
            model.save(tmp_path / wrong)
    with pytest.raises(ArgumentError, match="(?s)ending.*a folder"):
        model.save(tmp_path / "m.keras", zipped=False)
    with pytest.raises(ArgumentError, match="(?s)ending.*Expected: .weights.h5"):
        model.save_weights(tmp_path / "m.h5")
    with pytest.raises(UnknownArgumentError, match="(?s)save_format"):
        model.save(tmp_path / "m.keras", save_format="tf")
    assert os.listdir(tmp_path) == []


def test_a_missing_file(tmp_path):
    for read in (load_model, small().load_weights):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "nothing.keras")


# ---- durability


@pytest.mark.parametrize(
    "where", ["os.replace", "os.fsync", "keratin.saving.archive.write_zip", "keratin.saving.weights.save"]
)
def test_an_interrupted_save_leaves_the_old_file_whole(tmp_path, monkeypatch, where):
    old, new, x = small(), small(), np.ones((2, 3), "float32")
    path = tmp_path / "m.keras"
    old.save(path)

    def interrupted(stream, *args, **kwargs):
        if hasattr(stream, "write"):
            stream.write(b"half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="(?s)no space left"):
        patch.setattr(where, interrupted)
        new.save(path)
    assert os.listdir(tmp_path) == ["m.keras"]
    check_same(old, load_model(path), x)


def test_an_object_that_cannot_be_saved_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="(?s)lambda has no name"):
        keratin.Sequential([keratin.Input((3,)), layers.Lambda(lambda x: x)]).save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.keras"]


# ---- bad files


def changed(tmp_path, change=None, members=None, file="mlp.keras"):
    """A copy of a sample with another configuration or other members."""
    with zipfile.ZipFile(SAMPLES / file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if change is not None:
        config = json.loads(content["config.json"])
        change(config)
        content["config.json"] = json.dumps(config).encode()
    content.update(members or {})
    path = tmp_path / "bad.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def first_dense(config):
    return config["config"]["layers"][1]


@pytest.mark.parametrize("length", [0, 3, 100, 1000, 5000, 20000, 25550])
def test_a_cut_file(tmp_path, length):
    path = tmp_path / "cut.keras"
    path.write_bytes((SAMPLES / "mlp.keras").read_bytes()[:length])
    with pytest.raises(FileFormatError, match="(?s)empty|cut or damaged") as caught:
        load_model(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("file", ["mlp.h5", "mlp.weights.h5"])
@pytest.mark.parametrize("length", [0, 7, 100, 5000, 20000])
def test_cut_weights(tmp_path, file, length):
    path = tmp_path / "cut.h5"
    path.write_bytes((SAMPLES / file).read_bytes()[:length])
    with pytest.raises(FileFormatError, match="(?s)empty|not a|damaged"):
        load_model(path) if file == "mlp.h5" else load_model(SAMPLES / "mlp.keras").load_weights(path)


@pytest.mark.parametrize("content", [b"PK is not enough", os.urandom(3000), b"<html>not found</html>"])
def test_not_a_zip(tmp_path, content):
    path = tmp_path / "x.keras"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="(?s)not a `.keras` archive|cut or damaged"):
        load_model(path)


def test_a_missing_member(tmp_path):
    with pytest.raises(FileFormatError, match="(?s)lacks a member.*Expected: model.weights.h5"):
        load_model(changed(tmp_path, members={"model.weights.h5": None}))


def test_an_unknown_class(tmp_path):
    def change(config):
        first_dense(config).update(module="my_project.layers", class_name="Dnse", registered_name="my>Dnse")

    with pytest.raises(
        ConfigError, match="(?s)neither Keratin's nor registered.*my_project.layers.Dnse.*custom_objects"
    ):
        load_model(changed(tmp_path, change))


def test_a_misspelled_class_names_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="(?s)nearest known name is `Dense`"):
        load_model(changed(tmp_path, lambda c: first_dense(c).update(class_name="Dnse")))


@pytest.mark.parametrize(
    "data",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch pwned"}, "registered_name": None},
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
        {"module": "builtins", "class_name": "exec", "config": {}, "registered_name": None},
        {"module": "keratin.saving", "class_name": "load_model", "config": {"filepath": "x"}, "registered_name": None},
        {
            "module": "keras",
            "class_name": "function",
            "config": "enable_unsafe_deserialization",
            "registered_name": None,
        },
        {
            "module": "keras.utils",
            "class_name": "get_file",
            "config": {"fname": "x", "origin": "http://localhost"},
            "registered_name": None,
        },
        {"module": "keras.layers", "class_name": "__class__", "config": "os.system", "registered_name": None},
    ],
)
@pytest.mark.parametrize("place", ["layer", "activation"])
def test_a_class_from_elsewhere(tmp_path, monkeypatch, data, place):
    monkeypatch.chdir(tmp_path)

    def change(config):
        if place == "layer":
            config["config"]["layers"][1] = data
        else:
            first_dense(config)["config"]["activation"] = data

    with pytest.raises(
        (ConfigError, FileFormatError, ArgumentError),
        match="(?s)neither Keratin's nor registered|cannot|be made of layers|is made of",
    ):
        load_model(changed(tmp_path, change), safe_mode=False)
    assert os.listdir(tmp_path) == ["bad.keras"]


CODE = {"class_name": "__lambda__", "config": {"value": {"code": "4wEAAAA=", "defaults": None, "closure": None}}}


@pytest.mark.parametrize("safe_mode", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda c: first_dense(c)["config"].update(activation=CODE),
        lambda c: first_dense(c)["config"].update(kernel_initializer=CODE),
        lambda c: first_dense(c).update(class_name="Lambda", config={"name": "l", "function": CODE}),
        lambda c: first_dense(c).update(
            class_name="Lambda", config={"name": "l", "function": ["4wEAAAA=", None, None], "function_type": "lambda"}
        ),
        lambda c: c["compile_config"].update(loss=CODE),
    ],
)
def test_code_in_a_file(tmp_path, change, safe_mode):
    with pytest.raises(ConfigError, match="(?s)bytecode.*never runs.*Where: .*(layers|compile_config).*register"):
        load_model(changed(tmp_path, change), safe_mode=safe_mode)


def test_a_member_that_leaves_the_archive(tmp_path):
    with pytest.raises(FileFormatError, match="(?s)unsafe name.*Received: ../outside"):
        load_model(changed(tmp_path, members={"../outside": b"x"}))
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("config", [b"[]", b"{", b'"text"', b"{}", b'{"class_name": 3, "config": {}}', b'{"a": 1}'])
def test_a_configuration_that_is_none(tmp_path, config):
    with pytest.raises((FileFormatError, ConfigError)):
        load_model(changed(tmp_path, members={"config.json": config}))


def test_a_configuration_nested_too_deeply(tmp_path):
    def change(config):
        for _ in range(400):
            config["config"]["layers"] = [{**config, "config": dict(config["config"])}]

    with pytest.raises((FileFormatError, RecursionError)):
        load_model(changed(tmp_path, change))


def test_an_object_that_is_no_model(tmp_path):
    data = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
    with pytest.raises(FileFormatError, match="(?s)does not describe a model.*Received: Zeros"):
        load_model(changed(tmp_path, members={"config.json": json.dumps(data).encode()}))


def places(data, path=()):
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*path, key))


OTHER_VALUES = [
    None,
    0,
    -1,
    1e300,
    10**30,
    True,
    "",
    "x",
    [],
    {},
    [None],
    {"a": 1},
    {"class_name": "Dense", "config": {}},
]


def test_mutated_configurations_give_a_model_or_our_error():
    rng, outcomes = random.Random(0), set()
    with zipfile.ZipFile(SAMPLES / "mlp.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(80):
        config = json.loads(members["config.json"])
        *way, last = rng.choice([path for path in places(config) if path])
        inner = config
        for key in way:
            inner = inner[key]
        inner[last] = rng.choice(OTHER_VALUES)
        stream = io.BytesIO()
        write_zip(stream, {**members, "config.json": json.dumps(config).encode()})
        try:
            load_model(stream)
            outcomes.add("loaded")
        except KeratinError as error:
            outcomes.add(type(error).__name__)
    assert {"loaded", "ConfigError", "FileFormatError"} <= outcomes


def weights_with(change):
    with zipfile.ZipFile(SAMPLES / "mlp.keras") as archive:
        stream = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(stream, "a") as file:
        change(file)
    return {"model.weights.h5": stream.getvalue()}


def resize(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = np.zeros((8, 17), "float32")


def remove(file):
    del file["layers/dense_1/vars/1"]


def add(file):
    file["layers/dense_2/vars/0"] = np.zeros(3, "float32")


def link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/hostname", "/x")


def bomb(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", shape=(10**9, 10**9), dtype="f4")


@pytest.mark.parametrize(
    "change, message",
    [
        (
            resize,
            r"1 of another shape.*dense/vars/0 \(sequential.*/kernel\): expected \(8, 16\) float32; received \(8, 17\)",
        ),
        (remove, r"1 missing.*missing layers/dense_1/vars/1"),
        (add, r"1 extra.*extra layers/dense_2/vars/0: received \(3,\) float32"),
        (link, "contain a link"),
        (bomb, "size that the file cannot hold"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, change, message):
    path = changed(tmp_path, members=weights_with(change))
    with pytest.raises(FileFormatError, match=f"(?s){message}") as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_legacy_weights_that_do_not_fit():
    model = keratin.Sequential([keratin.Input((8,)), layers.Dense(15), layers.Dense(3)])
    with pytest.raises(
        FileFormatError,
        match=r"(?s)3 of another shape.*dense/sequential/dense/kernel.*expected \(8, 15\) float32; received \(8, 16\)",
    ):
        model.load_weights(SAMPLES / "mlp.h5")


def test_damaged_weights_are_found_by_the_checksum(tmp_path):
    content = bytearray((SAMPLES / "mlp.keras").read_bytes())
    start = content.index(b"\x89HDF")
    content[start + 10000] ^= 1
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="(?s)damaged.*model.weights.h5"):
        load_model(path)


def test_sharded_weights_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="(?s)sharded"):
        small().load_weights(tmp_path / "x.weights.json")
