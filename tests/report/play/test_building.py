"""Networks that the page builds by itself, held against those that Python writes for a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from math import prod

import pytest
from hypothesis import example, given, settings

from gradbook.graph.tensors import divisors
from gradbook.language import in_language
from gradbook.net import BatchNorm, Pool, Role, builtin, parse
from gradbook.report.play_page import TRACED, building_table, builds, page_tables
from gradbook.targets.page.page_content import content
from gradbook.targets.page.plane import tells_points_apart
from scripts.traced_cards import traced_cards
from tests.cases import for_each
from tests.families import networks, steady
from tests.targets.page.machine import asked, number

pytestmark = pytest.mark.witness("node")
EPOCHS = 5
MEMORY = re.compile(r"[vms]_[wbγβα]\d+|k")  # what an update remembers
SLOT = re.compile(r"⟦(\d+)⟧")


def has_means_of_one(net):
    """Whether a mean is taken of one value alone, which may then be called by either's name: an
    average's window that reads one place, or what batch normalisation, of which nothing is left
    then (PyTorch refuses it), has of one sample."""
    one_sample = len(net.samples) <= 1 and not tells_points_apart(net)
    return any(
        (divisors(layer.window(shape), shape[1:]) == 1).any()
        if isinstance(layer, Pool) and layer.kind == "avg"
        else isinstance(layer, BatchNorm) and one_sample and prod(shape[1:]) == 1
        for layer, shape in zip(net.layers, net.shapes, strict=False)
    )


NETWORKS = (
    (networks(images=False, dropout=True) | networks(images=True, depth=3, width=2, dropout=True))
    .filter(builds)
    .filter(lambda net: not has_means_of_one(net))
)


@cache
def building():
    return json.loads(json.dumps(building_table()))


def built(net):
    """The tables that the page makes of a network's text."""
    return {**asked("build", text=str(net), building=building()), "criteria": criteria()}


@cache
def criteria():
    return content(builtin("worked")).table()["criteria"]


def given_tables(net):
    """Those that Python writes, as the page reads them."""
    return json.loads(json.dumps(page_tables(content(net))))


class Said:
    """A page's tables by the names of their values, whichever lines those have."""

    def __init__(self, table):
        self.table = table
        self.names = {int(line): name["said"] for line, name in table["names"].items()}
        self.values = asked("lines", table=table, rate=table["startRate"])

    def value(self, line):
        found = list(map(number, self.values[line]))
        return found * (len(self.table["samples"]) if len(found) == 1 else 1)

    def by_name(self, lines):
        return {self.names[int(line)]: self.value(int(line)) for line in lines}

    def spelled(self, template):
        return SLOT.sub(lambda slot: self.names[int(slot[1])], template)

    def numbers(self):
        """Every value with a name, every chain's, and the least loss there could be."""
        found = {f"= {name}": value for name, value in self.by_name(self.names).items()}
        for line, tree, root in self.table["chains"]:
            slope = f"∂{self.names[root]}/∂{self.names[line]}"
            found[slope] = self.value(tree["value"])
            found[f"{slope}, {self.shape(tree)}"] = []
        found |= {f"slope {self.names[w]}": self.value(d) for w, d in self.table["trained"]}
        found["least"] = self.value(self.table["least"])
        if self.table["plane"]:
            found["share"] = self.value(self.table["plane"]["share"])
        for k, gate in enumerate(self.table["gates"]):
            for j, line in enumerate(gate["slopes"]):
                found[f"gate {k} {j}"] = self.value(line)
        return found

    def shape(self, tree):
        """What a chain is put together from."""
        if "of" in tree:
            return f"{tree['kind']} {self.names[tree['of']]}/{self.names[tree['to']]}"
        return f"{tree['kind']}({', '.join(map(self.shape, tree['parts']))})"

    def words(self):
        """Names, formulas, partials and columns."""
        table = self.table
        return {
            "names": {name["said"]: name for name in table["names"].values()},
            "formulas": {
                self.names[int(line)]: self.spelled(said)
                for line, said in table["formulas"].items()
            },
            "partials": {
                f"{self.names[of]}/{self.names[to]}": self.spelled(said)
                for of, to, said in table["partials"]
            },
            "columns": [self.column(it) for it in table["columns"]],
            "gates": [
                {"covers": it["covers"], "hidden": it["hidden"], "slopes": len(it["slopes"])}
                for it in table["gates"]
            ],
            **{key: [self.names[it] for it in table[key]] for key in ("inputs", "targets")},
            **{key: [self.names[it] for it in table[key]] for key in ("outputs", "weights")},
            "loss": [self.names[table["loss"]], self.names[table["sampleLoss"]]],
            "windows": [self.window(it) for it in table["windows"]],
            "masks": [
                {
                    **it,
                    "lines": [self.names[line] for line in it["lines"]],
                    "kept": [[self.names[line] for line in own] for own in it["kept"]],
                }
                for it in table["masks"]
            ],
            "classes": table["plane"] and table["plane"]["classes"],
            **{key: table[key] for key in ("samples", "startRate", "epochs", "most", "seed")},
        }

    def window(self, window):
        """What it reads, by names; padding reads nothing."""
        return {
            "value": self.names[window["value"]],
            "bias": window["bias"] and self.names[window["bias"]],
            "channels": [
                [
                    [read and [self.names[read[0]], self.names[read[1]]] for read in row]
                    for row in rows
                ]
                for rows in window["channels"]
            ],
        }

    def column(self, column):
        def named(line):
            return None if line is None else self.names[line]

        return {
            **column,
            "maps": [
                [[[named(line) for line in row] for row in plane] for plane in names]
                for names in column["maps"]
            ],
            "units": [
                unit
                and {
                    "values": [named(line) for line in unit["values"]],
                    "above": named(unit["above"]),
                    "from": [[row, named(weight), *back] for row, weight, *back in unit["from"]],
                }
                for unit in column["units"]
            ],
        }


def without_memory(words):
    """The names of what an update remembers are never shown, and Python leaves them out."""
    shown = {said: name for said, name in words["names"].items() if not MEMORY.fullmatch(said)}
    return {**words, "names": shown}


ONCE_WRITTEN_OTHERWISE = [
    *(f"input 1; dense 1; leaky relu {slope}; dense 1" for slope in (0, 0.25, 1, -0.5, -1)),
    "input 1x1x1; dropout 0.5; conv 1 1x1; flatten; dense 1",
    "input 1x1x1; maxpool all; softmax; dense 1",
]


@for_each("text", ONCE_WRITTEN_OTHERWISE)
def test_what_was_once_written_otherwise_reads_as_python_writes_it(text):
    net = parse(f"{text}; loss half squared error")
    assert without_memory(Said(built(net)).words()) == Said(given_tables(net)).words()


def test_it_reads_in_german_as_python_writes_it():
    net = parse("input 2; dense 3; rmsnorm epsilon 1e-9; selu; dense 1; loss mse")
    with in_language("de"):
        page = asked("build", text=str(net), building=json.loads(json.dumps(building_table())))
        there = Said(given_tables(net)).words()
    here = Said({**page, "criteria": criteria()}).words()
    assert all(here[kind] == there[kind] for kind in ("formulas", "partials"))
    assert "<mn>1,050701</mn>" in str(there)
    assert "<mtext>sonst</mtext>" in str(there)


def test_the_package_has_what_is_traced_of_its_cards():
    assert TRACED.read_text("utf-8") == traced_cards(), "python -m scripts.traced_cards"


ECHO = "input 4x1; rnn 3; dense 1; loss half squared error; rate 0.2; seed 4"
SEQUENCES = [
    f"{ECHO}; sample 1 0 0 0 -> 1; sample 0 1 0 0 -> 0.5",
    "input 4x2; lstm 2 all; gru 2; dense 1; loss half squared error",
    "input 3x2; gru 2 reset_before no bias; dense 1; loss half squared error; update adam",
    "input 3x2; gru 1 all no bias; tanh; rnn 1; dense 2; loss mse",
    "input 3x2; attention causal no bias; flatten; dense 1; loss half squared error",
    "input 4x4; attention heads 2; positions; conv1d 1 1; loss mse",
    "input 3x2; rmsnorm; rnn 2 all; rmsnorm plain; flatten; dense 1; loss mse",
    "input 3x2x2; rmsnorm epsilon 0.1; flatten; rmsnorm; dense 1; loss mse",
    "input 5x2; conv1d 2 3 pad 1; relu; maxpool1d 2; flatten; dense 3; softmax",
    "input 3x2; conv1d 2 1; softmax; sample 1 2 3 4 5 6 -> 1 0 0 1 1 0",
    "input tokens 3 of 4; embed 2; positions; rnn 2; dense 1; "
    "sample 0 3 1 -> 1; sample 2 2 0 -> 0.5",
    "input tokens 3 of 3; embed 2; sinusoids; attention causal; add back 1; unembed 3; softmax; "
    "sample 0 2 1 -> 2 -1 0; sample 1 1 0 -> 1 0 1",
    "input tokens 2 of 3; embed 2; tanh; unembed 3; log softmax; seed 5",
    "input 3x2; sinusoids; rnn 2 all; sinusoids; flatten; dense 1; loss mse",
    "input 2x2x2; conv 2 1x1; sigmoid; multiply back 1; flatten; dense 1; loss mse",
    "input 2x2x2; avgpool all; flatten; dense 2; sigmoid; multiply back 4; "
    "flatten; dense 1; loss mse",
    "input 2; dense 2; dropout 0; multiply back 1; dense 1; loss mse",
    "input 3x2; conv1d 2 1; log softmax; sample 1 2 3 4 5 6 -> 1 0 0 0 1 0",
    "input 3x2; conv1d 2 1; softmax; loss cross-entropy smoothing 0.1; "
    "sample 1 2 3 4 5 6 -> 1 0 0 1 1 0; sample 1 2 3 4 5 3 -> 1 0 0 0 1 0",
]


@for_each("text", SEQUENCES)
def test_a_sequence_reads_and_comes_to_what_python_writes(text):
    net = parse(text)
    here, there = Said(built(net)), Said(given_tables(net))
    assert without_memory(here.words()) == there.words()
    numbers = here.numbers()
    for name, values in there.numbers().items():
        assert numbers[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name


def test_a_recurrent_weight_has_a_term_for_each_step_that_it_is_used_at():
    said = Said(built(parse(ECHO)))
    (recurrent,) = (chain for line, chain, _ in said.table["chains"] if said.names[line] == "w4")
    (fed,) = (chain for line, chain, _ in said.table["chains"] if said.names[line] == "w1")
    assert said.shape(recurrent).count("/w4") == 3  # the first step has no state before it
    assert said.shape(fed).count("/w1") == 4


UNREAD_STATE = parse("input 2x1; rnn 2 all no bias; conv 1 1x1 stride 2; flatten; dense 1")


@given(NETWORKS)
@example(UNREAD_STATE)
def test_a_network_built_on_the_page_reads_as_the_one_that_python_writes(net):
    assert without_memory(Said(built(net)).words()) == Said(given_tables(net)).words()


@given(NETWORKS.map(steady))
def test_every_value_and_every_chain_is_the_same(net):
    here, there = Said(built(net)).numbers(), Said(given_tables(net)).numbers()
    assert {name for name in here if not MEMORY.fullmatch(name.removeprefix("= "))} == set(there)
    largest = max(1.0, *(abs(value) for values in there.values() for value in values))
    for name, values in there.items():
        wanted = pytest.approx(values, rel=1e-12, abs=1e-12 * largest, nan_ok=True)
        assert here[name] == wanted, name


@settings(max_examples=25)
@given(NETWORKS.map(steady))
def test_it_trains_to_the_same_weights_and_verdict(net):
    here, there = built(net), given_tables(net)
    assert sorted(start for *_, start in here["state"]) == sorted(
        start for *_, start in there["state"]
    )
    one, other = (
        asked("train", table=table, epochs=EPOCHS, rate=table["startRate"])
        for table in (here, there)
    )
    assert [number(it["loss"]) for it in one] == pytest.approx(
        [number(it["loss"]) for it in other], rel=1e-9, abs=1e-12, nan_ok=True
    )


@for_each("rate", [0.01, 0.5, 10.0, 1000.0])
@for_each("name", ["worked", "mazur", "xor"])
def test_the_verdict_is_the_same(name, rate):
    net = builtin(name)
    one, other = (
        asked("judge", table=table, rate=rate, epochs=70)["verdict"]
        for table in (built(net), given_tables(net))
    )
    assert one == other


@given(NETWORKS)
def test_a_seed_draws_the_commands_numbers(net):
    drawn = replace(net, start={}, samples=())
    table = built(drawn)
    names = {int(line): name["said"] for line, name in table["names"].items()}
    starts = {names[leaf]: start for leaf, _, start in table["state"]}
    for role, values in drawn.start_values().items():
        assert [starts[f"{role}{k}"] for k in range(1, len(values) + 1)] == list(values)
    if not tells_points_apart(drawn):
        (sample,) = drawn.examples()
        assert table["samples"] == [[list(sample.inputs), list(sample.targets)]]


def test_seventy_epochs_of_the_worked_network_end_where_they_should():
    table = built(builtin("worked"))
    end = asked("train", table=table, epochs=71, rate=1.0)[-1]
    wanted = asked("train", table=given_tables(builtin("worked")), epochs=71, rate=1.0)[-1]
    assert end["state"] == pytest.approx(wanted["state"], rel=1e-12)
    assert end["loss"] == pytest.approx(wanted["loss"], rel=1e-12)


def test_samples_of_before_stay_where_the_text_has_none():
    points = [[[0.0, 1.0], [1.0]], [[1.0, 0.0], [0.0]]]
    text = "input 2; dense 1; sigmoid"
    table = asked("build", text=text, building=building(), samples=points)
    assert table["samples"] == points
    assert table["most"] == 1000


@for_each(
    ("text", "is_built"),
    [
        ("input 4x2; lstm 2 all; gru 2; dense 1", True),
        ("input 2; dense 2; tanh", True),
        ("input 1x6x6; conv 1 3x3; flatten; dense 1", True),
        ("input 20; dense 20", False),
        ("input 1x20x20; conv 2 5x5; maxpool all; flatten; dense 1", False),
    ],
)
def test_what_is_too_large_for_a_drawing_is_not_built(text, is_built):
    assert builds(parse(text)) is is_built


def test_roles_are_those_of_networks():
    assert set(Role) == set(building()["grammar"]["roles"])
