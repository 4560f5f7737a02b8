"""Cards through every door: each says what the reference says. They are six as a contributor would
add them, and the layers that only move values, or bend them by a number.

What stands here once isn't said again elsewhere: files that come back are in
`tests/formats/test_own_files.py`, texts that are typed on a page in `tests/web/test_new_cards.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.engine.engines import PlainEngine
from gradbook.engine.native import NativeEngine
from gradbook.errors import GradbookError
from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.net.text import grammar, write
from gradbook.report.play_page import builds, play_page
from gradbook.report.workbook import write_workbook
from gradbook.targets.drawing import draw
from gradbook.targets.excel.reader import ReaderPlan
from gradbook.targets.plain import as_archive, as_json
from gradbook.targets.portable.c_file import c_file
from tests.agree.runs import apart, reference_run, slopes
from tests.agree.test_steps import SLIGHT, slopes_by_trying
from tests.cases import for_each
from tests.engine.against import QUICK, a_batch, distance, held, reference
from tests.engine.against import run as one_step
from tests.formats.test_writers import ALL, by
from tests.outside.browser import browser
from tests.outside.pages.play.drawing import weights
from tests.outside.witness import read_values, recalculate_all
from tests.targets.portable.compiled import called
from tests.targets.portable.test_whole_numbers import both
from tests.trained import by_the_graph, drawn, model_of, trained_of

pytestmark = pytest.mark.usefixtures("six_cards")
FLAT = (
    "input 2; dense 3; bent identity; highway; l2norm; dense 2; ramp 0.7 0.4; loss root error; "
    "rate 0.3; seed 4; sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2"
)
STEPS = (
    "input 3x2; mgu 2; ramp 0.9; dense 1; loss root error; rate 0.3; seed 4; "
    "sample 0.5 -1 0.2 0.3 1 -1 -> 0.5"
)
NETS = {
    "flat": FLAT,
    "steps": STEPS,
    "own loss": "input 2; dense 3; tanh; dense 2; sigmoid; loss sum(|a - t|^1.5 + ln(cosh(2a-t))); "
    "rate 0.3; seed 4; sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2",
    "moved maps": "input 2x3x4; channels 2 1 0 2; rows 3-1; columns 2 2 0 4; conv 2 2x2; flatten; "
    "dense 2; rate 0.1; seed 3",
    "moved steps": "input 4x2; steps 4-1 0 2; conv1d 3 2; transpose; conv1d 2 1; steps 3; dense 1; "
    "rate 0.1; seed 3",
    "shapes": "input 6; dense 8; reshape 2x1x4; rnn 2 all; reshape 2x2x2; conv 1 2x2; flatten; "
    "dense 1; rate 0.1; seed 3",
    "channels": "input 5; dense 6; channels 1-3 6 0; tanh; dense 2; rate 0.1; seed 3",
    "numbers": "input 3; dense 4; scale -1; shift 0.5; dense 3; selu; atleast -0.4; atmost 0.8; "
    "dense 3; abs; dense 2; rate 0.1; seed 3",
}
MOVED = [*NETS][3:]
REFUSED = {
    "input 3; channels 4; dense 1": "channels 4 isn't there: 3 has 3",
    "input 3; channels 0; dense 1": "channels needs the number of one of them at least",
    "input 3; steps 1; dense 1": "steps takes a sequence",
    "input 3; channels 1-99999999; dense 1": "is a number, or a run such as 1-4",
    "input 3; channels 0-3; dense 1": "is a number, or a run such as 1-4",
    "input 3; reshape 2x1x1; flatten": "reshape 2x1x1 needs 2 values, but 3 has 3",
    "input 3; reshape 3; flatten": "reshape's shape is channels x rows x columns",
    "input 3; channels": "channels's number is missing",
    "input 3; dense 2; scale": "the factor is missing: write a number here",
    "input 3; dense 2; atmost x": "the greatest value is a number such as",
}

WORDS = ("bent identity", "ramp [SLOPE] [HEIGHT]", "l2norm", "highway", "mgu N", "root error")
IMAGES = {
    "flat": "input 1x4x4; flatten; dense 6; bent identity; highway; l2norm; dense 3; softmax",
    "steps": "input 12x4; mgu 4 all; mgu 3; ramp 0.5; dense 3; softmax",
    "maps": "input 1x4x4; conv 2 3x3; l2norm; bent identity; flatten; highway; dense 3; softmax",
    "moved maps": "input 2x5x5; channels 2 1 0 2; rows 2-4 0; columns 0 0 1-5; conv 2 2x2; relu; "
    "flatten; dense 3; softmax",
    "moved steps": "input 5x2; conv1d 3 2; steps 0 2-4; gru 3 all; steps 4; channels 3 1; dense 3; "
    "softmax",
}


# In text ----------------------------------------------------------------------------


def test_they_are_written_as_they_are_read_and_in_help():
    for text in NETS.values():
        assert parse(write(parse(text))) == parse(text)
    for word in WORDS:
        assert word in grammar(), word


@for_each(("text", "said"), [*REFUSED.items()])
def test_what_isnt_there_is_refused_in_a_line(text, said):
    with pytest.raises(GradbookError, match=said):
        parse(f"{text}; dense 1")


def test_what_moves_later_steps_forward_isnt_causal():
    for line in ("steps 2-4 4", "transpose", "reshape 4x1x4"):
        with pytest.raises(GradbookError, match="leave it out"):
            parse(f"input 4x4; {line}; attention causal; conv1d 1 1")
    assert parse("input 4x4; steps 0 1-3; attention causal; conv1d 1 1")


def test_a_derivation_names_each_tensor_and_what_each_value_is():
    explained = gb.explain(parse(FLAT))
    text = " ".join(str(explained).split())
    for words in ("W_new", "W_gate", "b_gate", "gated", "over size", "the error: root error"):
        assert words in text
    assert "no bias" not in text
    assert r"\sqrt" in explained.latex()
    assert "a_forget" in str(gb.explain(parse(STEPS)))
    for word in ("highway", "l2norm", "ramp"):
        assert word in draw(parse(FLAT)).words


# What they compute --------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_gradients_are_what_the_loss_does(name):
    net = parse(NETS[name])
    step = training_step(net)
    values = next(run(step, 1))
    assert apart(slopes(step), slopes(scalar_step(net))) <= 1e-12
    for weight, slope in step.gradients.items():
        tried = slopes_by_trying(step, weight, SLIGHT)
        assert values[slope] == pytest.approx(tried, rel=1e-7, abs=1e-9)


@pytest.mark.witness("torch")
@pytest.mark.parametrize("name", MOVED)
def test_gradients_of_what_is_moved_are_pytorchs(name):
    from tests.outside.torch_twin import gradients

    net = parse(NETS[name])
    step = training_step(net)
    found = gradients(net)
    values = next(run(step, 1))
    for node, slope in step.gradients.items():
        names = next(p for p in net.parameters if p.leaf == node.name).names
        expected = [found[name] for name in names]
        np.testing.assert_allclose(values[slope].ravel(), expected, rtol=1e-9, atol=1e-12)


def test_gradients_are_pytorchs(torch):
    net = parse(FLAT)
    step = training_step(net)
    values = next(run(step, 1))
    own = {str(node.name): torch.tensor(np.array(x)) for node, x in step.start.items()}
    own = {name: tensor.requires_grad_() for name, tensor in own.items()}
    x = torch.tensor([sample.inputs for sample in net.samples])
    t = torch.tensor([sample.targets for sample in net.samples])

    def sums(layer, x, part=""):
        weight, bias = (own[f"{letter}{part}_layer_{layer}"] for letter in "wb")
        return x @ weight.T + bias

    h = sums(0, x)
    h = h + (torch.sqrt(h**2 + 1) - 1) / 2
    share = torch.sigmoid(sums(2, h, "_gate"))
    h = share * torch.tanh(sums(2, h, "_new")) + (1 - share) * h
    h = h / torch.sqrt((h**2).sum(1, keepdim=True) + 1e-6)
    a = torch.clip(0.7 * sums(4, h), -0.4, 0.4)
    error = (torch.sqrt((t - a) ** 2 + 1) - 1).mean()
    error.backward()
    assert float(values[step.loss]) == pytest.approx(error.item(), rel=1e-12)
    for weight, slope in step.gradients.items():
        expected = own[str(weight.name)].grad.numpy()
        np.testing.assert_allclose(values[slope], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.witness("cc")
@pytest.mark.parametrize("text", [*NETS.values(), IMAGES["maps"]], ids=[*NETS, "maps"])
def test_they_train_in_c_and_in_numpy(text):
    net = parse(text)
    for engine in (NativeEngine(net, 8, 2, "float64", extra=QUICK), PlainEngine(net, 8)):
        batch, step = a_batch(net, 7), engine.step_graph
        truth = reference(step, {**held(engine), **batch.leaves(step)})
        assert one_step(engine, batch) == pytest.approx(float(truth[step.loss]), rel=1e-12)
        for weight, slope in step.gradients.items():
            assert distance(engine.gradients()[str(weight.name)], truth[slope]) < 1e-12


@pytest.mark.witness("libreoffice")
def test_a_workbook_computes_them_and_is_right(tmp_path):
    books = [
        write_workbook(parse(text), tmp_path / f"{name}.xlsx", epochs=5, rates=()).path
        for name, text in NETS.items()
    ]
    assert [gb.check(book).verdict for book in books] == ["right"] * len(books)
    for book, again in zip(books, recalculate_all(books, tmp_path / "again"), strict=True):
        computed = read_values(again)
        for sheet, cells in read_values(book).items():
            numbers = {cell: x for cell, x in cells.items() if isinstance(x, float)}
            found = [computed[sheet][cell] for cell in numbers]
            np.testing.assert_allclose(found, list(numbers.values()), 1e-9, 1e-9)


# For other programs -------------------------------------------------------------------


@by(ALL)
@pytest.mark.parametrize("name", IMAGES)
def test_onnx_keras_and_pytorch_compute_them(by, name):
    net = parse(IMAGES[name])
    numbers = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    found = by(trained_of(net), numbers)
    np.testing.assert_allclose(found, by_the_graph(net, drawn(net), numbers), atol=1e-5)


@pytest.mark.parametrize("name", IMAGES)
def test_their_tensors_are_written_by_name(name):
    trained = trained_of(parse(IMAGES[name]))
    for tensor in trained.tensors():
        assert tensor in as_json(trained)
    assert len(as_archive(trained)) > 0


@pytest.mark.witness("cc")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("flat", (1, 4, 4)),
        ("steps", (1, 12, 4)),
        ("moved maps", (2, 5, 5)),
        ("moved steps", (1, 5, 2)),
    ],
)
def test_c_for_any_machine_computes_them_in_floats_and_in_whole_numbers(name, size):
    model = model_of(IMAGES[name], images=size)
    numbers = np.random.default_rng(3).integers(0, 256, (20, *model.net.input), np.uint8)
    _, found = called(c_file(model.trained(), "net", None).text, "net", numbers, 3)
    np.testing.assert_allclose(found, model.predict(numbers), atol=2e-6)
    images, scores, classes = both(model)  # to the last bit as reckoned here
    assert (classes == model.classify(images)).mean() >= 0.95
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, model.predict(images), atol=0.05)


@pytest.mark.witness("chromium")
@pytest.mark.parametrize("name", ["flat", "steps", "numbers"])  # the page builds no moves
def test_a_page_computes_what_is_typed(name, tmp_path):
    net = parse("input 2; dense 3; tanh; dense 1; seed 4; sample 0.5 -1 -> 0.25")
    assert builds(parse(NETS[name]))
    (tmp_path / "page.html").write_text(play_page(net), encoding="utf-8")
    with browser() as page:
        page.show(tmp_path / "page.html")
        page.write("#text", NETS[name].replace("; ", "\n"))
        page.settle()
        for epoch in reference_run(training_step(parse(NETS[name])), 3):
            shown = weights(page)  # those that the drawing has room for
            expected = {name: epoch.weights[name] for name in shown}
            assert shown == pytest.approx(expected, rel=1e-12)
            page.press("#step")
        assert page.said == []


@pytest.mark.witness("chromium")
def test_a_page_computes_a_loss_by_a_formula_that_it_couldnt_read(tmp_path):
    net = parse(NETS["own loss"])
    assert not builds(net)
    (tmp_path / "page.html").write_text(play_page(net), encoding="utf-8")
    with browser() as page:
        page.show(tmp_path / "page.html")
        page.settle()
        for epoch in reference_run(training_step(net), 3):
            shown = weights(page)
            assert shown == pytest.approx({name: epoch.weights[name] for name in shown}, rel=1e-12)
            page.press("#step")
        assert page.said == []


@for_each("line", ["steps 5-1", "transpose", "reshape 5x1x2"])
def test_c_refuses_another_order_in_a_line(line):
    model = model_of(f"input 5x2; {line}; rnn 3; dense 3; softmax", images=(1, 5, 2))
    with pytest.raises(GradbookError, match="puts places in another order"):
        c_file(model.trained(), "net", None)


def test_a_workbook_that_reads_images_refers_to_the_cells():
    plan = ReaderPlan(parse("input 2x3x3; channels 0 2; rows 3-1; flatten; channels 10 1; dense 2"))
    formulas = [plan.formula(stage, 0, 0, 0) for stage in plan.stages[:3]]
    assert formulas[0] == "=0"
    assert all(formula.startswith("=") for formula in formulas)


# Doors that stay shut, and why ----------------------------------------------------------


def _c_of_maps():
    c_file(trained_of(parse(IMAGES["maps"])), "net", None)


def _live_reader():
    plan = ReaderPlan(parse("input 1x4x4; conv 4 3x3; l2norm; flatten; dense 2; softmax"))
    plan.formula(plan.stages[1], 0, 0, 0)


SHUT = {  # what is asked for, and what the line says: place, reason, remedy
    "C makes a map place by place, so no layer may add up all of it": (
        _c_of_maps,
        r"^l2norm1 can't be written in C, .* adds up all places: put 'flatten' before it$",
    ),
    "a cell of a workbook that reads images has no room for a sum over a map": (
        _live_reader,
        r"^layer 2: a workbook that reads images has no formula for l2norm: leave it out$",
    ),
}


@pytest.mark.parametrize("reason", SHUT)
def test_a_door_that_stays_shut_says_so_in_a_line(reason):
    ask, said = SHUT[reason]
    with pytest.raises(GradbookError, match=said):
        ask()
