import numpy as np
from hypothesis import given

from gradbook.net import Flatten, Net
from tests.cases import for_each
from tests.families import networks
from tests.trained import by_the_graph, drawn, model_of, outputs, trained_of

NET = """
input 1x6x6
conv 2 3x3 shared bias
batchnorm
relu
conv 3 3x3 no bias
relu
flatten
dense 2
"""


def inputs(net: Net) -> np.ndarray:
    return np.random.default_rng(1).uniform(-2, 2, (3, *net.input))


@given(networks(dropout=True))
def test_the_layers_say_what_the_graph_says(net):
    trained = trained_of(net)
    found = outputs(trained, inputs(net))
    expected = by_the_graph(net, drawn(net), inputs(net))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_layers_are_called_by_their_word_and_number():
    names = [layer.name for layer in trained_of(Net.parse(NET)).layers]
    assert names == ["conv1", "batchnorm1", "relu1", "conv2", "relu2", "flatten1", "dense1"]


def test_tensors_are_called_by_their_layer():
    tensors = trained_of(Net.parse(NET)).tensors()
    assert {name: array.shape for name, array in tensors.items()} == {
        "conv1.weight": (2, 1, 3, 3),
        "conv1.bias": (2,),  # a shared one, for each output
        "batchnorm1.scale": (2,),
        "batchnorm1.shift": (2,),
        "batchnorm1.mean": (2,),
        "batchnorm1.variance": (2,),
        "conv2.weight": (3, 2, 3, 3),
        "dense1.weight": (2, 12),
        "dense1.bias": (2,),
    }


def test_each_of_several_normalisations_has_its_own_statistics():
    net = Net.parse("input 2; batchnorm; dense 2; batchnorm")
    values = drawn(net)
    tensors = trained_of(net).tensors()
    for number in "12":
        np.testing.assert_array_equal(tensors[f"batchnorm{number}.mean"], values[f"r_μ{number}"])
        np.testing.assert_array_equal(
            tensors[f"batchnorm{number}.variance"], values[f"r_σ²{number}"]
        )


def test_a_softmax_of_channels_is_given_them_flat():
    trained = trained_of(Net.parse("input 1x2x2; conv 3 2x2; softmax; loss cross-entropy"))
    assert [layer.name for layer in trained.layers] == ["conv1", "flatten1", "softmax1"]
    assert trained.layers[1].layer == Flatten()
    assert trained.layers[2].reads == (2,)


@for_each(("input", "picture"), [("1x28x28", (1, 28, 28)), ("784", (1, 28, 28)), ("7", None)])
def test_a_model_tells_what_its_pictures_are_like(input, picture):
    layers = "flatten; dense 10" if "x" in input else "dense 10"
    trained = model_of(f"input {input}; {layers}; softmax").trained()
    assert trained.picture == picture
    assert trained.classes == tuple("0123456789")
    assert trained.scaling.scale.shape in ((1,), trained.input)
