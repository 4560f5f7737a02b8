from dataclasses import replace
from time import process_time

import pytest

from gradbook.errors import GradbookError, NetTextError, UsageError
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.study.study_plan import _parted, _rest, read_plan, read_plan_file
from gradbook.net.measure import measure
from tests.cases import for_each

VARY = "vary quick\nschedule one cycle {0.1..1 log} warm {0.1..0.4}\nbatch {64|128|256}"
WHOLE = f"""\
study widths
trials 7
sampler random
folds 0 3
seeds 2
draw 5
ahead 3
parameters at most 20k
macs at most 1.5M
{VARY}
"""


def test_a_study_reads_back_as_it_is_written():
    plan = read_plan(WHOLE, ["conv {6..12} 3x3 pad 1"])
    assert read_plan(str(plan)) == plan
    assert (plan.name, plan.most, plan.folds, plan.seeds) == ("widths", 7, (0, 3), 2)
    assert (plan.parameters, plan.macs) == (20_000, 1_500_000)


def test_a_varied_recipe_keeps_all_that_isnt_varied():
    plan = read_plan("vary quick\nbatch {256|512}")
    text = plan.template.write(lambda name, domain: domain.phrases[0])
    own = recipe("quick")
    drawn = plan.recipe(text)
    assert (drawn.net.layers, drawn.schedule, drawn.warp, drawn.batch) == (
        *(own.net.layers, own.schedule, own.warp),
        256,
    )


def test_a_layer_varies_every_layer_that_begins_like_it():
    plan = read_plan("vary quick", ["conv {6..12} 3x3 pad 1", "dense 10"])
    assert str(plan.template).count("conv {6..12} 3x3 pad 1 no bias") == 2
    assert "conv 34 3x3 no bias" in str(plan.template)


def test_many_braces_in_a_word_are_tried_once_each():
    """Trying every way to share a word among them would take hours."""
    line = "conv " + "{1|2}x" * 12 + "y"
    before = process_time()
    with pytest.raises(NetTextError, match="no layer like"):
        read_plan("vary quick", [f"{line} 3x3"])
    assert _rest(_parted(line)[0], ["conv", "1x" * 40]) is None
    assert process_time() - before < 1


def test_a_setting_that_the_recipe_doesnt_have_is_added():
    assert "class weights {balanced|1 1}" in str(
        read_plan("vary quick\nbatch 64", ["class weights {balanced|1 1}"]).template
    )


def test_limits_say_what_is_too_much():
    cost = measure(recipe("quick").net)
    plan = read_plan(f"{VARY}\nparameters at most 1M\nmacs at most 1e9")
    assert not plan.forbids(cost)
    tight = replace(plan, parameters=100)
    assert tight.forbids(cost) == "16,084 parameters, more than 100"


def test_a_data_set_beside_the_study_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "data.npz").touch()
    (tmp_path / "s.txt").write_text(f"{VARY}\ndata data.npz\n")
    monkeypatch.chdir("/")
    assert f"data {tmp_path / 'data.npz'}" in str(read_plan_file(tmp_path / "s.txt").template)


def test_a_file_without_a_title_has_its_own_name(tmp_path):
    (tmp_path / "widths.txt").write_text(VARY)
    assert read_plan_file(tmp_path / "widths.txt").name == "widths"


WRONG = {
    "input 1x28x28\nflatten\ndense 10\nsoftmax": "nothing varies",
    "vary quick": "nothing varies",
    "vary quick\nbatch {a|b}": "drawn as 'batch a'",
    "vary quick\nbatch {1..9}\nsampler gird": "did you mean 'grid'?",
    "vary quick\nbatch {1..9}\ntrials 0": "the number of trials must be from 1",
    "vary quick\nbatch {1..9}\ntrials 3\ntrials 4": "'trials' is given twice",
    "vary quick\nbatch {1..9}\nfolds 6": "folds must be different numbers from 0 to 5",
    "vary quick\nbatch {1..9}\nparameters at most many": "write 'at most 1000'",
    "vary quick\nconv {3..4} 9x9": "no layer like 'conv {3..4} 9x9': it has conv 6 3x3",
    "vary nothing\nbatch {1..9}": "no recipe, network or file is called 'nothing'",
    "vary quick\nschedule one cycle {0.1..1}\nsampler grid": "a grid needs a list of values",
    "vary quick\nbatch {32|64}\nhold back none": "remove 'hold back none'",
    "vary\nbatch {32|64}": "which recipe?",
}


@for_each("text", WRONG)
def test_what_cant_be_meant_is_told(text):
    with pytest.raises(GradbookError) as told:
        read_plan(text, source="study.txt")
    assert WRONG[text] in str(told.value)
    assert isinstance(told.value, NetTextError | UsageError)


PREFIXES = {
    ("conv {8|9}", "conv 8 3x3"): ["3x3"],
    ("conv {8|9} 3x3", "conv 7 3x3 pad 1"): ["pad", "1"],
    ("conv {8|9} 5x5", "conv 7 3x3 pad 1"): None,
    ("conv 6 {3x3 pad 1|5x5 pad 2}", "conv 6 3x3 pad 1 no bias"): ["no", "bias"],
    ("conv 6 {1..3}x{1..3}", "conv 6 5x5"): [],
}


@for_each("pair", PREFIXES)
def test_the_words_of_a_line_begin_a_layer(pair):
    line, row = pair
    assert _rest(_parted(line)[0], row.split()) == PREFIXES[pair]


def test_bits_of_values_vary_as_any_number_does():
    recipe = "network input 1x28x28; flatten; dense 4; relu; quantize 4; dense 10; softmax"
    base = read_plan(recipe.replace("network ", "").replace("quantize 4", "quantize {2|4} signed"))
    drawn = base.recipe(base.template.write(lambda name, domain: domain.phrases[0]))
    assert drawn.net.layers[3].text == "quantize 2 signed"


def test_bits_of_weights_vary_as_any_phrase_does():
    plan = read_plan("vary tiny\nconv 16 1x1 no bias {bits 4|ternary}\ndense 10 bits {8|2}")
    last = plan.recipe(plan.template.write(lambda name, domain: domain.phrases[-1])).net.layers
    assert {str(it.bits) for it in last if it.text.startswith("conv 16 1x1")} == {"ternary"}
    assert {str(it.bits) for it in last if it.text.startswith("dense")} == {"bits 2"}


def test_bits_stand_last_whatever_else_a_layer_says():
    plan = read_plan("vary tiny\nconv 8 3x3 bits {8|4}")
    drawn = plan.recipe(plan.template.write(lambda name, domain: domain.phrases[0]))
    assert drawn.net.layers[0].text == "conv 8 3x3 pad 1 no bias bits 8"
