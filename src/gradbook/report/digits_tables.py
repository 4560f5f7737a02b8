"""The data of a page that reads pictures: a table of layers, and packed code, weights and images.

Knows what the page's scripts in `web/wasm/` read, and computes nothing itself.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BRIGHTEST, Dataset, Images, in_turns
from gradbook.engine.wasm import WasmModule, reached_names, shown_names, trainer, warping_table
from gradbook.errors import ShapeError, TargetError, UsageError
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.lab.images import adapt, for_fewer, numbers_trained_on, require_trainable
from gradbook.lab.models.model import Model, for_inputs
from gradbook.lab.problem import targets_for
from gradbook.lab.recipes import recipe as schedules
from gradbook.lab.recipes import recipe_text as texts
from gradbook.lab.recipes.recipe import BEST, SETTLING, UNWARPED, Recipe
from gradbook.layers import (
    LayerSite,
    Role,
)
from gradbook.net import Net
from gradbook.net.build import require_variance, training_step
from gradbook.net.names import statistics_names, value_name
from gradbook.net.step import Step
from gradbook.net.work.at_work import last_value
from gradbook.palette import colour_of
from gradbook.targets.drawing.layout import spell_out
from gradbook.targets.page.grammar import grammar_table
from gradbook.targets.page.lines import write_lines

# Layers -----------------------------------------------------------------------

IMAGE = -1  # the row number that stands for the image
ERROR = 0  # the error's index; the gradients and then the values follow it


def layer_table(net: Net) -> list[dict[str, Any]]:
    """One row per layer that makes values of its own, in order.

    It says where the module's output contains the layer's values and their gradients.
    """
    rows: list[dict[str, Any]] = []
    places, numbers = _places(net), row_numbers(net)
    for index, layer in enumerate(net.layers):
        if layer.passes_on:
            continue
        value = value_name(net, index)
        name, (letter, below) = str(value), spell_out(value)
        rows.append(
            {
                "name": name,
                "letter": letter,
                "below": below,
                "colour": colour_of(value.stem, owned=value.of is not None).key,
                "words": layer.text,
                "shape": (*net.shapes[index + 1], 1, 1)[:3],  # as maps
                "first": places[name],
                "gradient": places.get(f"∂E/∂{name}"),
                "reads": [numbers[value] for value in layer.reads(index)],
                **_computed(net, index),
            }
        )
    return rows


NOT_EXPLAINED = (
    "a page that reads images can't explain '{layer}' value by value: remove it, or write the "
    "model in another format"
)


def require_explained(net: Net) -> None:
    """Refuse layers for which a page can't show what each value is computed from."""
    for index, layer in enumerate(net.layers):
        sizes = {prod(net.shapes[value]) for value in layer.reads(index)}
        unlike = layer.elementwise and len(sizes) > 1
        by_step = layer.has_inner_steps or layer.spreads(net.shapes[index])
        if by_step or unlike or layer.bits or layer.has_few_values:
            raise TargetError(NOT_EXPLAINED.format(layer=layer.text))


def error_table(net: Net) -> dict[str, Any]:
    """Where the page finds the error and the image's gradient, and what the error is made of."""
    loss = net.objective
    return {
        "words": str(loss),
        "place": ERROR,
        "image": _places(net)["∂E/∂i"],
        "last": row_numbers(net)[last_value(net)],
        "smoothing": net.smoothing,
        "isEntropy": loss.is_entropy,
        "over": net.outputs if loss.is_entropy and not loss.of_all else 1,  # errors in its mean
    }


def row_numbers(net: Net) -> list[int]:
    """The row number of each value of the network."""
    numbers = [IMAGE]
    for layer in net.layers:
        numbers.append(numbers[-1] if layer.passes_on else max(numbers) + 1)
    return numbers


def _places(net: Net) -> dict[str, int]:
    """The index at which each value and gradient begins in the module's output for an image."""
    sizes = {"i": prod(net.input)}
    sizes |= {
        str(value_name(net, k)): prod(net.shapes[k + 1])
        for k, layer in enumerate(net.layers)
        if not layer.passes_on
    }
    order = [(f"∂E/∂{name}", sizes[name]) for name in reached_names(net)]
    order += [(name, sizes[name]) for name in shown_names(net)]
    begins = accumulate((size for _, size in order), initial=ERROR + 1)
    return dict(zip([name for name, _ in order] + ["end"], begins, strict=True))


def final_value_count(net: Net) -> int:
    """How many values the module outputs for an image."""
    return _places(net)["end"]


def _computed(net: Net, index: int) -> dict[str, Any]:
    """A layer's rule, with the weights, window and statistics that it uses."""
    layer = net.layers[index]
    kind = layer.word or "concat"  # a concat of one value passes on an earlier value
    if layer.names_after:
        kind = layer.ending if layer.is_softmax else "activation"
    parameters = {p.role: str(p.leaf) for p in net.taken(index)}
    used: list[str] = []  # without summing: a normalisation's scale and shift, for batchnorm after
    if not layer.sums:  # its mean and variance; learned slopes
        used += map(str, statistics_names(net, index) if layer.statistics else ())
        used += parameters.values()
    shape = net.shapes[index]
    window = layer.window(shape) if len(shape) == 3 else None
    return {
        "kind": kind,
        "sums": layer.sums and ("all" if layer.reads_all else "window"),
        "joins": layer.puts_beside,
        "weights": parameters.get(Role.WEIGHT, ""),
        "biases": parameters.get(Role.BIAS, ""),
        "groups": layer.groups_in(shape),
        "window": window
        and {
            "size": window.size,
            "stride": window.stride,
            "pad": window.pad[:2],
            "dilation": window.dilation,
            "counted": layer.counted_padding(shape),
        },
        "statistics": used,
        "epsilon": layer.epsilon,
        "slope": _slope(net, index),
    }


def _slope(net: Net, index: int) -> dict[str, Any] | None:
    """The derivatives of an elementwise layer's value with respect to its inputs, as lines for the
    page's machine, which also reads the layer's parameters."""
    layer = net.layers[index]
    if not (layer.elementwise or layer.mixes_samples):
        return None
    graph = Graph()
    inputs = [graph.leaf(Name("x", (k,))) for k, _ in enumerate(layer.reads(index))]
    owned = [graph.leaf(Name(it.role)) for it in net.taken(index)]
    names = Name("y"), Name("x")
    site = LayerSite(graph, index, None, *names, (), 1, outside=False, training=False)
    made = layer.ops(site, inputs, owned)
    slopes = gradients(made, inputs)
    kept = [*site.statistics, *owned]
    lines = write_lines([*inputs, *kept, *slopes.values()])

    def places(nodes: Iterable[Node]) -> list[int]:
        return [lines.places[node] for node in nodes]

    return {
        "lines": lines.lines,
        "given": places(inputs),
        "kept": places(kept),
        "slopes": places(slopes[value] for value in inputs),
    }


# Recipes ----------------------------------------------------------------------

MOST_EPOCHS = 1_000  # on a page, for which the rate of each step is computed beforehand
MESSAGES = {  # the messages of each module that the page's reader also uses
    schedules: (
        *("WHICH_SCHEDULE", "UNKNOWN_SCHEDULE", "ONE_CYCLE", "UNKNOWN_SETTING"),
        *("SETTINGS_AFTER", "ASKED_FOR", "RATES_FALL", "OUT_OF_RANGE"),
    ),
    texts: ("RATE_ALREADY", "COUNTED"),
}


def recipe_table(recipe: Recipe, images: int) -> dict[str, Any]:
    """A recipe that can be changed on the page: its text, its grammar, and what depends on it.

    Only settings that need no new compiled code may change; `web/wasm/recipe.js` reads the table.
    """
    net = recipe.net
    return {
        "text": str(recipe),
        "grammar": _grammar(),
        "images": images,
        "mostEpochs": MOST_EPOCHS,
        "mostBatch": recipe.batch,
        "warps": recipe.warp.changes_images,
        "alone": _refused_alone(net),
        "drawn": _drawn(net),
    }


def _grammar() -> dict[str, Any]:
    plain = grammar_table()
    messages = {name: getattr(of, name) for of, names in MESSAGES.items() for name in names}
    return {
        **{name: plain[name] for name in ("number", "whole", "longestMessage", "closeEnough")},
        "messages": plain["messages"] | messages,
        "drawnDecimals": plain["drawnDecimals"],
        "schedules": schedules.OWN_SETTINGS,
        "words": schedules.SETTING_WORDS,
        "ranges": {
            name: {
                "what": ranges.what,
                "zero": ranges.zero,
                "below": ranges.below if ranges.below < 2 else None,
                "least": ranges.least,
                "where": ranges.where,
            }
            for name, ranges in schedules.RANGES.items()
        },
        "usual": {
            name: getattr(schedules.Schedule("constant", 1), name)
            for name in schedules.SETTING_WORDS
        },
        "usualWarm": schedules.USUAL_WARM,
        "rise": schedules.RISE,
    }


def _refused_alone(net: Net) -> str:
    """The error message for a last batch of one image, or '' if it is allowed."""
    try:
        require_variance(net, 1)
    except ShapeError as error:
        return error.message
    return ""


def _drawn(net: Net) -> list[tuple[str, int, float]]:
    """The arrays that are drawn from the seed, in order, with their sizes and largest values."""
    if net.start.get(Role.WEIGHT):
        return []
    return [
        (str(p.leaf), p.size, sqrt(6 / sum(p.fans)))
        for p in net.parameters
        if p.role is Role.WEIGHT
    ]


# Packing ----------------------------------------------------------------------

TESTED = 1_500  # images, at most


def pack(content: bytes) -> str:
    """The content deflated, in base64."""
    return b64encode(zlib.compress(content, 9)).decode()


def module_table(module: WasmModule) -> dict[str, Any]:
    return {"code": pack(module.code), "table": module.table()}


def numbers_table(values: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Arrays as the page's float32, by their names."""
    floats = {name: np.asarray(value, "<f4") for name, value in values.items()}
    return {name: pack(value.tobytes()) for name, value in floats.items()}


def scales(model: Model) -> dict[str, list[float]]:
    """How a byte x is scaled: to scale·x + shift, channel by channel."""
    mean, deviation = map(np.array, for_inputs(model.net, model.mean, model.deviation))
    return {"scale": (1 / (BRIGHTEST * deviation)).tolist(), "shift": (-mean / deviation).tolist()}


@dataclass(frozen=True, eq=False)
class TrainingPack:
    """The images that a page trains on, and those that it tests with."""

    recipe: Recipe  # adapted to so many images
    images: Images
    test: Images

    @staticmethod
    def of(recipe: Recipe, dataset: Dataset, count: int) -> TrainingPack:
        """So many of the recipe's training images, equally many of each class."""
        adapted = adapt(recipe, dataset).recipe
        _require_fixed(adapted)
        require_trainable(adapted, dataset)
        numbers = numbers_trained_on(dataset, adapted.held_back)
        images = dataset.training_and_validation[numbers]
        test = dataset.test_for_reporting
        chosen = images[in_turns(images, count)], test[:: -(-len(test) // TESTED)]
        return TrainingPack(for_fewer(adapted, len(chosen[0])), *chosen)

    def table(self, net: Net, scaling: Mapping[str, list[float]]) -> dict[str, Any]:
        """The whole pack for a page; `scaling` says how bytes are scaled."""
        recipe = self.recipe
        frozen, weighted = recipe.frozen_layers, bool(recipe.class_weights)
        module = trainer(net, recipe.batch, weighted=weighted, frozen=frozen)
        step = training_step(net, recipe.batch, frozen=frozen)
        warps = recipe.warp.changes_images
        steps, epochs = ceil(len(self.images) / recipe.batch), recipe.epochs
        rates = (recipe.schedule.rates(epoch, steps, epochs) for epoch in range(epochs))
        return {
            "module": module_table(module),
            "start": numbers_table({str(leaf.name): values for leaf, values in step.start.items()}),
            "plan": {
                "batch": recipe.batch,
                "seed": net.seed,
                "rates": [list(map(float, epoch)) for epoch in rates],  # of each step
                "pixels": self.images.pixels[0].size,
                "warp": warping_table(recipe.warp, self.images.shape) if warps else None,
                "settling": self._settling(step),
                **scaling,
            },
            "recipe": recipe_table(recipe, len(self.images)),
            "images": pack(self.images.pixels.tobytes()),
            "labels": pack(self.images.labels.astype("<i4").tobytes()),
            "wanted": self._wanted(),
            "test": pack(self.test.pixels.tobytes()),
            "testLabels": pack(self.test.labels.astype("<i4").tobytes()),
        }

    def _settling(self, step: Step) -> dict[str, Any] | None:
        """How many last steps batchnorm takes on unwarped images, and the arrays that they don't
        change."""
        if self.recipe.statistics != UNWARPED or not step.statistics:
            return None
        others = step.next.keys() - set(step.statistics)
        return {"steps": SETTLING, "others": sorted(str(leaf.name) for leaf in others)}

    def _wanted(self) -> list[list[float]] | None:
        """The targets of each class, if the engine needs more than an image's label."""
        classes = self.recipe.net.outputs if self.recipe.net.outputs > 1 else 2
        each = np.arange(classes, dtype=np.int32)
        targets = targets_for(self.recipe, each, np.array(self.images.counts(classes)))
        return None if targets.ndim == 1 else np.asarray(targets, float).tolist()


def _require_fixed(recipe: Recipe) -> None:
    """Refuse settings that depend on how the training goes."""
    settings = {
        "schedule plateau": recipe.schedule.kind == "plateau",
        "rate find": recipe.find_rate,
        "early stop": recipe.early_stop is not None,
        "keep best": recipe.keep == BEST,
        "start": bool(recipe.start),
    }
    for words, is_asked in settings.items():
        if is_asked:
            raise UsageError(
                f"a page can't train with '{words}': remove it, or make a page of a trained run, "
                "without --train"
            )
