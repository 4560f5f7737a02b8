"""What a C file holds in either format: each thing once, nothing that isn't needed."""

import pytest

from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.c_text import fill, linked
from gradbook.targets.portable.whole_makers import quantise
from tests.cases import for_each
from tests.targets.portable.compiled import COMPILERS, built
from tests.targets.portable.test_whole_numbers import both, pictures
from tests.trained import model_of

pytestmark = pytest.mark.witness("cc")


def text_of(layers: str, whole: bool, main: bool = False) -> str:
    model = model_of(layers)
    numbers = quantise(model.trained(), pictures(model, 9)) if whole else None
    return c_file(model.trained(), "net", numbers, main=main).text


def test_lines_stand_where_their_marks_are_so():
    piece = "a //: small\nb //: no small\nc //: small, no fast\nd SIZE /* NAME_SIZE */"
    assert fill(piece, {"SIZE": 3}, small=True, fast=True) == "a\nd 3 /* NAME_SIZE */"
    assert fill(piece, {"NAME": "net"}, small=False, fast=False) == "b\nd SIZE /* net_SIZE */"


def test_what_is_called_is_linked_with_what_that_calls():
    library = {
        "one": "static int one(int x)\n{\n    return x;\n}",
        "two": "#define TWO(x) one(one(x))",
        "three": "static int three(void)\n{\n    return 3;\n}",
    }
    assert linked(["int main(void) { return TWO(1); }"], library) == [*library.values()][:2]


@pytest.mark.witness("gcc", "clang", "zig")
@for_each("name", COMPILERS)
@for_each("whole", [False, True], ids=["floats", "whole numbers"])
def test_no_compiler_has_anything_to_say_about_it(name, whole, tmp_path):
    text = text_of(
        "input 1x8x8; conv 2 3x3 pad 1; gelu; maxpool 2;"
        "conv 2 2x3 stride 2x1 pad 0x1 dilation 1x2;"
        "maxpool 2 pad 0x1 stride 1; avgpool 2 pad same; flatten; dense 3; softmax",
        whole,
        main=True,
    )
    built(text, tmp_path / "net", COMPILERS[name], "-O2")


@for_each("whole", [False, True], ids=["floats", "whole numbers"])
def test_weights_that_are_applied_again_stand_there_once(whole):
    text = text_of(
        "input 1x8x8; conv 3 3x3 pad 1; relu; conv 3 3x3; batchnorm; relu; again 3; "
        "flatten; dense 3; log softmax",
        whole,
    )
    assert f" weights[{3 * 9 + 3 * 3 * 9 + 3 * 12}] " in text


@for_each(
    ("layers", "by_table"),
    [
        ("conv 4 3x3 pad 1 stride 2; relu; maxpool 2; conv 3 3x3 pad 1", False),
        ("conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; add back 1", True),
        ("conv 4 3x3; relu; upsample 2; conv 3 3x3", True),
    ],
)
def test_whose_turn_it_is_is_counted_where_each_map_reads_the_one_before(layers, by_table):
    model = model_of(f"input 1x13x12; {layers}; flatten; dense 3; softmax")
    images, _, _ = both(model)
    text = c_file(model.trained(), "net", quantise(model.trained(), images)).text
    assert ("turns[" in text) is by_table


@for_each(("size", "is_square"), [("14x14", True), ("14x12", False)])
def test_fields_that_nothing_reads_or_that_say_the_same_are_left_out(size, is_square):
    model = model_of(
        f"input 1x{size}; conv 4 3x3; maxpool 2; relu; conv 6 3x3; flatten; dense 3; softmax"
    )
    images, _, _ = both(model)
    text = c_file(model.trained(), "net", quantise(model.trained(), images)).text
    fields = text[text.index("struct maker {") : text.index("static const struct maker")]
    assert " also;" not in fields
    assert " reads;" not in fields
    assert (" rows;" not in fields) is is_square
