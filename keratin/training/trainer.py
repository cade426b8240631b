"""`compile`, `fit`, `evaluate`, `predict`, and the steps behind them, which a model may replace."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from keratin import dtypes, ops, optimizers, registry, tree
from keratin import metrics as metrics_module
from keratin.backends import select, spec, symbolic
from keratin.backends.symbolic import KerasTensor
from keratin.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from keratin.data.sources import ArraySource, StreamSource, as_source
from keratin.errors import ArgumentError, DataError, StateError, UnknownArgumentError
from keratin.layers.base import Layer
from keratin.losses.checks import check_targets
from keratin.ops import mechanism
from keratin.ops.mechanism import Tensor
from keratin.state.seed import make_seed
from keratin.state.transforms import value_and_grad
from keratin.training import progress
from keratin.training.callbacks.container import CallbackList
from keratin.training.heads import CompiledLoss, CompiledMetrics, head_names, per_head
from keratin.training.loop import Feed, Loop
from keratin.training.program import CallProgram, EagerProgram, StepProgram
from keratin.training.pure_steps import takes_state, with_state


class Trainer(Layer):
    """What a model needs to be trained.  `Model` derives from it."""

    compiled: bool
    stop_training: bool
    optimizer: Any
    loss: Any
    _training: _Training

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self.__dict__.update(compiled=False, stop_training=False, optimizer=None, loss=None, _training=_Training())
        return self

    # ---- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, a loss or a function of (y_true, y_pred); several as a list or dict by output.
            loss_weights: factors of the losses, as a list or dict by output.
            metrics: names, metrics or functions; by output in a list of lists or a dict.
            weighted_metrics: likewise, taking sample and class weights into account.
            run_eagerly: whether steps run uncompiled, for debugging.
            steps_per_execution: how often callbacks that want every batch are called. Many steps run in one dispatch
                anyway where none does.
            jit_compile: whether a backend with several ways to run uses its compiler.
            auto_scale_loss: whether a loss scale is used in mixed_float16.

        Raises: UnknownArgumentError for another argument; ArgumentError for values out of range.
        """
        if kwargs:
            raise UnknownArgumentError("`compile` has no such argument.", where=self.name, received=", ".join(kwargs))
        if not isinstance(steps_per_execution, int) or isinstance(steps_per_execution, bool) or steps_per_execution < 1:
            raise ArgumentError(
                "`steps_per_execution` must be an integer >= 1.", where=self.name, received=steps_per_execution
            )
        chosen = optimizers.get(optimizer)
        if auto_scale_loss and chosen is not None and self.dtype_policy.name == "mixed_float16":
            chosen = (
                chosen if isinstance(chosen, optimizers.LossScaleOptimizer) else optimizers.LossScaleOptimizer(chosen)
            )
        self.optimizer = chosen
        self.loss, self.run_eagerly, self.jit_compile = loss, bool(run_eagerly), jit_compile
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self._training = _Training(
            loss=CompiledLoss(loss, loss_weights, self.name) if loss is not None else None,
            metrics=CompiledMetrics(metrics, weighted_metrics, self.name),
            tracker=metrics_module.Mean(name="loss"),
            given={
                "optimizer": self.optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly, "jit_compile": jit_compile,
                "steps_per_execution": steps_per_execution,
            },
        )  # fmt: skip
        self.compiled = True

    run_eagerly: bool = False
    jit_compile: bool | str = "auto"
    steps_per_execution: int = 1

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, as plain data; None if the model was not compiled."""
        if not self.compiled:
            return None
        config = registry.to_config(self._training.given)
        config["jit_compile"] = bool(self.jit_compile)
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` gave, and make the optimizer's slots."""
        given = {key: registry.deserialize(value) for key, value in config.items()}
        if given.get("jit_compile") is True:  # files have what "auto" meant to the engine that wrote them
            given["jit_compile"] = "auto"
        self.compile(**given)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _need_compiled(self, method: str) -> None:
        if not self.compiled:
            raise StateError(
                f"`{method}` needs a compiled model.",
                where=self.name,
                hint='call `model.compile(optimizer="adam", loss=...)` first',
            )

    # ---- steps

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on a batch: gradients, update, metrics.  A model may replace it; it is compiled all the same.

        A replacement may be written in any of four styles: once for all backends, with `keratin.value_and_grad`; as a
        pure function `train_step(self, state, data)` that returns (logs, state), as Keras has it for JAX; with a
        gradient tape of TensorFlow; with `loss.backward()` of PyTorch.

        Args: data: (x, y, sample_weight), or fewer of them.
        Returns: logs, a dict of scalars.
        """
        self._train_update(data)
        return self.get_metrics_result()

    def _train_update(self, data: Any) -> Tensor:
        x, y, sample_weight = unpack_x_y_sample_weight(data)

        def objective() -> tuple[Tensor, tuple[Tensor, Any]]:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            if loss is None:
                raise StateError(
                    "There is nothing to minimize: the model has no loss.",
                    where=self.name,
                    hint="pass `loss` to `compile`, or use `add_loss` in a layer",
                )
            return self.optimizer.scale_loss(loss), (loss, y_pred)

        (_, (loss, y_pred)), gradients = value_and_grad(objective, self.trainable_variables, has_aux=True)()
        self._track_loss(loss, x)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.compute_metrics(x, y, y_pred, sample_weight)
        return loss

    def _track_loss(self, loss: Tensor, x: Any) -> None:
        if self._training.tracker is not None:
            first = next(leaf for leaf in tree.flatten(x) if leaf is not None)
            self._training.tracker.update_state(loss, sample_weight=ops.shape(first)[0])

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate` on a batch.  A model may replace it."""
        self._test_update(data)
        return self.get_metrics_result()

    def _test_update(self, data: Any) -> Tensor | None:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        if loss is not None:
            self._track_loss(loss, x)
        self.compute_metrics(x, y, y_pred, sample_weight)
        return loss

    def predict_step(self, data: Any) -> Any:
        """One step of `predict` on a batch.  A model may replace it."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor | None:
        """The total loss: those of `compile`, and those that layers added.  A model may replace it."""
        total = None
        compiled = self._training.loss
        if compiled is not None:
            compiled.build(head_names(y_pred, self._declared_outputs()))
            total = compiled(y, y_pred, sample_weight)
        for loss in self.losses:
            loss = mechanism.convert(loss)
            total = loss if total is None else total + mechanism.convert(loss, mechanism.dtype_of(total))
        return total

    def stateless_compute_loss(
        self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any, x: Any = None,
        y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True,
    ) -> Any:  # fmt: skip
        """`compute_loss` as a pure function: the loss and the new values of the three groups."""
        from keratin.state.scope import Scope

        groups = [
            self.trainable_variables,
            self.non_trainable_variables,
            self.metrics_variables,
        ]
        given = [trainable_variables, non_trainable_variables, metrics_variables]
        pairs = [pair for group, values in zip(groups, given, strict=True) for pair in zip(group, values, strict=True)]
        with Scope(pairs) as scope:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training)
        return loss, tuple([scope.values[v] for v in group] for group in groups)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the metrics of `compile` with a batch, and return all results.  A model may replace it."""
        compiled = self._training.metrics
        if compiled is not None and y is not None:
            compiled.build(head_names(y_pred, self._declared_outputs()), y, y_pred)
            compiled.update(y, y_pred, sample_weight)
        return self.get_metrics_result() if type(self).compute_metrics is not Trainer.compute_metrics else {}

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        logs: dict[str, Any] = {}
        compiled = self._training.metrics
        own = set(map(id, compiled.metrics)) if compiled is not None else set()
        for metric in self.metrics:
            if id(metric) in own:
                continue
            value = metric.result()
            logs.update(value if isinstance(value, dict) else {metric.name: value})
        if compiled is not None:
            logs.update(compiled.result())
        return logs

    @property
    def metrics(self) -> list[Any]:
        """The running loss, the losses of the heads, the metrics of `compile`, and those that layers hold."""
        training = self._training
        found = (
            [training.tracker] if training.tracker is not None and (training.loss is not None or self.compiled) else []
        )
        if training.loss is not None:
            found += training.loss.metrics
        if training.metrics is not None:
            found += training.metrics.metrics
        found += super().metrics
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """Names of the metrics."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    def _declared_outputs(self) -> list[str] | None:
        return getattr(self, "output_names", None) if self._has_graph() else None

    def _has_graph(self) -> bool:
        return "_outputs_flat" in self.__dict__ or self.__dict__.get("_functional") is not None

    # ---- fit

    @progress.tidy
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Iterable[int] = 1,
    ) -> Any:
        """Train.

        Args:
            x: arrays (or a list, tuple or dict of them by input), or batches: a generator, `PyDataset`, data loader.
            y: targets, arrays by output; not with batches, which hold them.
            batch_size: rows per step, 32 by default.
            epochs: the number of the last epoch plus one.
            verbose: 1 a progress bar, 2 a line per epoch, 0 nothing, "auto" 1.
            callbacks: one or a list.
            validation_split: which share of the rows, the last ones, is kept for validation.
            validation_data: (x, y), (x, y, sample_weight), or batches.
            shuffle: whether rows are shuffled before each epoch.
            class_weight: a dict from class to weight.
            sample_weight: a weight per row.
            initial_epoch: the number of the first epoch.
            steps_per_epoch, validation_steps: batches per epoch; None for all.
            validation_batch_size: rows per validation step.
            validation_freq: every how many epochs to validate, or the numbers (from 1) of those to validate after.

        Returns: a `History`, whose `history` has the logs of the epochs.
        Raises: StateError before `compile`; DataError, ShapeError, ArgumentError for data that does not fit.
        """
        self._need_compiled("fit")
        training_data, held_out = self._sources(
            x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch, validation_split, validation_data
        )
        if validation_data is not None:
            held_out = _validation_source(validation_data, validation_batch_size or batch_size, validation_steps)
        elif held_out is not None and validation_batch_size is not None:
            held_out = held_out.rebatched(validation_batch_size)
        self._settle(training_data, "fit", training=True)
        feed = Feed(training_data, self._programs("train"), steps_per_epoch)
        validation = None
        if held_out is not None:
            self._settle(held_out, "validation data", training=True)
            validation = Feed(held_out, self._programs("test"), validation_steps)
        listeners = CallbackList.of(
            callbacks, model=self, verbose=verbose, epochs=epochs, initial_epoch=initial_epoch, steps=feed.steps,
            history=True, **_sizes(training_data),
        )  # fmt: skip
        loop = Loop("train", feed, listeners, self.steps_per_execution, lambda: self.stop_training)
        quiet = CallbackList.of(listeners.for_tests(), model=self, verbose=0) if validation is not None else None
        seed = make_seed() if shuffle else 0
        self.stop_training = False
        logs: dict[str, Any] = {}
        listeners.on_train_begin()
        metrics = self.metrics if type(self).reset_metrics is Trainer.reset_metrics else None
        for epoch in range(initial_epoch, epochs):
            if metrics is None:
                self.reset_metrics()
            else:
                for metric in metrics:
                    metric.reset_state()
            listeners.on_epoch_begin(epoch)
            feed.program_for = self._programs("train")  # callbacks may have frozen layers, or given a schedule
            logs = loop.run(epoch, seed)
            if validation is not None and _validates(validation_freq, epoch):
                checked = self._test(validation, quiet, validation_steps)
                logs = {**logs, **{f"val_{name}": value for name, value in checked.items()}}
            listeners.on_epoch_end(epoch, logs)
            if self.stop_training or (isinstance(training_data, StreamSource) and training_data.exhausted):
                break
        self.optimizer.finalize_variable_values(self.trainable_variables)
        listeners.on_train_end(logs)
        return self.history

    history: Any = None

    @progress.tidy
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data.

        Args: as `fit`'s; `return_dict` gives {name: value} in place of a list.
        Returns: a float if there is the loss alone, else a list in the order of `metrics_names`.
        """
        if kwargs:
            raise UnknownArgumentError("`evaluate` has no such argument.", where=self.name, received=", ".join(kwargs))
        self._need_compiled("evaluate")
        source = as_source(x, y, sample_weight, batch_size=batch_size, steps=steps, where="evaluate")
        self._settle(source, "evaluate", training=True)
        feed = Feed(source, self._programs("test"), steps)
        listeners = CallbackList.of(
            callbacks, model=self, verbose=verbose, epochs=1, steps=feed.steps, kind="test", **_sizes(source)
        )
        logs = self._test(feed, listeners, steps)
        return _returned(logs, return_dict)

    def _test(self, feed: Feed, listeners: Any, steps: int | None) -> dict[str, Any]:
        self.reset_metrics()
        loop = Loop("test", feed, listeners, self.steps_per_execution, lambda: False)
        listeners.on_test_begin()
        feed.position = 0
        logs = loop.run(0, 0)
        listeners.on_test_end(logs)
        return logs

    # ---- predict

    @progress.tidy
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for data, as NumPy arrays.

        Args: as `fit`'s.
        Shape: the outputs' shapes, with the rows of all batches along the first axis.
        """
        if (
            type(x) is np.ndarray
            and callbacks is None
            and steps is None
            and verbose == 0
            and 0 < len(x) <= (batch_size or 32)
        ):
            program = self._training.quick.get((x.shape, x.dtype))
            if program is not None and program.is_current(self):
                return program.to_host([select.current().borrow_host(x)])
        source = as_source(x, batch_size=batch_size, steps=steps, where="predict")
        self._settle(source, "predict", training=False)
        feed = Feed(source, self._predict_programs(x), steps)
        listeners = CallbackList.of(
            callbacks, model=self, verbose=verbose, epochs=1, steps=feed.steps, kind="predict", **_sizes(source)
        )
        every_batch = listeners.wants_batches("predict")
        listeners.on_predict_begin()
        rows: list[list[np.ndarray[Any, Any]]] = []
        structure: Any = None
        for segment in feed.epoch(0, 0):
            for step in range(segment.first, segment.first + segment.count):
                if every_batch:
                    listeners.batch_begin("predict", step + segment.offset)
                outputs = segment.program.rows_of(segment.arrays, step)
                flat, structure = tree.flatten_with_treedef(outputs)
                rows.append(flat)
                listeners.progress("predict", step + segment.offset, {})
                if every_batch:
                    listeners.batch_end("predict", step + segment.offset, {"outputs": outputs})
        listeners.on_predict_end({})
        if not rows:
            raise DataError("There was no data to predict.", where=self.name)
        columns = [
            np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in map(list, zip(*rows, strict=True))
        ]
        return tree.unflatten(structure, columns)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        return self.predict(x, batch_size=len(tree.flatten(x)[0]), verbose=0)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One training step on a batch, and the loss and metrics of this batch alone."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool) -> Any:
        self._need_compiled(f"{kind}_on_batch")
        leaves = [leaf for leaf in tree.flatten(x) if leaf is not None]
        source = as_source(
            x, y, sample_weight, batch_size=max(1, len(leaves[0])), class_weight=class_weight, where=f"{kind}_on_batch"
        )
        self._settle(source, f"{kind}_on_batch", training=True)
        self.reset_metrics()
        segment = next(iter(Feed(source, self._programs(kind), None).epoch(0, 0)))
        logs, _ = segment.program.run(segment.arrays, segment.order, segment.first, segment.first + 1)
        return _returned(logs, return_dict)

    # ---- programs

    def make_train_function(self, force: bool = False) -> Callable[..., Any]:
        """Kept for Keras's name: what finds the compiled training programs; `force` drops those that exist."""
        if force:
            self._training.programs.clear()
        return self._programs("train")

    def make_test_function(self, force: bool = False) -> Callable[..., Any]:
        """Likewise for `evaluate`."""
        if force:
            self._training.programs.clear()
        return self._programs("test")

    def make_predict_function(self, force: bool = False) -> Callable[..., Any]:
        """Likewise for `predict`."""
        if force:
            self._training.programs.clear()
            self._training.quick.clear()
        return self._predict_programs(None)

    @property
    def _optimize(self) -> bool | None:
        """Whether the backend's optimizing compiler is wanted; None leaves it to the backend."""
        return None if self.jit_compile == "auto" else bool(self.jit_compile)

    def _programs(self, kind: str) -> Callable[..., Any]:
        """What gives the program of a step for batches of one shape, compiled once."""
        replaced = getattr(type(self), f"{kind}_step") is not getattr(Trainer, f"{kind}_step")
        replaced = (
            replaced
            or type(self).compute_metrics is not Trainer.compute_metrics
            or type(self).get_metrics_result is not Trainer.get_metrics_result
        )
        update = self._train_update if kind == "train" else self._test_update
        custom: Any = self.train_step if kind == "train" else self.test_step
        if replaced and takes_state(custom):
            custom = with_state(self, kind, custom)

        def whole(batch: Any) -> tuple[Any, Any]:
            logs = _as_logs(custom(pack_x_y_sample_weight(*batch)), kind, self.name)
            return logs.get("loss"), logs

        def plain(batch: Any) -> tuple[Any, Any]:
            return update(batch), {}

        step, results = (whole, None) if replaced else (plain, self.get_metrics_result)
        decides = (
            kind,
            self.run_eagerly,
            self._optimize,
            tuple((v.trainable, v.frozen) for v in self.weights),
            self.optimizer.signature() if self.optimizer is not None else None,
        )
        make = EagerProgram if self.run_eagerly else StepProgram

        def program_for(structure: Any, specs: list[spec.Spec], gather: bool, stride: int) -> Any:
            key = (decides, structure, tuple(specs), gather, stride)
            program = self._training.programs.get(key)
            if program is None:
                scalar_logs = results is not None  # the step's own logs may have the size of the batch
                like = self._training.programs.get((decides, structure)) if scalar_logs else None
                program = make(step, structure, specs, gather, stride, results, like, self._optimize)
                self._training.programs[key] = self._training.programs[decides, structure] = program
            return program

        return program_for

    def _predict_programs(self, x: Any) -> Callable[..., Any]:
        step: Any = self.predict_step
        if takes_state(step):
            step = with_state(self, "predict", step)

        def predict(batch: Any) -> Any:
            return step(pack_x_y_sample_weight(*batch))

        def program_for(structure: Any, specs: list[spec.Spec], gather: bool, stride: int) -> Any:
            key = ("predict", self.run_eagerly, structure, tuple(specs), stride)
            program = self._training.programs.get(key)
            if program is None or not program.is_current(self):
                program = self._training.programs[key] = CallProgram(
                    predict, structure, specs, stride, self, self.run_eagerly, self._optimize
                )
            if type(x) is np.ndarray and len(x) == specs[0].shape[0]:
                self._training.quick[x.shape, x.dtype] = program
            return program

        return program_for

    # ---- data meets model

    def _sources(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: Any,
        shuffle: Any,
        class_weight: Any,
        steps: Any,
        split: float,
        validation_data: Any,
    ) -> tuple[Any, Any]:
        source = as_source(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            class_weight=class_weight,
            steps=steps,
            where="fit",
        )
        if split and validation_data is None:
            return source.split(split)
        return source, None

    def _settle(self, source: Any, where: str, *, training: bool) -> None:
        """Make every variable, from the shapes of the first batch, and check the data against the model."""
        x, y, sample_weight = unpack_x_y_sample_weight(source.peek())
        symbols = [tree.map_structure(_symbol, part) if part is not None else None for part in (x, y, sample_weight)]
        key = (where if training else "predict", str(symbols))
        state = self._training
        if key not in state.settled:
            y_pred = self._symbolic_outputs(symbols[0])
            if training:
                self._settle_training(symbols[1], y_pred)
            state.settled[key] = y_pred
        if training:
            _check_finite(x, where)
            self._check_targets(source, y, state.settled[key], where)

    def _symbolic_outputs(self, x: Any) -> Any:
        if type(self).call is Layer.call:
            return None
        with symbolic.symbolic_mode():
            return self(x)

    def _step_replaced(self, kind: str) -> bool:
        return getattr(type(self), f"{kind}_step") is not getattr(Trainer, f"{kind}_step")

    def _settle_training(self, y: Any, y_pred: Any) -> None:
        if y_pred is not None:
            self._name_heads(y, y_pred)
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _name_heads(self, y: Any, y_pred: Any) -> None:
        """Make the metrics of `compile`, so that a step finds them; a step of one's own may have other targets."""
        state = self._training
        try:
            names = head_names(y_pred, self._declared_outputs())
            if state.loss is not None and type(self).compute_loss is Trainer.compute_loss:
                state.loss.build(names)
            if state.metrics is not None and y is not None and type(self).compute_metrics is Trainer.compute_metrics:
                state.metrics.build(names, y, y_pred)
        except (ArgumentError, DataError):  # the targets of such a step need not be those of the outputs
            if not self._step_replaced("train"):
                raise

    def _check_targets(self, source: Any, y: Any, y_pred: Any, where: str) -> None:
        loss = self._training.loss
        if (
            loss is None
            or y is None
            or y_pred is None
            or loss.names is None
            or self._step_replaced("train")
            or type(self).compute_loss is not Trainer.compute_loss
        ):
            return
        full = y
        if isinstance(source, ArraySource):
            _, full, _ = unpack_x_y_sample_weight(tree.unflatten(source.structure, source.arrays))
        targets = per_head(full, loss.names, "y", self.name, shared=False, strict=False)
        for name, function, target, prediction in zip(
            loss.names, loss.functions, targets, tree.flatten(y_pred), strict=True
        ):
            if function is None:
                continue
            if target is None:
                raise DataError(
                    "An output has a loss but no target.",
                    where=f"{where}, output `{name}`",
                    expected="a target in `y`",
                    received=None,
                )
            label = f"{where}: y" if len(loss.names) == 1 else f"{where}: y for output `{name}`"
            for text in check_targets(function, target, tuple(prediction.shape), label):
                warnings.warn(text, stacklevel=4)


class _Training:
    """What `compile` set up."""

    def __init__(
        self, loss: Any = None, metrics: Any = None, tracker: Any = None, given: dict[str, Any] | None = None
    ) -> None:
        self.loss: CompiledLoss | None = loss
        self.metrics: CompiledMetrics | None = metrics
        self.tracker = tracker
        self.given = given or {}
        self.programs: dict[Any, Any] = {}
        self.quick: dict[Any, Any] = {}
        self.settled: dict[Any, Any] = {}


def _symbol(array: Any) -> Any:
    if array is None:
        return None
    if getattr(array, "dtype", None) is not None and array.dtype.kind in "OUS":
        return array
    return KerasTensor((None, *np.shape(array)[1:]), mechanism.canonical(dtypes.standardize(array.dtype)))


def _check_finite(x: Any, where: str) -> None:
    """Warn of NaN in the first batch of the inputs; the loop watches the loss of all others."""
    for path, array in tree.flatten_with_path(x):
        values = np.asarray(array) if array is not None else None
        if values is not None and values.dtype.kind == "f" and not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            label = "x" + "".join(f"[{part!r}]" for part in path)
            warnings.warn(
                f"`{label}` in {where} holds NaN or infinite values in its first batch (row {row}).", stacklevel=5
            )


def _as_logs(result: Any, kind: str, where: str) -> dict[str, Any]:
    if result is None:
        return {}
    if not isinstance(result, dict):
        raise StateError(
            f"`{kind}_step` must return a dict of scalars.", where=where, expected='{"loss": …}', received=type(result)
        )
    return result


def _validation_source(data: Any, batch_size: int | None, steps: int | None) -> Any:
    if isinstance(data, list | tuple):
        if not 1 <= len(data) <= 3:
            raise DataError(
                "`validation_data` has the wrong length.",
                where="fit",
                expected="(x, y) or (x, y, sample_weight)",
                received=len(data),
            )
        x, y, sample_weight = (*data, None, None)[:3]
        return as_source(x, y, sample_weight, batch_size=batch_size, steps=steps, where="validation data")
    return as_source(data, steps=steps, where="validation data")


def _sizes(source: Any) -> dict[str, Any]:
    """Rows in an epoch and in a batch, for the progress bar."""
    return {"samples": source.rows, "batch_size": source.batch_size} if isinstance(source, ArraySource) else {}


def _validates(frequency: Any, epoch: int) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _returned(logs: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
