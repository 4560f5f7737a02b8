"""Layers that only move values, or bend them by a number, through every door: each says what the
reference says."""

from __future__ import annotations

import runpy

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
from gradbook.net.text import write
from gradbook.report.play_page import builds, play_page
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.reader import ReaderPlan
from gradbook.targets.portable.c_file import c_file
from tests.agree.runs import apart, reference_run, slopes
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

NETS = {
    "maps": "input 2x3x4; channels 2 1 0 2; rows 3-1; columns 2 2 0 4; conv 2 2x2; flatten; "
    "dense 2",
    "steps": "input 4x2; steps 4-1 0 2; conv1d 3 2; transpose; conv1d 2 1; steps 3; dense 1",
    "shapes": "input 6; dense 8; reshape 2x1x4; rnn 2 all; reshape 2x2x2; conv 1 2x2; flatten; "
    "dense 1",
    "flat": "input 5; dense 6; channels 1-3 6 0; tanh; dense 2",
    "numbers": "input 3; dense 4; scale -1; shift 0.5; dense 3; selu; atleast -0.4; atmost 0.8; "
    "dense 3; abs; dense 2",
}
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


@for_each("text", [*NETS.values()])
def test_a_text_comes_back_and_gradients_are_those_of_single_values(text):
    net = parse(f"{text}; seed 3")
    assert parse(write(net)) == net
    assert apart(slopes(training_step(net)), slopes(scalar_step(net))) <= 1e-12


@for_each(("text", "said"), [*REFUSED.items()])
def test_what_isnt_there_is_refused_in_a_line(text, said):
    with pytest.raises(GradbookError, match=said):
        parse(f"{text}; dense 1")


def test_what_moves_later_steps_forward_isnt_causal():
    for line in ("steps 2-4 4", "transpose", "reshape 4x1x4"):
        with pytest.raises(GradbookError, match="leave it out"):
            parse(f"input 4x4; {line}; attention causal; conv1d 1 1")
    assert parse("input 4x4; steps 0 1-3; attention causal; conv1d 1 1")


@pytest.mark.witness("torch")
@for_each("text", [*NETS.values()])
def test_gradients_are_pytorchs(text):
    from tests.outside.torch_twin import gradients

    net = parse(f"{text}; seed 3")
    step = training_step(net)
    found = gradients(net)
    values = next(run(step, 1))
    for node, slope in step.gradients.items():
        names = next(p for p in net.parameters if p.leaf == node.name).names
        expected = [found[name] for name in names]
        np.testing.assert_allclose(values[slope].ravel(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.witness("cc")
@pytest.mark.parametrize("name", NETS)
def test_they_train_in_c_and_in_numpy(name):
    net = parse(NETS[name])
    for engine in (NativeEngine(net, 8, 2, "float64", extra=QUICK), PlainEngine(net, 8)):
        batch, step = a_batch(net, 7), engine.step_graph
        truth = reference(step, {**held(engine), **batch.leaves(step)})
        assert one_step(engine, batch) == pytest.approx(float(truth[step.loss]), rel=1e-12)
        for weight, slope in step.gradients.items():
            assert distance(engine.gradients()[str(weight.name)], truth[slope]) < 1e-12


@pytest.mark.witness("libreoffice")
def test_a_workbook_computes_them_and_is_right(tmp_path):
    books = [
        write_workbook(parse(f"{text}; seed 3"), tmp_path / f"{name}.xlsx", epochs=4, rates=()).path
        for name, text in NETS.items()
    ]
    assert [gb.check(book).verdict for book in books] == ["right"] * len(books)
    for book, again in zip(books, recalculate_all(books, tmp_path / "again"), strict=True):
        computed = read_values(again)
        for sheet, cells in read_values(book).items():
            numbers = {cell: x for cell, x in cells.items() if isinstance(x, float)}
            found = [computed[sheet][cell] for cell in numbers]
            np.testing.assert_allclose(found, list(numbers.values()), 1e-9, 1e-9)


@by(ALL)
@pytest.mark.parametrize("name", NETS)
def test_onnx_keras_and_pytorch_compute_them(by, name):
    net = parse(NETS[name])
    given = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    found = by(trained_of(net), given)
    np.testing.assert_allclose(found, by_the_graph(net, drawn(net), given), atol=1e-5)


def test_a_program_of_numpy_computes_them(tmp_path):
    model = model_of("input 2x4x4; channels 2 0 1; rows 4-1; columns 2-4; flatten; dense 3")
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 4, 4), np.uint8)
    program, _ = model.export(tmp_path / "net.numpy.py").files
    found = runpy.run_path(str(program))["predict"](images)
    np.testing.assert_allclose(found, model.predict(images), atol=2e-5)


IN_ORDER = {
    "maps": "input 2x5x5; channels 2 1 0 2; rows 2-4 0; columns 0 0 1-5; conv 2 2x2; relu; "
    "flatten; dense 3; softmax",
    "steps": "input 5x2; conv1d 3 2; steps 0 2-4; gru 3 all; steps 4; channels 3 1; dense 3; "
    "softmax",
}


@pytest.mark.witness("cc")
@pytest.mark.parametrize("name", IN_ORDER)
def test_c_for_any_machine_computes_them_in_floats_and_in_whole_numbers(name):
    model = model_of(IN_ORDER[name], images=(2, 5, 5) if name == "maps" else (1, 5, 2))
    given = np.random.default_rng(3).integers(0, 256, (20, *model.net.input), np.uint8)
    _, found = called(c_file(model.trained(), "net", None).text, "net", given, 3)
    np.testing.assert_allclose(found, model.predict(given), atol=2e-6)
    images, _, classes = both(model)  # to the last bit as reckoned here
    assert (classes == model.classify(images)).mean() >= 0.95


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


@pytest.mark.witness("chromium")
@pytest.mark.parametrize("name", NETS)
def test_a_page_computes_what_is_typed(name, tmp_path):
    net = parse("input 2; dense 3; tanh; dense 1; seed 4; sample 0.5 -1 -> 0.25")
    text = f"{NETS[name]}; rate 0.1; seed 3"
    assert builds(parse(text))
    (tmp_path / "page.html").write_text(play_page(net), encoding="utf-8")
    with browser() as page:
        page.show(tmp_path / "page.html")
        page.write("#text", text.replace("; ", "\n"))
        page.settle()
        for epoch in reference_run(training_step(parse(text)), 3):
            shown = weights(page)  # those that the drawing has room for
            expected = {name: epoch.weights[name] for name in shown}
            assert shown == pytest.approx(expected, rel=1e-12)
            page.press("#step")
        assert page.said == []
