"""Models that Keras and Keratin make from the same lines: `keras` is either package."""

import numpy as np


def sequential(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation="relu", use_bias=False),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(4, activation="softmax"),
        ]
    )


def functional(keras):
    layers = keras.layers
    shared = layers.Dense(5, activation="tanh")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    tower = keras.Sequential([keras.Input((5,)), layers.Dense(5), layers.LayerNormalization()], name="tower")
    x = layers.Add()([shared(a), tower(shared(b))])
    y = layers.Dense(2, name="first")(x)
    z = layers.Dense(1, name="second")(layers.Concatenate()([x, a]))
    return keras.Model({"a": a, "b": b}, [y, z])


def make_block(keras):
    layers = keras.layers

    @keras.saving.register_keras_serializable("both")
    class Block(layers.Layer):
        """Layers in attributes, lists, tuples and dicts, nested, with names on both sides of `layers`."""

        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.zeta = layers.Dense(units)
            self.alpha = layers.Dense(units)
            self._hidden = layers.Dense(units)
            self.many = [layers.Dense(units), layers.LayerNormalization(), layers.Dense(units), self.zeta]
            self.nest = {
                "v": [layers.Dense(units), (layers.Dense(units), [layers.LayerNormalization()])],
                "a": layers.Dense(units),
            }

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, dtype="int32", name="count")
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
            for layer in self.all_layers():
                layer.build(input_shape)

        def all_layers(self):
            first, (second, (third,)) = self.nest["v"]
            return [self.zeta, self.alpha, self._hidden, *self.many[:3], first, second, third, self.nest["a"]]

        def call(self, x):
            for layer in self.all_layers():
                x = x + layer(x)
            return x * self.scale + self.bias

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Block


def subclassed(keras):
    layers, block = keras.layers, make_block(keras)

    @keras.saving.register_keras_serializable("both")
    class Net(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.zeta = layers.Dense(4)
            self.alpha = layers.Dense(4)
            self.blocks = [block(4), block(4)]
            self.inner = keras.Sequential([layers.Dense(4), layers.Dense(4)])

        def call(self, x):
            x = self.alpha(x)
            for one in self.blocks:
                x = one(x)
            return self.zeta(self.inner(x))

    return Net()


def half(keras):
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, dtype="bfloat16"), keras.layers.Dense(2, dtype="mixed_bfloat16")]
    )


def embedding(keras):
    layers = keras.layers
    tokens = keras.Input((4,), dtype="int32", name="tokens")
    x = layers.Flatten()(layers.Embedding(7, 3)(tokens))
    return keras.Model(tokens, layers.Dense(2)(layers.Activation("gelu")(layers.Reshape((2, 6))(x))))


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


# name: (function, inputs, optimizer)
MODELS = {
    "sequential": (sequential, lambda: random(3, 6, 6, 2), ("Adam", {})),
    "functional": (functional, lambda: {"a": random(3, 5), "b": random(3, 5) + 1}, ("SGD", {"momentum": 0.9})),
    "subclassed": (subclassed, lambda: random(3, 4), ("RMSprop", {"momentum": 0.5})),
    "half": (half, lambda: random(3, 3), None),
    "embedding": (embedding, lambda: np.arange(12).reshape(3, 4).astype("int32") % 7, ("AdamW", {})),
}


def trained(keras, name):
    """The model after one step on fixed data, and its inputs."""
    make, inputs, optimizer = MODELS[name]
    model, x = make(keras), inputs()
    outputs(model, x)
    if optimizer:
        model.compile(getattr(keras.optimizers, optimizer[0])(0.01, **optimizer[1]), loss="mse")
        step(model, x)
    return model, x


def step(model, x):
    """One step towards zero."""
    targets = [np.zeros_like(o) for o in outputs(model, x)]
    model.fit(x, targets if len(targets) > 1 else targets[0], epochs=1, batch_size=3, verbose=0)


def outputs(model, x):
    result = model(x, training=False)
    return [np.asarray(r).astype("float32") for r in (result if isinstance(result, list | tuple) else [result])]
