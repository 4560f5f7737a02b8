from importlib import import_module
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given

from gradbook.net import BUILTIN, Net, builtin, parse
from gradbook.targets.drawing import Drawing, draw, net_png, png, svg
from gradbook.targets.drawing.shapes import Label, Plane, Polyline, Unit, WindowFrame
from tests.cases import for_each
from tests.families import networks
from tests.pseudo import pseudo_language

pixels = import_module("gradbook.targets.drawing.png")  # whose name is its function's, too

PLAIN = "input 2; dense 2 no bias; sigmoid; dense 2 no bias; sigmoid"
MANY = "input 3; dense 16; relu; dense 16; relu; dense 10; softmax; loss cross-entropy"
NORMED = "input 3; dense 4; batchnorm; relu; dense 2; sample 1 2 3 -> 0 1; sample 3 2 1 -> 1 0"
IMAGE = "input 1x28x28; conv 10 3x3 pad 1; relu; maxpool 2; batchnorm; flatten; dense 10; softmax"


def shapes(drawing: Drawing, kind: type) -> list:
    return [shape for shape in drawing.shapes if isinstance(shape, kind)]


def written(drawing: Drawing) -> list[str]:
    """Every name as it reads, and every caption."""
    return [label.text + label.subscript for label in shapes(drawing, Label)]


def weight_lines(drawing: Drawing) -> dict[str, tuple[Polyline, Polyline]]:
    """Each weight's line: from its unit to its label, and from there on."""
    found = drawing.shapes
    return {
        shape.text + shape.subscript: (found[k - 1], found[k + 1])
        for k, shape in enumerate(found)
        if isinstance(shape, Label) and shape.is_left
    }


@given(networks())
def test_everything_lies_within_the_picture(net):
    drawing = draw(net)
    for shape in drawing.shapes:
        assert shape.box.left >= 0
        assert shape.box.top >= 0
        assert shape.box.right <= drawing.width
        assert shape.box.bottom <= drawing.height


@given(networks(images=False))
def test_a_weight_s_name_stands_between_the_pieces_of_its_own_line(net):
    for before, after in weight_lines(draw(net)).values():
        (*_, end), (start, *_) = before.points, after.points
        assert end[1] == start[1]
        assert start[0] > end[0]
        assert end[0] - before.points[0][0] < after.points[-1][0] - start[0]  # near its start


def test_every_weight_has_its_name_in_the_worked_example():
    found = written(draw(builtin("worked")))
    assert [name for name in found if name[0] == "w"] == [f"w{k}" for k in (1, 3, 2, 4, 5, 7, 6, 8)]
    assert {"i1", "h1", "ah1", "o2", "ao2", "E1", "t2", "Etotal"} <= set(found)


def test_a_weight_joins_the_units_that_it_joins():
    drawing = draw(builtin("worked"))
    at = {label.text + label.subscript: label.centre for label in shapes(drawing, Label)}
    before, after = weight_lines(drawing)["w6"]
    assert before.points[0][1] == at["ah2"][1]
    assert after.points[-1][1] == at["o1"][1]


def test_weights_stand_in_the_order_of_the_units_that_they_lead_to():
    labels = [label for label in shapes(draw(builtin("worked")), Label) if label.is_left]
    heights = {label.subscript: label.centre[1] for label in labels}
    assert sorted("1234", key=heights.__getitem__) == ["1", "3", "2", "4"]


def test_start_values_stand_beside_the_names_only_when_asked_for():
    plain, numbered = (draw(builtin("mazur"), numbers) for numbers in (False, True))
    assert not any(label.number for label in shapes(plain, Label))
    values = {label.text + label.subscript: label.number for label in shapes(numbered, Label)}
    assert (values["i1"], values["w5"], values["b1"], values["t2"]) == (
        "0.05",
        "0.4",
        "0.35",
        "0.99",
    )


def test_a_network_without_biases_has_no_small_circles_but_targets():
    small = [unit for unit in shapes(draw(builtin("worked")), Unit) if unit.radius < 20]
    assert [unit.colours[0].word for unit in small] == ["targets", "targets"]


def test_long_columns_show_their_ends_and_count_the_rest():
    found = written(draw(parse(MANY)))
    assert found.count("12 more") == 2
    assert {"h1,1", "h1,16", "h2,16", "o10", "6 more", "w305 … w464"} <= set(found)
    assert "h1,5" not in found


def test_images_are_planes_with_their_shape():
    drawing = draw(parse(IMAGE))
    assert {"1@28x28", "10@28x28", "10@14x14"} <= set(written(drawing))
    captions = " ".join(written(drawing))
    assert "conv 10 3x3 pad 1 relu w1 … w90, b1 … b10" in captions
    boxes = [plane.box for plane in shapes(drawing, Plane)]
    assert len(boxes) == 1 + 5 + 5 + 5
    sizes = [label for label in shapes(drawing, Label) if "@" in label.text]
    for size, stack in zip(sizes, (boxes[:1], boxes[1:6], boxes[6:11], boxes[11:]), strict=True):
        middle = (min(box.left for box in stack) + max(box.right for box in stack)) / 2
        assert size.centre[0] == pytest.approx(middle, abs=0.01)
    assert len(shapes(drawing, WindowFrame)) == 4  # the convolution's window and the pooling's


def test_each_layer_with_weights_is_told_as_hidden_or_output():
    net = parse("input 1x4x4; conv 2 3x3; batchnorm; flatten; dense 3; tanh; dense 2; softmax")
    captions = " ".join(written(draw(net)))
    for said in ("hidden 1 conv 2 3x3", "hidden 2 dense 3", "output dense 2"):
        assert said in captions
    assert "hidden dense 2" in " ".join(written(draw(builtin("worked"))))


def test_batchnorm_has_a_column_of_its_own():
    assert {"h4", "y4", "ay4", "batchnorm"} <= set(written(draw(parse(NORMED))))


def test_a_residual_sum_is_joined_to_the_earlier_values_over_the_top():
    lines = "input 2; dense 2; tanh; dense 2; {}dense 1; loss mean squared error"
    straight, skipping = (draw(parse(lines.format(layer))) for layer in ("", "add back 2; "))
    top = min(unit.box.top for unit in shapes(skipping, Unit))
    (over,) = [line for line in shapes(skipping, Polyline) if line.box.top < top]
    columns = sorted({unit.centre[0] for unit in shapes(skipping, Unit)})
    assert columns[1] < over.points[0][0] < columns[2] < over.points[-1][0] < columns[3]
    assert skipping.height > straight.height


def test_units_side_by_side_are_each_joined_to_their_own():
    drawing = draw(parse("input 2; dense 1; concat back 1; concat back 1 0; dense 1"))
    columns = {unit.centre[0] for unit in shapes(drawing, Unit)}
    assert {"j1,1", "j1,3", "j2,1", "j2,4"} <= set(written(drawing))
    assert len(columns) >= 5


def test_several_samples_are_averaged():
    assert "mean over 4 samples" in " ".join(written(draw(builtin("xor"))))


def test_a_network_of_one_unit_is_drawn():
    assert {"i1", "w1", "b1", "o1", "E1", "Etotal"} <= set(written(draw(parse("input 1; dense 1"))))


def test_a_large_layer_is_drawn_at_once():
    assert "99,996 more" in written(draw(parse("input 100000; dense 9")))


@given(networks())
def test_svg_is_well_formed_and_says_what_it_shows(net):
    drawing = draw(net)
    root = ElementTree.fromstring(svg(drawing))
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawing.words
    said = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert said == [label.text + label.subscript + label.number for label in shapes(drawing, Label)]


def test_svg_escapes_a_hostile_name():
    net = Net(input=2, layers=parse(PLAIN).layers, name='"><script>alert(1)</script>')
    text = svg(draw(net))
    assert "<script" not in text
    ElementTree.fromstring(text)


def test_svg_brings_its_dark_colours_only_when_it_stands_alone():
    drawing = draw(builtin("worked"))
    assert "prefers-color-scheme:dark" in svg(drawing)
    assert "<style" not in svg(drawing, alone=False)


def test_drawings_are_the_same_every_time():
    one, two = (draw(builtin("strokes"), numbers=True) for _ in range(2))
    assert svg(one) == svg(two)
    assert png(one, 300) == png(two, 300)


@for_each("name", BUILTIN)
def test_png_has_the_width_asked_for_and_is_not_blank(name):
    from PIL import Image

    drawing = draw(builtin(name))
    picture = Image.open(BytesIO(png(drawing, 700))).convert("RGB")
    assert picture.size == (700, round(700 * drawing.height / drawing.width))
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    assert len(picture.getcolors(100_000)) > 20


def test_png_paints_a_unit_where_the_drawing_has_it():
    from PIL import Image

    drawing = draw(builtin("worked"))
    picture = Image.open(BytesIO(png(drawing, round(drawing.width)))).convert("RGB")
    unit = next(unit for unit in shapes(drawing, Unit) if len(unit.colours) == 2)
    x, y = unit.centre
    for colour, side in zip(unit.colours, (-1, 1), strict=True):
        seen = picture.getpixel((round(x + side * 10), round(y - unit.radius + 5)))
        wanted = tuple(int(colour.fill[k : k + 2], 16) for k in (1, 3, 5))
        assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 12


# A language's letters in pixels -----------------------------------------------


@pytest.fixture
def no_other_font(monkeypatch):
    """As on a system that has no fonts."""
    monkeypatch.setattr(pixels, "FONTS", pixels.FONTS[:1])
    pixels._font_with.cache_clear()
    yield
    pixels._font_with.cache_clear()


def test_letters_that_no_font_has_are_left_to_english_words(no_other_font):
    english = net_png(builtin("worked"))
    with pseudo_language():
        assert not pixels.can_paint(draw(builtin("worked")))
        assert net_png(builtin("worked")) == english


def test_a_language_s_words_are_painted_where_they_can_be():
    english = net_png(builtin("worked"))
    with pseudo_language():
        can_paint = pixels.can_paint(draw(builtin("worked"), numbers=True))
        assert (net_png(builtin("worked")) != english) == can_paint
