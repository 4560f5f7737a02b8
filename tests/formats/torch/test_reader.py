"""PyTorch's modules, exported by PyTorch, held against what PyTorch says of them."""

import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradbook as gb
from gradbook.errors import GradbookError
from gradbook.formats.torch.read import read_pt2, torch_net
from gradbook.net import Again, Net
from tests.cases import for_each
from tests.formats.architectures import ODD, made
from tests.formats.steps import require_step
from tests.formats.torch.test_module import module_of
from tests.trained import by_the_graph, trained_of

pytestmark = pytest.mark.witness("torch")


def held(torch, module, example):
    """The network of a module, which says what the module says."""
    imported = torch_net(module, example)
    with torch.no_grad():
        expected = module(example).numpy()
    size, given = imported.net.input, example.numpy().reshape(len(example), *imported.net.input)
    if imported.preparation is not None:
        shape = (-1, *(1,) * (len(size) - 1))
        mean, deviation = imported.preparation.mean, imported.preparation.deviation
        given = (given - np.reshape(mean, shape)) / np.reshape(deviation, shape)
    outputs = by_the_graph(imported.net, dict(imported.values), given.astype(np.float64))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    return imported


@for_each("name", ODD)
def test_networks_say_what_they_said_in_pytorch(torch, name):
    module, shape = made(torch, name)
    held(torch, module, torch.rand(5, *shape) * 2 - 0.5)


@for_each("name", [*ODD, "ResNet", "DenseNet", "MobileNet v2", "GoogLeNet (Inception)"])
def test_gradients_of_a_step_are_pytorchs(torch, name):
    """Of batches too, as normalisation has them in training."""
    module, shape = made(torch, name)
    inputs, labels = torch.rand(5, *shape) * 2 - 0.5, torch.tensor([0, 1, 2, 1, 0])
    before = torch_net(module, inputs)
    for part in module.modules():
        part.training = not isinstance(part, torch.nn.Dropout)
    descent = torch.optim.SGD(module.parameters(), lr=1)
    torch.nn.functional.cross_entropy(module(inputs), labels).backward()
    descent.step()
    after = torch_net(module.eval(), inputs)
    assert not require_step(before, after, inputs.numpy(), labels.numpy())


def test_what_stands_in_forward_is_read_too(torch):
    nn = torch.nn

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1))
            self.first = nn.Conv2d(3, 4, 3, padding="same", bias=False)
            self.norm = nn.BatchNorm2d(4, affine=False)
            self.last = nn.Linear(36, 2)

        def forward(self, x):
            x = (x - self.mean) / 0.25
            x = torch.relu_(self.norm(self.first(x)))
            x = nn.functional.adaptive_avg_pool2d(0.5 * x + 1, 3)
            return self.last(x.reshape(x.size(0), -1))

    found = held(torch, Own().eval(), torch.rand(4, 3, 6, 6))
    assert found.preparation.mean == pytest.approx((0.4, 0.5, 0.6))
    assert found.preparation.deviation == pytest.approx((0.25,) * 3)


def saved(torch, path, module, *shape, **more):
    program = torch.export.export(module.eval(), (torch.rand(*shape),), **more)
    torch.export.save(program, path)
    return path


def test_a_file_is_read_without_pytorch_also_with_any_number_of_images(torch, tmp_path):
    module, shape = made(torch, "MLP of images")
    batch = torch.export.Dim("batch")
    path = saved(torch, tmp_path / "net.pt2", module, 3, *shape, dynamic_shapes=({0: batch},))
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)
    with pytest.warns(gb.Assumption, match="the normalisation of images is unknown"):
        model = gb.load(path)
    inputs = torch.tensor(images / 255).to(torch.get_default_dtype())
    expected = module(inputs).softmax(1).detach().numpy()
    np.testing.assert_allclose(model.predict(images), expected, atol=1e-5)


def test_a_module_is_a_model(torch):
    lenet, shape = made(torch, "LeNet-5")
    module = torch.nn.Sequential(lenet, torch.nn.Softmax(1)).eval()
    model = gb.from_torch(module, torch.rand(1, *shape), mean=[0.5], deviation=[0.5])
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)
    inputs = torch.tensor(images / 255 * 2 - 1).to(torch.get_default_dtype())
    np.testing.assert_allclose(model.predict(images), module(inputs).detach().numpy(), atol=1e-5)
    assert model.about["imported"] == "Sequential"


def test_all_that_has_no_layer_is_told_at_once(torch):
    nn = torch.nn
    module = nn.Sequential(
        *(nn.Conv2d(1, 2, 3, padding=(3, 0)), nn.Hardshrink(), nn.Softplus(2)),
        *(nn.AvgPool2d(2, divisor_override=3), nn.ZeroPad2d(1), nn.MaxPool2d(2)),
    )
    with pytest.raises(GradbookError) as caught:
        torch_net(module.eval(), torch.rand(1, 1, 12, 12))
    for said in (
        "conv2d 'conv2d': with pad 3x0 a window 3x3 may cover only padding",
        "hardshrink 'hardshrink': gradbook has no such layer",
        "softplus 'softplus': only a softplus with a beta of 1 and a threshold of 20 can be read",
        "avg_pool2d 'avg_pool2d': an average pool with its own divisor can't be read",
    ):
        assert said in caught.value.message
    padded = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ZeroPad2d(1), nn.MaxPool2d(2), nn.Flatten())
    held(torch, padded, torch.rand(2, 1, 12, 12))


def test_channels_that_stand_last_are_put_back_before_a_convolution(torch):
    class Turned(torch.nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).transpose(1, 2)

    last = torch.nn.Conv2d(4, 2, 3)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), Turned(), last, torch.nn.Flatten())
    held(torch, module, torch.rand(2, 1, 6, 6))


def test_a_parameter_times_a_value_scales_its_channels(torch):
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.rand(4, 1, 1))

        def forward(self, x):
            return self.scale * x

    module = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), Scaled(), torch.nn.Flatten())
    held(torch, module.eval(), torch.rand(5, 1, 6, 6))


def test_a_buffer_that_weighs_all_alike_is_an_average(torch):
    net = Net.parse("input 2x6x6; avgpool 2 stride 1 pad 1 dilation 2 zeros; flatten; dense 2")
    module = module_of(trained_of(net))
    assert torch_net(module, torch.rand(1, 2, 6, 6)).net.layers[0] == net.layers[0]


def test_a_module_in_training_is_told_what_to_do(torch):
    module = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Linear(3, 2))
    with pytest.raises(GradbookError, match=r"call module.eval\(\)"):
        torch_net(module, torch.rand(2, 3))


def test_what_pytorch_cant_export_is_told_in_one_line(torch):
    class Mine(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(GradbookError, match="Mine: PyTorch can't export it"):
        torch_net(Mine(), torch.rand(2, 3))


# Files from strangers.


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
    path = saved(torch, tmp_path_factory.mktemp("pt2") / "net.pt2", module, 2, 1, 4, 4)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, members, name, change):
    """A file in which something of that name is something else."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in members.items():
            told = json.loads(content) if place.endswith(name) else None
            if told is not None:
                change(told)
            archive.writestr(place, content if told is None else json.dumps(told))
    return path


CONFIG = "model_weights_config.json"


@for_each(
    ("change", "said"),
    [
        ({"use_pickle": True}, "is pickled"),
        ({"path_name": "../../elsewhere"}, "it has no"),
        ({"size": 2**40}, "at most 33,554,432 numbers can be read"),
        ({"stride": 2**40}, "is larger than its data"),
        ({"size": -1}, "its sizes, entry 1, its as_int is a whole number"),
    ],
)
def test_weights_are_numbers_in_the_file_itself(tmp_path, members, change, said):
    def spoil(told):
        own = told["config"]["0.weight"]
        for word in ("size", "stride"):
            if word in change:
                own["tensor_meta"][f"{word}s"][0]["as_int"] = change[word]
        own.update({k: v for k, v in change.items() if k in own})

    path = written(tmp_path / "net.pt2", members, CONFIG, spoil)
    with pytest.raises(GradbookError, match=said) as caught:
        read_pt2(path)
    assert str(path) in str(caught.value)


def test_an_argument_that_cannot_be_is_told_with_what_it_may_be(tmp_path, members):
    def spoil(told):
        for node in told["graph_module"]["graph"]["nodes"]:
            if "conv2d" in node["target"]:
                stride = {"name": "stride", "arg": {"as_ints": [1, 0]}, "kind": 1}
                node["inputs"] = [one for one in node["inputs"] if one["name"] != "stride"]
                node["inputs"].append(stride)
            if "linear" in node["target"]:
                node["inputs"][1]["arg"] = {"as_int": 3}

    with pytest.raises(GradbookError) as caught:
        read_pt2(written(tmp_path / "net.pt2", members, "models/model.json", spoil))
    said = "conv2d 'conv2d': its stride, entry 2 is a whole number from 1 to 65,536, not 0"
    assert said in caught.value.message
    assert "linear 'linear': its weight is a tensor, not something else" in caught.value.message


def test_an_archive_of_something_else_is_told_how_it_should_be_saved(tmp_path):
    with zipfile.ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr("serialized_state_dict.pt", b"\x80\x02.")
    with pytest.raises(GradbookError, match=r"torch\.export\.save of a newer PyTorch"):
        read_pt2(tmp_path / "net.pt2")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_stands_in_it_gets_one_line(tmp_path_factory, members, data):
    values = st.sampled_from([None, -1, 0, 1e400, "x", [], [2], {}, {"as_int": 3}, 10**9, True])

    def change(told):
        place = told["graph_module"]
        for _ in range(data.draw(st.integers(0, 8))):
            inside = [x for x in (place if isinstance(place, list) else place.values()) if x]
            inside = [x for x in inside if isinstance(x, dict | list)]
            place = data.draw(st.sampled_from(inside)) if inside else place
        keys = range(len(place)) if isinstance(place, list) else sorted(place)
        place[data.draw(st.sampled_from(keys))] = data.draw(values)

    path = tmp_path_factory.getbasetemp() / "changed.pt2"
    with suppress(GradbookError):
        read_pt2(written(path, members, "models/model.json", change))
    with suppress(GradbookError):
        path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, 3000))])
        read_pt2(path)


def test_a_module_that_is_called_several_times_is_a_layer_applied_again(torch):
    module, shape = made(torch, "applied again")
    found = torch_net(module, torch.rand(2, *shape)).net
    assert found.again == (Again(2, 3, 3), Again(13, 2, 2))
    assert found.count() == sum(weights.numel() for weights in module.parameters())


def test_weights_that_are_shared_otherwise_are_kept_apart_and_that_is_said(torch):
    one, other = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    module = torch.nn.Sequential(one, other, torch.nn.Tanh(), one)
    found = held(torch, module, torch.rand(5, 4))
    assert not found.net.again
    (remark,) = found.remarks
    assert "linear 'linear', linear 'linear_2' have the same weights in the file" in remark
