"""A page to play with as a notebook's widget: both sides change its text, rate, epoch and weights.

The page packs its state as for its address, and this one text is exchanged; what Python reads and
sets is unpacked from it and packed into it. Knows no JavaScript but the widget's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from math import isfinite, prod
from typing import Any

import numpy as np
from anywidget import AnyWidget
from numpy.typing import NDArray
from traitlets import Dict, Float, Int, Unicode, observe, validate

from gradbook.errors import LimitError, ShapeError, UsageError, did_you_mean
from gradbook.graph.node import Array, Node
from gradbook.graph.reference import Values
from gradbook.lab.problem import order_samples
from gradbook.layers import Role
from gradbook.looks import look
from gradbook.net import Net, Sample
from gradbook.net.lower import scalar_step
from gradbook.net.step import drawn, follow
from gradbook.report.play_page import builds, layers_text, play_page
from gradbook.targets.page.page_address import PageState, pack, unpack
from gradbook.targets.page.page_content import MOST_SAMPLES, content

MOST_EPOCHS = 20_000  # trained at once; the page itself has no limit


class NetworkPage(AnyWidget):
    """A page to play with in a notebook's cell. `play` makes one.

    Setting an attribute changes the page, and what the reader changes there can be read here as
    soon as the page pauses. `observe` reports both.

    Attributes:
        text: The network in the text form. Setting it starts anew with the weights of this text.
        rate: The learning rate η.
        epoch: The current epoch, from 1. Setting it trains the network up to there, from the
            start if that is an earlier epoch.
        batch: The number of samples per update; 0 for all of them.
        weights: Every parameter by its name. Set some of them, or all.
        state: The page's whole state as text, as in its address after `#n=`.
        height: The cell's height in pixels.
    """

    _esm = files("gradbook").joinpath("web", "notebook", "widget.js").read_text("utf-8")
    _page = Unicode().tag(sync=True)
    state = Unicode().tag(sync=True)
    height = Int().tag(sync=True)
    text = Unicode()
    rate = Float()
    epoch = Int(1)
    batch = Int()
    weights = Dict()

    def __init__(self, net: Net, height: int) -> None:
        self._following = True
        self._made_of = _Network(net)
        self._now = self._made_of.beginning()
        page = play_page(net, in_notebook=True)
        super().__init__(_page=page, height=height, **self._made_of.seen(self._now))
        self._following = False

    @property
    def net(self) -> Net:
        """The network as it is now: with these weights, this rate and these samples."""
        return self._made_of.at(self._now)

    @property
    def loss(self) -> float:
        """The error of all samples, with the weights as they are."""
        return self._made_of.loss(self._now)

    def _repr_svg_(self) -> str:
        """A picture for viewers that show no widgets, such as a code host."""
        return look("Net as svg", self.net)

    # What the page did ----------------------------------------------------------

    @observe("state")
    def _follow_page(self, change: Mapping[str, Any]) -> None:
        if not self._following:
            settings = unpack(change["new"])
            made_of = self._made_of
            if settings.text != self._now.text:
                made_of = _Network(made_of.read(settings.text))
            made_of.require(settings)
            self._made_of = made_of
            with self._quiet():
                self._take(settings)

    # What Python wants ----------------------------------------------------------

    @validate("text")
    def _read_text(self, proposal: Mapping[str, Any]) -> str:
        text: str = proposal["value"]
        if not self._following and text != self._now.text:
            self._made_of.read(text)
        return text

    @validate("rate")
    def _check_rate(self, proposal: Mapping[str, Any]) -> float:
        rate = float(proposal["value"])
        if not isfinite(rate):
            raise UsageError(f"a learning rate is a finite number, not {rate}")
        return rate

    @validate("epoch")
    def _check_epoch(self, proposal: Mapping[str, Any]) -> int:
        epoch = int(proposal["value"])
        if epoch < 1:
            raise UsageError(f"epochs count from 1: {epoch} isn't one")
        if not self._following and epoch - self._now.epoch > MOST_EPOCHS:
            raise LimitError(
                f"epoch {epoch:,} is more than {MOST_EPOCHS:,} epochs away: set a nearer one first"
            )
        return epoch

    @validate("batch")
    def _check_batch(self, proposal: Mapping[str, Any]) -> int:
        batch = int(proposal["value"])
        if batch < 0:
            raise UsageError(f"a batch has at least 1 sample, or 0 for all of them, not {batch}")
        return batch

    @validate("weights")
    def _check_weights(self, proposal: Mapping[str, Any]) -> dict[str, float]:
        given: dict[str, float] = proposal["value"]
        if self._following:
            return given
        known: dict[str, float] = self._made_of.seen(self._now)["weights"]
        return known | {name: _weight(name, given[name], known) for name in given}

    @observe("text", "rate", "epoch", "batch", "weights")
    def _follow_python(self, change: Mapping[str, Any]) -> None:
        name, value = change["name"], change["new"]
        if self._following or (name == "text" and value == self._now.text):
            return
        match name:
            case "text":
                self._made_of = _Network(self._made_of.read(value, self._now.samples))
                state = replace(self._made_of.beginning(), text=value)
            case "epoch":
                state = self._made_of.trained(self._now, value)
            case "weights":
                state = self._made_of.weighed(self._now, value)
            case _:
                state = replace(self._now, **{name: value})
        with self._quiet():
            self.state = pack(state)
            self._take(state)

    def _take(self, state: PageState) -> None:
        self._now = state
        for name, value in self._made_of.seen(state).items():
            setattr(self, name, value)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Send nothing while this side follows a change."""
        self._following = True
        try:
            yield
        finally:
            self._following = False


def _weight(name: str, value: object, known: Mapping[str, float]) -> float:
    if name not in known:
        raise UsageError(f"this network has no weight {name!r}{did_you_mean(name, known)}")
    if not isinstance(value, int | float | np.number) or not isfinite(value):
        raise UsageError(f"{name} is a finite number, not {value!r}")
    return float(value)


class _Network:
    """A network, and which of its values the numbers of a page's state are."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.samples = content(net).start_net.samples
        self.step = scalar_step(net, MOST_SAMPLES)
        self.leaves = list(self.step.start)  # in the order of a state's numbers

    def read(self, text: str, samples: tuple[Sample, ...] = ()) -> Net:
        """The network of another text, if a page can show it, with its own samples or given
        ones."""
        net = Net.parse(text)
        if not builds(self.net) or not builds(net):
            raise LimitError(
                "the text of a network of this size can't be changed on a page: make another page"
            )
        if net.table:
            raise UsageError("a page can't open a file: give the samples themselves")
        sizes = (prod(net.input), prod(net.shapes[-1]))
        fits = all((len(it.inputs), len(it.targets)) == sizes for it in samples)
        return net if net.samples or not fits else net.with_samples(samples)

    def beginning(self) -> PageState:
        """The state of a page that was just opened."""
        start = tuple(float(value) for value in self.step.start.values())
        text = layers_text(self.net).rstrip()
        return PageState(text, self.net.learning_rate, 1, start, start, self.samples)

    def require(self, state: PageState) -> None:
        """Refuse a state of another network."""
        if not len(state.start) == len(state.values) == len(self.leaves):
            raise ShapeError("the state belongs to another network than the text")

    def seen(self, state: PageState) -> dict[str, Any]:
        """The values of the widget's traits, by name."""
        weights = {str(node.name): value for node, value in self._weights(state)}
        plain = {name: getattr(state, name) for name in ("text", "rate", "epoch", "batch")}
        return {**plain, "weights": weights}

    def weighed(self, state: PageState, weights: Mapping[str, float]) -> PageState:
        """The state with other weights; before the first step, training starts from them."""
        values = tuple(
            weights.get(str(node.name), value)
            for node, value in zip(self.leaves, state.values, strict=True)
        )
        start = values if state.epoch == 1 else state.start
        return replace(state, values=values, start=start)

    def trained(self, state: PageState, epoch: int) -> PageState:
        """The state at another epoch, computed by the reference; an earlier one, from the start."""
        if epoch < state.epoch:
            state = replace(state, epoch=1, values=state.start)
        with np.errstate(all="ignore"):  # a diverging training overflows
            for taken in range(state.epoch - 1, epoch - 1):
                state = replace(state, epoch=taken + 2, values=self._epoch(state, taken))
        return state

    def _epoch(self, state: PageState, taken: int) -> tuple[float, ...]:
        """The values after one more epoch, trained as on the page and in the engines."""
        batch, count = state.batch, len(state.samples)
        mixes = any(layer.mixes_samples for layer in self.net.layers)
        if not 0 < batch < count or (mixes and (batch == 1 or count % batch == 1)):
            batch = count  # also if a layer that mixes samples would get a batch of one
        order = np.arange(count)
        order = order if batch == count else order_samples(self.net.seed, taken, order)
        batches = [order[k : k + batch] for k in range(0, count, batch)]
        (last,) = deque(self._follow(state, taken, batches), maxlen=1)
        return tuple(float(last[self.step.next[leaf]]) for leaf in self.leaves)

    def loss(self, state: PageState) -> float:
        everything = [np.arange(len(state.samples))]
        (values,) = self._follow(state, state.epoch - 1, everything)
        return float(values[self.step.loss])

    def at(self, state: PageState) -> Net:
        found: dict[Role, list[float]] = {}
        for node, value in self._weights(state):
            assert node.name
            found.setdefault(Role(node.name.stem), []).append(value)
        start = {role: tuple(values) for role, values in found.items()}
        return replace(self.net, samples=state.samples, start=start, rate=state.rate)

    def _weights(self, state: PageState) -> Iterator[tuple[Node, float]]:
        weights = set(self.step.weights)
        pairs = zip(self.leaves, state.values, strict=True)
        return ((node, value) for node, value in pairs if node in weights)

    def _follow(
        self, state: PageState, taken: int, batches: Iterable[NDArray[np.int64]]
    ) -> Iterator[Values]:
        """The values at each update of one epoch, after so many earlier ones."""
        start = dict(zip(self.leaves, map(np.asarray, state.values), strict=True))
        given = (self._batch(state.samples, taken, chosen) for chosen in batches)
        return follow(self.step, given, state.rate, start=start)

    def _batch(
        self, samples: tuple[Sample, ...], taken: int, chosen: NDArray[np.int64]
    ) -> dict[Node, Array]:
        """The values of these samples, and the masks drawn for them."""
        inputs, targets = (
            np.array([getattr(samples[k], part) for k in chosen]).T
            for part in ("inputs", "targets")
        )
        columns = zip((*self.step.inputs, *self.step.targets), (*inputs, *targets), strict=True)
        return dict(columns) | drawn(self.step.masks, self.net.seed, taken, chosen)
