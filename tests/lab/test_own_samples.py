"""A network's own samples, trained from Python as in its workbook."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.net import BUILTIN
from gradbook.net.build import training_step
from gradbook.net.step import run
from tests.cases import for_each

EPOCHS = 70


@for_each("name", [name for name in BUILTIN if gb.builtin(name).has_samples])
def test_each_weight_is_that_of_the_workbook_to_the_last_bit(name):
    net = gb.builtin(name)
    trained, step = gb.train(net), training_step(net)
    *_, last = run(step, EPOCHS + 1)
    by_name = {str(leaf.name): last[leaf] for leaf in step.start}
    for weight, values in trained.model.values.items():
        assert values.tobytes() == np.asarray(by_name[weight]).tobytes(), weight
    losses = [float(values[step.loss]) for values in run(step, EPOCHS)]
    assert [epoch.train_loss for epoch in trained.history] == losses


@pytest.mark.witness("torch")
def test_xor_is_what_pytorch_trains():
    import torch

    net = gb.builtin("xor")
    start = training_step(net).start
    first, second = torch.nn.Linear(2, 3).double(), torch.nn.Linear(3, 1).double()
    for leaf, values in start.items():
        layer = first if str(leaf.name).endswith("0") else second
        part = layer.weight if str(leaf.name).startswith("w") else layer.bias
        part.data = torch.tensor(np.asarray(values)).reshape(part.shape)
    x = torch.tensor([sample.inputs for sample in net.samples]).double()
    t = torch.tensor([sample.targets for sample in net.samples]).double()
    descent = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=net.learning_rate)
    for _ in range(200):
        descent.zero_grad()
        said = torch.sigmoid(second(torch.tanh(first(x))))
        torch.nn.functional.binary_cross_entropy(said, t).backward()
        descent.step()
    values = gb.train("xor", epochs=200).model.values
    np.testing.assert_allclose(values["w_layer_0"], first.weight.detach(), rtol=1e-9)
    np.testing.assert_allclose(values["b_layer_2"], second.bias.detach(), rtol=1e-9)


def test_a_text_with_samples_is_trained_on_them_and_predicts():
    text = "input 2; dense 3; tanh; dense 1; sigmoid; loss binary cross-entropy; rate 1"
    samples = "; ".join(f"sample {a} {b} -> {a ^ b}" for a in (0, 1) for b in (0, 1))
    trained = gb.train(f"{text}; {samples}", epochs=400)
    assert trained.model.predict([[0, 1], [1, 1]]).round().tolist() == [[1], [0]]
    other = gb.train(f"{text}; {samples}", set="update adam; rate 0.1", epochs=400)
    assert other.history[-1].train_loss < 0.05


def test_the_names_of_a_table_s_columns_are_kept(tmp_path):
    file = tmp_path / "and.csv"
    file.write_text("left,right,both\n0,0,0\n0,1,0\n1,0,0\n1,1,1\n")
    net = gb.read_table(file, gb.Net.parse("input 2; dense 1; sigmoid; rate 5"))
    model = gb.train(net, epochs=300).model
    assert model.predicts == ("both",)
    assert model.predict({"right": [1, 0], "left": [1, 1]}).round().tolist() == [[1], [0]]


def test_what_a_workbook_does_not_do_is_refused():
    for lines in ("class weights balanced", "warp rotate 10", "rate find"):
        with pytest.raises(gb.GradbookError, match="own samples are trained on as they are"):
            gb.train("xor", set=lines)


def test_other_samples_are_learned_instead_if_they_are_given():
    x = [[0, 0], [0, 1], [1, 0], [1, 1]] * 10
    trained = gb.train(gb.builtin("xor"), x, [a & b for a, b in x], epochs=100)
    assert trained.model.evaluate([[1, 1], [0, 1]], [1, 0]).score == 1
