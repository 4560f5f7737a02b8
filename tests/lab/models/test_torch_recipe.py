import pytest

from gradbook.lab.models.torch_recipe import left_out, torch_training
from gradbook.lab.recipes.recipe import SETTLING
from gradbook.lab.recipes.text import parse

NET = "input 1x8x8; flatten; dense 4{bias}; softmax"


def of(lines: str, bias: str = ""):
    return parse(f"{lines}; {NET.format(bias=bias)}")


def test_the_loop_takes_what_the_schedule_says():
    training = torch_training(of("schedule cosine 0.2 to 0.01 warm 0.1; epochs 7; batch 64"))
    assert (training.epochs, training.batch, training.kind) == (7, 64, "cosine")
    assert (training.rate, training.end, training.warm, training.rise) == (0.2, 0.01, 0.1, 25)


@pytest.mark.parametrize(("said", "batches"), [("statistics unwarped", SETTLING), ("epochs 3", 0)])
def test_the_loop_takes_statistics_as_long_as_the_command(said, batches):
    assert torch_training(of(f"schedule constant 0.1; {said}")).settling == batches


def test_nothing_is_said_where_nothing_is_left_out():
    assert left_out(of("warp rotate 5, shift 1; hold back 3; schedule constant 0.1")) == ()


@pytest.mark.parametrize(
    ("lines", "bias", "said"),
    [
        ("early stop 4", "", "early stop 4"),
        ("keep best; early stop 2", "", "early stop 2; keep best"),
        ("class weights balanced; hold back none", "", "class weights"),
        ("hold back none", " shared bias", "shared bias (each output gets its own)"),
    ],
)
def test_what_is_left_out_is_told(lines, bias, said):
    assert left_out(of(lines, bias)) == (f"the training loop leaves out: {said}",)
