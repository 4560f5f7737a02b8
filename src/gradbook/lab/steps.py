"""A training that its caller drives: one update for each call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.arguments import number, one_of
from gradbook.builtin_networks import BUILTIN
from gradbook.engine.base import Engine
from gradbook.engine.engines import faster_kind, open_engine
from gradbook.errors import ShapeError, UsageError, did_you_mean, warn_caller
from gradbook.lab.arrays.read_arrays import plain_array, require_finite
from gradbook.lab.doubts import divergence
from gradbook.lab.models.table_columns import channels_first, spell_out
from gradbook.lab.problem import with_default_loss
from gradbook.looks import look
from gradbook.net import Net, builtin, parse
from gradbook.net.description import Task
from gradbook.net.trained import leaves_of_tensors

ENGINES = ("auto", "native", "plain")
LEAST_BATCH = 32  # for which the engine is opened first
FAR_ABOVE = 1000.0  # times the first batch's loss: batches differ more than epochs
STEPS = 1000  # of a training, to choose the engine for


class LayerArrays(MutableMapping[str, Any]):
    """Arrays by layer, dense1.weight, in PyTorch's shapes; a single one by its name, w5.

    Each is a copy; what is set is used from the next step on.
    """

    def __init__(self, steps: DrivenTraining, of_gradients: bool) -> None:
        self._steps, self._of_gradients = steps, of_gradients

    def __getitem__(self, name: str) -> Any:
        leaf, place = self._steps.find(name)
        arrays = self._arrays()
        if leaf not in arrays:
            raise KeyError(f"{name} isn't trained, so it has no gradient")
        array = arrays[leaf]
        return array if place is None else float(array.reshape(-1)[place])

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        if self._of_gradients:
            raise UsageError("gradients are computed: set a weight instead")
        leaf, place = self._steps.find(name)
        array = self._arrays()[leaf]
        values = np.asarray(value, np.float64)
        if place is not None:
            array.reshape(-1)[place] = float(values)
        elif values.shape != array.shape:
            raise ShapeError(f"{name} has the shape {array.shape}, not {values.shape}")
        else:
            array[...] = values
        self._steps.engine.restore({leaf: array})

    def __delitem__(self, name: str) -> None:
        raise UsageError(f"{name} can't be removed: it is part of the network")

    def __iter__(self) -> Iterator[str]:
        there = self._arrays()
        return (name for name, leaf in self._steps.leaves.items() if leaf in there)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        shapes = (f"{name} {self[name].shape}" for name in self)
        return f"<{'gradients' if self._of_gradients else 'weights'}: {', '.join(shapes)}>"

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        engine = self._steps.engine
        return engine.gradients() if self._of_gradients else engine.state()


class DrivenTraining:
    """A training that you drive: `step(x, y)` makes one update and returns the loss before it.

    Attributes:
        net: The network, with the loss that it is trained by.
        rate: The learning rate of the next step.
        weights: The weights by layer: `step.weights["dense1.weight"]` is an array, and can be set;
            `step.weights["w5"]` is a single one.
        gradients: Those of the last step, likewise.
    """

    def __init__(self, net: Net, rate: float, engine: str) -> None:
        self.net = net
        self.rate = rate
        self.leaves: Mapping[str, str] = leaves_of_tensors(net)
        self.weights = LayerArrays(self, of_gradients=False)
        self.gradients = LayerArrays(self, of_gradients=True)
        self._kind, self._count = engine, 0
        self._first_loss: float | None = None
        self._is_warned = False
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine, for batches of the size so far."""
        if self._engine is None:
            self._engine = self._opened(LEAST_BATCH)
        return self._engine

    def __call__(self, inputs: ArrayLike, targets: ArrayLike) -> float:
        """One update: rows of inputs, and the number of a class or the targets of each."""
        rows = self._rows(inputs)
        wanted = plain_array(targets, "the targets")
        if self._count == 0 and self.net.loss is None:
            whole = wanted.dtype.kind in "iu" and (wanted.ndim == 1 or self.net.outputs == 1)
            self._mean(Task.CLASSES if whole else Task.NUMBERS)
        wanted = self._wanted(wanted, len(rows))
        if self._engine is None or len(rows) > self._engine.batch:
            state = self._engine.state() if self._engine else {}
            self._engine = self._opened(max(len(rows), LEAST_BATCH))
            self._engine.restore(state)
        seed, count = self.net.seed, self._count
        loss = self._engine.step(rows, wanted, self.rate, seed=seed, epoch=count)
        self._count += 1
        if self._first_loss is None:
            self._first_loss = loss
        if not self._is_warned and (rise := divergence(self._first_loss, loss, FAR_ABOVE)):
            self._is_warned = True
            warn_caller(rise, RuntimeWarning)
        return loss

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """The network's outputs for rows of inputs, with the weights as they are."""
        return np.asarray(self.engine.predict(self._rows(inputs)), np.float64)

    def __repr__(self) -> str:
        name = self.net.name or "a network"
        return f"<{type(self).__name__} of {name}: {self._count:,} done, rate {self.rate:g}>"

    def _repr_html_(self) -> str:
        return look("DrivenTraining as html", self)

    def __getstate__(self) -> dict[str, Any]:
        """What is kept of it in a copy or a pickle: instead of the engine, its batch and arrays."""
        engine = self._engine
        kept = None if engine is None else (engine.batch, dict(engine.arrays))
        return {**vars(self), "_engine": kept}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        if kept := state["_engine"]:
            self._engine = self._opened(kept[0])
            self._engine.restore(kept[1])

    def find(self, name: str) -> tuple[str, int | None]:
        """The leaf of a name, and the place of a single weight in it."""
        if name in self.leaves:
            return self.leaves[name], None
        for parameter in self.net.parameters:
            names = list(parameter.names)
            if name in names:
                return str(parameter.leaf), names.index(name)
        hint = did_you_mean(name, self.leaves) or f": there are {', '.join(self.leaves)}"
        raise UsageError(f"no weights '{name}'{hint}")

    def _mean(self, task: Task) -> None:
        """Give the network the loss that the targets mean."""
        state = self._engine.state() if self._engine else {}
        self.net, _ = with_default_loss(self.net, task)
        self._engine = self._opened(LEAST_BATCH)
        self._engine.restore(state)

    def _opened(self, batch: int) -> Engine:
        kind = self._kind
        if kind == "auto":
            kind = faster_kind(self.net, batch, batch * STEPS, epochs=1)
        return open_engine(self.net, batch, kind=kind)

    def _rows(self, inputs: ArrayLike) -> NDArray[Any]:
        array, net = plain_array(inputs, "the inputs"), self.net
        if array.shape in (net.input, (int(np.prod(net.input)),)):
            array = array[None]  # a single sample
        require_finite(array, "the inputs")
        if net.tokens and array.shape[1:] == net.input[:1]:
            return spell_out(array.astype(np.float64), net.input[1]).reshape(-1, *net.input)
        return channels_first(array.astype(np.float64), net.input)

    def _wanted(self, targets: NDArray[Any], count: int) -> NDArray[Any]:
        if targets.ndim == 0 or (count == 1 and targets.shape == (self.net.outputs,)):
            targets = targets[None]
        if targets.ndim == 1 and self.net.outputs == 1:
            targets = targets[:, None]
        if targets.ndim > 1 or targets.dtype.kind not in "iu":
            targets = targets.astype(np.float64)
            require_finite(targets, "the targets")
        return targets


def steps(net: Net | str, rate: float | None = None, *, engine: str = "auto") -> DrivenTraining:
    """A training that you drive, one update for each call.

    Args:
        net: A network, its text, or the name of a built-in one. Without a loss it gets the one for
            classes if the targets are whole numbers, else the mean squared error.
        rate: The learning rate, by default the network's own; `step.rate` changes it.
        engine: 'plain' is NumPy in double precision, 'native' compiled C in single precision;
            'auto' takes C for networks that are large enough, if there is a compiler.

    >>> import gradbook as gb
    >>> step = gb.steps("input 2; dense 3; tanh; dense 1; sigmoid", rate=1.0)
    >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> losses = [step(x, y) for epoch in range(300)]
    >>> losses[-1] < losses[0] / 4
    True
    >>> step.weights["dense1.weight"].shape
    (3, 2)
    >>> step.weights["dense1.bias"] = [0, 0, 0]
    """
    if isinstance(net, str):
        net = builtin(net) if net in BUILTIN else parse(net)
    if not isinstance(net, Net):
        raise UsageError(f"net is a network, its text or its name, not {net!r}")
    start_rate = net.learning_rate if rate is None else number("the rate", rate)
    alone = replace(net, samples=(), table="", columns=(), classes=())
    return DrivenTraining(alone, start_rate, one_of("engine", engine, ENGINES))
