"""The recipes that come along, and which recipe a name or a file means."""

import pytest

from gradbook.data.warp import Crop, Warp
from gradbook.errors import GradbookError, UsageError
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.builtin import builtin_recipe, builtin_text, recipe
from gradbook.lab.recipes.schedule import Schedule
from gradbook.lab.recipes.text import parse
from gradbook.net import Update, builtin


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_that_comes_along_reads_back_and_says_what_it_is_for(name):
    found = recipe(name)
    assert parse(str(found)) == found
    assert found.name == name
    assert found.about
    assert f"recipe {name}" in builtin_text(name)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("name", "most", "epochs"), [("quick", 20_000, 5), ("small", 8_000, 15), ("tiny", 3_000, 19)]
)
def test_our_own_keep_within_their_limits(name, most, epochs):
    assert recipe(name).net.count() <= most
    assert recipe(name).epochs <= epochs


def test_best_has_fewer_parameters_than_the_reference_and_fewer_epochs():
    assert recipe("best").net.count() < recipe("reference").net.count()
    assert recipe("best").epochs < recipe("reference").epochs


@pytest.mark.parametrize(
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


def test_a_folder_is_no_recipe(tmp_path):
    with pytest.raises(GradbookError, match="it is a folder"):
        recipe(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(GradbookError, match="isn't UTF-8 text"):
        recipe(path)


@pytest.mark.parametrize("what", [None, 3, ["quick"]])
def test_what_can_be_no_recipe_is_told_what_may_be(what):
    with pytest.raises(UsageError, match="a recipe is a name, a file, a text or a network, not"):
        recipe(what)
