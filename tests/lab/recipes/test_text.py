"""A recipe's text: it reads back as it is written, and every mistake is told with its place."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.warp import Crop, Cutout, Elastic, Flip, Warp
from gradbook.errors import GradbookError, NetTextError, UsageError
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import Recipe, Schedule
from gradbook.lab.recipes.recipe_text import (
    INSTEAD,
    builtin_recipe,
    builtin_text,
    change_recipe,
    parse,
    recipe,
)
from gradbook.net import Net, Role, Update, builtin
from gradbook.net.text import LONGEST_TEXT
from tests.cases import for_each

NET = "input 1x8x8; flatten; dense 4; log softmax; loss cross-entropy"
WARPS = st.builds(
    Warp,
    rotate=st.floats(0, 90),
    shift=st.floats(0, 9),
    scale=st.tuples(st.floats(0.5, 1), st.floats(1, 2)),
    crop=st.none() | st.builds(Crop, st.integers(2, 8), st.floats(0, 1)),
    elastic=st.none() | st.just(Elastic(4, 1.5)),
    flip=st.none() | st.builds(Flip, st.floats(0, 1)),
    cutout=st.none() | st.builds(Cutout, st.integers(1, 8), st.floats(0, 1)),
)
UPDATES = st.sampled_from(
    [Update(), Update("momentum", 0.8), Update("momentum", nesterov=True), Update("adamw")]
)
BAD = [
    ("recipe\n", 1, 7, "the recipe's name is missing"),
    ("about\n", 1, 6, "what it is for is missing"),
    ("data\n", 1, 5, "the data set is missing"),
    ("network\n", 1, 8, "which network?"),
    ("network flta\n", 1, 9, "did you mean 'flat'?"),
    ("network no/such.txt\n", 1, 9, "there is no network or file called 'no/such.txt'"),
    ("network flat\nconv 3 3x3\n", 2, 1, "'conv' would change the network"),
    ("network flat\ninput 3\n", 2, 1, "'input' would change the network"),
    ("network flat\nupdate momentun\n", 2, 8, "did you mean 'momentum'?"),
    ("network flat\ndecay 0.1 scalse\n", 2, 11, "did you mean 'scales'?"),
    ("network flat\nloss binary cross-entropy\n", 2, 1, "end the layers with 'sigmoid'"),
    ("network flat\nupdate adam\nupdate adam\n", 3, 1, "'update' is given twice: write it once"),
    ("warp\n", 1, 5, "which warp?"),
    ("warp rotate 10, shfit 2\n", 1, 17, "did you mean 'shift'?"),
    ("warp rotate 10,\n", 1, 16, "a value is missing beside this comma"),
    ("warp , rotate 10\n", 1, 6, "a value is missing beside this comma"),
    ("warp rotate 1,5\n", 1, 13, "with a point"),
    ("warp rotate 10, rotate 20\n", 1, 17, "'rotate' is given twice: write it once"),
    ("epochs 3\nwarp rotate 10, crop 0\n", 2, 17, "from 1 up"),
    ("schedule\n", 1, 9, "which schedule"),
    ("schedule linear 3\n", 1, 10, "unknown schedule 'linear'"),
    ("schedule constant 0\n", 1, 10, "above 0"),
    ("epochs\n", 1, 7, "is missing"),
    ("epochs 0\n", 1, 8, "from 1 up"),
    ("epochs 1e3\n", 1, 8, "a whole number"),
    ("epochs 999999999\n", 1, 8, "the most is 100,000"),
    ("epochs 3 4\n", 1, 10, "unexpected '4'"),
    ("epochs 3\nepochs 4\n", 2, 1, "'epochs' is given twice: write it once"),
    ("batch 0\n", 1, 7, "from 1 up"),
    ("batch -5\n", 1, 7, "a whole number"),
    ("hold 3\n", 1, 6, "expected 'hold back'"),
    ("test 3\n", 1, 6, "expected 'test none'"),
    ("hold back 6\n", 1, 6, "there is no fold 6"),
    ("hold back all\n", 1, 11, "a whole number"),
    ("epcohs 3\n", 1, 1, "did you mean 'epochs'?"),
    ("schedule constant 1\nnetwork flat\nrate 0.1\n", 3, 1, "the schedule already sets the rate"),
    ("", 1, 1, "no layers"),
    ("recipe only a name\n", 1, 1, "no layers"),
    ("epochs 3\ninput 1x8x8\nflatten\ndense\n", 4, 6, "dense's width is missing"),
    (f"about {'x' * 2000}\n", 1, 7, "at most 1,000 printable characters"),
    ("about \x07\n", 1, 7, "printable"),
]


@given(
    WARPS,
    UPDATES,
    st.sampled_from([Schedule("one cycle", 0.2), Schedule("plateau", 3, patience=2)]),
    st.none() | st.integers(0, 5),
    st.sampled_from([(), "balanced", (1.0, 0.5)]),
)
def test_a_recipe_reads_back_as_it_is_written(warp, update, schedule, held_back, weights):
    net = Net.parse(f"name a net; {NET}; update {update.kind}; seed 7; decay 0.1; decay 0.2 biases")
    made = Recipe(
        net, schedule, 7, 33, warp, "some folder", held_back, "mine", "for a test", weights
    )
    assert parse(str(made)) == made
    assert recipe(str(made)) == made


def test_a_recipe_names_a_network_and_says_how_it_is_trained():
    found = parse(
        "recipe mine; network flat; update adamw; decay 0.1; schedule cosine 0.01;"
        "loss cross-entropy smoothing 0.1; seed 3"
    )
    assert found.net.layers == builtin("flat").layers
    assert found.net.update == Update("adamw")
    assert found.net.decay == {Role.WEIGHT: 0.1}
    assert (found.net.smoothing, found.net.seed) == (0.1, 3)


def test_a_networks_file_lies_beside_the_recipe(tmp_path, monkeypatch):
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "net.txt").write_text(NET)
    (folder / "mine.txt").write_text("network net.txt\nepochs 3\n")
    monkeypatch.chdir(tmp_path)
    assert recipe("there/mine.txt").net.layers == Net.parse(NET).layers
    assert recipe(folder / "mine.txt").epochs == 3
    assert recipe(str(folder / "net.txt")).epochs == 10
    (folder / "net.txt").write_text("input 1x8x8; flatten; dense 4; softmax")
    assert recipe(folder / "mine.txt").net.loss is None


def test_changes_take_the_place_of_what_a_recipe_says():
    found = recipe("quick", "epochs 5; batch 64; warp none; rate 0.05; seed 9; hold back none")
    quick = recipe("quick")
    assert (found.epochs, found.batch, found.held_back) == (5, 64, None)
    assert found.schedule == Schedule("one cycle", 0.05, warm=quick.schedule.warm)
    assert found.net.seed == 9
    assert found.net.layers == quick.net.layers
    assert found.net.decay == quick.net.decay


def test_a_loss_that_is_changed_says_its_smoothing_anew():
    smoothed = recipe("flat", "loss cross-entropy smoothing 0.1")
    assert smoothed.net.smoothing == 0.1
    assert recipe(smoothed, "loss cross-entropy").net.smoothing == 0


def test_the_parts_of_a_recipe_are_no_texts():
    with pytest.raises(UsageError, match="the recipe's schedule must be a Schedule, not 'cosine"):
        Recipe(builtin("flat"), "cosine 0.1")
    with pytest.raises(UsageError, match="the recipe's warp must be a Warp"):
        Recipe(builtin("flat"), Schedule("cosine", 0.1), warp="rotate 5")


@for_each(("text", "line", "column", "said"), BAD, ids=range(len(BAD)))
def test_a_hostile_text_is_told_where_and_why_in_one_line(text, line, column, said):
    with pytest.raises(NetTextError) as caught:
        parse(text, "mine.txt")
    message = str(caught.value)
    assert said in message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message.startswith(f"mine.txt, line {line}, column {column}: ")
    assert "\n" not in message


def test_a_text_as_long_as_a_book_is_not_read():
    with pytest.raises(NetTextError, match="the most is 1,000,000"):
        parse("# \n" * LONGEST_TEXT)


@for_each("changes", ["input 3", "dense 3", "network flat", "name other"])
def test_a_change_that_would_be_another_network_is_refused(changes):
    with pytest.raises(GradbookError, match="another network|change the network"):
        change_recipe(recipe("flat"), changes)


def test_data_lie_beside_the_recipe_or_where_you_are(tmp_path, monkeypatch):
    folder = tmp_path / "there"
    (folder / "digits").mkdir(parents=True)
    for place in (folder / "mine.npz", tmp_path / "mine.npz", tmp_path / "other.npz"):
        place.touch()
    monkeypatch.chdir(tmp_path)

    def data(said):
        (folder / "mine.txt").write_text(f"{NET}\ndata {said}")
        return recipe("there/mine.txt").data

    assert data("mine.npz") == os.path.join("there", "mine.npz")
    assert data("other.npz") == "other.npz"
    assert data("digits") == "digits"  # a name wins over a folder
    assert data("nowhere.npz") == "nowhere.npz"


@for_each("name", RECIPES)
def test_every_recipe_that_comes_along_reads_back_and_says_what_it_is_for(name):
    found = recipe(name)
    assert parse(str(found)) == found
    assert found.name == name
    assert found.about
    assert f"recipe {name}" in builtin_text(name)


@for_each(
    ("name", "net", "schedule", "epochs", "batch"),
    [
        ("reference", "reference", Schedule("step", 0.01, factor=0.1, every=5), 20, 128),
        ("blocks", "blocks", Schedule("plateau", 0.01, factor=0.1, patience=1), 20, 64),
        ("flat", "flat", Schedule("constant", 0.01), 19, 128),
    ],
)
def test_the_references_are_trained_as_published(name, net, schedule, epochs, batch):
    found = builtin_recipe(name)
    assert found.net.layers == builtin(net).layers
    assert found.net.update == Update("momentum", 0.9)
    assert (found.schedule, found.epochs, found.batch) == (schedule, epochs, batch)


def test_the_reference_is_warped_as_published_and_the_others_are_not():
    assert recipe("reference").warp == Warp(rotate=15, crop=Crop(22, 0.1))
    assert recipe("blocks").warp == recipe("flat").warp == Warp()


@for_each(
    ("name", "most", "epochs"), [("quick", 20_000, 5), ("small", 8_000, 15), ("tiny", 3_000, 19)]
)
def test_our_own_keep_within_their_limits(name, most, epochs):
    assert recipe(name).net.count() <= most
    assert recipe(name).epochs <= epochs


def test_best_has_fewer_parameters_than_the_reference_and_fewer_epochs():
    assert recipe("best").net.count() < recipe("reference").net.count()
    assert recipe("best").epochs < recipe("reference").epochs


@for_each(
    ("name", "said"),
    [
        ("quikc", "did you mean 'quick'?"),
        ("nothing-like-it", "recipes are quick, best"),
        ("", "no recipe, network or file is called ''"),
    ],
)
def test_an_unknown_name_is_told_what_there_is(name, said):
    with pytest.raises(UsageError) as caught:
        recipe(name)
    assert said in str(caught.value)


@for_each("what", [None, 3, ["quick"]])
def test_what_can_be_no_recipe_is_told_what_may_be(what):
    with pytest.raises(
        UsageError, match="a recipe must be a name, a file, a text or a network, not"
    ):
        recipe(what)


@for_each(
    ("line", "said"),
    [
        ("cosine", "unknown 'cosine': write 'schedule cosine 0.1'"),
        ("one cycle", "write 'schedule one cycle 0.1'"),
        ("plateau 0.2 by 0.5", "write 'schedule plateau 0.2 by 0.5'"),
        ("rate cosine", "write 'schedule cosine 0.1', for a rate that changes"),
        ("scale 0.9 1.1", "write 'warp scale 0.9 1.1'"),
        ("mse", "write 'loss mse'"),
        ("balanced", "write 'class weights balanced'"),
        ("weight decay 0.1", "write 'decay 0.0005'"),
        ("target price", "name the column with --target"),
        ("anything", "expected one of data, warp, schedule, epochs"),
    ],
)
def test_a_change_that_is_none_is_told_what_goes_there(line, said):
    with pytest.raises(GradbookError, match=re.escape(said)):
        recipe("quick", line)


def test_what_is_advised_instead_can_be_read():
    for advice in INSTEAD.values():
        recipe("quick", advice)
