from __future__ import annotations

import json

from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe_text import builtin_recipe, parse
from tests.cases import for_each

VERB = "train"


def test_all_are_listed_with_what_they_cost(output_of):
    rows = [
        line.split()
        for line in output_of("--list").splitlines()
        if line and not line.startswith(" ")
    ]
    listed = {row[0]: row[1:3] for row in rows[1 : len(RECIPES) + 1]}
    assert list(listed) == list(RECIPES)
    assert listed["reference"] == ["16,050", "20"]


def test_the_list_fits_the_terminal(output_of):
    assert max(map(len, output_of("--list").splitlines())) <= 80


@for_each("name", RECIPES)
def test_a_recipes_text_can_be_changed_and_trained(output_of, name):
    assert parse(output_of(name, "--list")) == builtin_recipe(name)


def test_a_program_can_read_the_list(output_of):
    record = json.loads(output_of("--list", "--json"))
    assert record["version"] == 1
    assert [row["name"] for row in record["recipes"]] == list(RECIPES)
    assert record["recipes"][RECIPES.index("reference")]["parameters"] == 16_050


def test_a_list_is_of_recipes_alone(output_of):
    assert "--json is for the list" in output_of("quick", "--list", "--json", code=2)
    assert "did you mean 'quick'?" in output_of("quik", "--list", code=2)
