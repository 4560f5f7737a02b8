"""How names are spelled, and which of a tensor's elements has which."""

from __future__ import annotations

from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name, gradient_name
from gradbook.net import parse
from gradbook.net.names import layer_names
from tests.cases import for_each

HIDDEN = Name("h", layer=2)
ACTIVE = Name("a", of=HIDDEN)


@for_each(
    ("name", "spelled"),
    [
        (Name("η"), "η"),
        (Name("w", (5,)), "w5"),
        (Name("c", (1, 2, 3)), "c1_2_3"),
        (Name("c", (1, 2, 3), layer=2), "c2_1_2_3"),
        (Name("a", of=Name("h", (1,))), "a_h1"),
        (Name("a", of=Name("a", of=Name("h", (1,)))), "a_a_h1"),
        (Name("L", of=Name("o")), "L_o"),
        (SAMPLE_ERROR, "E_sample"),
        (TOTAL_ERROR, "E_total"),
        (gradient_name(Name("w", (5,))), "∂E/∂w5"),
        (gradient_name(Name("a", of=Name("o", (1,)))), "∂E/∂a_o1"),
        (Name("g", of=Name("w", (5,))), "g_w5"),
        (Name("σ²", (1,)), "σ²1"),
    ],
)
def test_names_are_spelled_as_people_write_them(name, spelled):
    assert str(name) == spelled


@for_each(
    ("name", "spelled"),
    [(HIDDEN, "h2_3"), (ACTIVE, "a_h2_3"), (gradient_name(ACTIVE), "∂E/∂a_h2_3")],
)
def test_the_place_goes_with_the_innermost_letter(name, spelled):
    assert str(name.at(3)) == spelled


@for_each(
    ("shape", "first", "last"),
    [
        ((), "p", "p"),
        ((3,), "p1", "p3"),
        ((1, 2, 3), "p1_1", "p2_3"),
        ((2, 2, 3), "p1_1_1", "p2_2_3"),
    ],
)
def test_places_count_from_one_and_a_single_channel_goes_without_saying(shape, first, last):
    names = [str(name) for name in Name("p").elements(shape).values()]
    assert (names[0], names[-1]) == (first, last)


def test_a_layers_values_are_called_by_its_letter_numbered_where_there_are_several():
    net = parse(
        """input 1x4x4; conv 1 3x3 pad 1; batchnorm; relu; add back 3; conv 1 1x1; add back 1
        maxpool 2; dropout 0; flatten; dense 4; gelu; add back 2; concat back 1
        concat back 2; dense 2"""
    )
    assert " ".join(map(str, layer_names(net))) == "i c1 y a_y z1 c2 z2 p p p h a_h z3 j1 j2 o"
