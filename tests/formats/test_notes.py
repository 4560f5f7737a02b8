"""What a file says beside its layers, class names and how images are prepared, comes back."""

import json
import zipfile

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.lab.models.importing import import_model
from gradbook.lab.models.model import Model
from gradbook.net import Net
from tests.cases import for_each
from tests.trained import drawn, holed_model_of

NETS = {
    "one sigmoid": "input 1x6x6; conv 3 3x3; batchnorm; relu; flatten; dense 1; sigmoid",
    "one number": "input 36; dense 5; relu; dense 1; loss half squared error",
    "several sigmoids": "input 1x6x6; flatten; dense 4; tanh; dense 3; sigmoid",
    "softmax": "input 3x6x6; conv 3 3x3; batchnorm; relu; flatten; dense 4; softmax",
    "log softmax": "input 3x4x4; flatten; dense 4; log softmax",
    "flat": "input 36; dense 5; relu; dense 4; log softmax",
}


def model_of(name: str) -> Model:
    net = Net.parse(NETS[name])
    channels = net.input[0] if len(net.input) == 3 else 1
    means = np.linspace(0.2, 0.4, channels).tolist()
    names = [f"<{k}> & Æ" for k in range(max(net.outputs, 2))]
    return Model(net, drawn(net), means, [0.3] * channels, names)


FILES = [
    (name, ending, with_preparation)
    for name in NETS
    for ending in (".onnx", ".keras")
    for with_preparation in (False, True)
    if (name, ending, with_preparation) != ("several sigmoids", ".keras", True)  # it is refused
]


@for_each(("name", "ending", "with_preparation"), FILES)
def test_a_file_of_ours_comes_back_as_the_model_that_it_was(
    name, ending, with_preparation, tmp_path
):
    pytest.importorskip({".onnx": "onnx", ".keras": "h5py"}[ending])
    model, file = model_of(name), tmp_path / f"net{ending}"
    model.export(file, with_preparation=with_preparation)
    back = import_model(file)
    assert list(back.classes) == list(model.classes)
    np.testing.assert_allclose(np.unique(back.mean), model.mean, rtol=1e-5)
    np.testing.assert_allclose(back.deviation, 0.3, rtol=1e-5)
    images = np.random.default_rng(0).integers(0, 256, (5, *model.net.input), np.uint8)
    said = back.predict(images.reshape(5, *back.net.input))
    np.testing.assert_allclose(said, model.predict(images), atol=1e-5)


@for_each("target", ["side", "area"])
@for_each("ending", [".onnx", ".keras"])
@for_each("with_preparation", [False, True])
def test_a_model_of_a_table_comes_back_with_all_that_it_knows(
    tmp_path, target, ending, with_preparation
):
    """Its columns and their words, what is predicted, and what stands for a missing value."""
    pytest.importorskip({".onnx": "onnx", ".keras": "h5py"}[ending])
    model, rows, filled = holed_model_of(target)
    model.export(tmp_path / f"net{ending}", with_preparation=with_preparation)
    back = import_model(tmp_path / f"net{ending}")
    assert back.columns
    assert back.columns.inputs == model.columns.inputs
    assert (back.predicts, back.classes) == (model.predicts, model.classes)
    expected = model.answers(filled)
    np.testing.assert_allclose(back.answers(rows), expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def exported(tmp_path):
    pytest.importorskip("h5py")
    model_of("softmax").export(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def with_notes(file, notes) -> None:
    """The same file, which says these notes."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members["metadata.json"]) | {"gradbook_notes": notes}
    members["metadata.json"] = json.dumps(about).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@for_each(
    "notes",
    [
        None,
        [],
        {"classes": "abcd", "preparation": 3},
        {"preparation": {"mean": [0.1] * 3, "deviation": [0, 1, 1]}},
        {"preparation": {"mean": [float("nan")] * 3, "deviation": [1, 1, 1]}},
        {"preparation": {"mean": ["x"], "deviation": [1]}},
    ],
)
def test_notes_that_say_nothing_are_none(exported, notes):
    with_notes(exported, notes)
    found = import_model(exported)
    assert list(found.classes) == ["0", "1", "2", "3"]
    assert "the normalisation of images is unknown" in found.about["remarks"][-1]


@for_each(
    ("notes", "said"),
    [
        ({"classes": ["a", "b"]}, "2 classes for a network of 4 outputs"),
        ({"preparation": {"mean": [0.1] * 5, "deviation": [1] * 5}}, "5 means for 3 channels"),
    ],
)
def test_notes_of_another_network_are_refused(exported, notes, said):
    with_notes(exported, notes)
    with pytest.raises(GradbookError, match=said):
        import_model(exported)


def test_1_minus_p_is_read_of_one_output_alone(tmp_path):
    onnx = pytest.importorskip("onnx")
    model_of("one sigmoid").export(tmp_path / "net.onnx", with_preparation=True)
    model = onnx.load(tmp_path / "net.onnx")
    weight = next(one for one in model.graph.initializer if one.name == "dense1.weight")
    wider = np.repeat(onnx.numpy_helper.to_array(weight), 2, axis=0)
    weight.CopyFrom(onnx.numpy_helper.from_array(wider, weight.name))
    del model.graph.output[0].type.tensor_type.shape.dim[1:]
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(GradbookError, match="for a single output only"):
        import_model(tmp_path / "net.onnx")


@pytest.mark.witness("torch")
def test_pytorchs_file_may_bring_them(torch, tmp_path):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)).eval()
    program = torch.export.export(module, (torch.rand(1, 3, 2, 2),))
    notes = {
        "classes": ["no", "yes"],
        "preparation": {"mean": [0.1, 0.2, 0.3], "deviation": [1] * 3},
    }
    file = tmp_path / "net.pt2"
    torch.export.save(program, file, extra_files={"gradbook.json": json.dumps(notes)})
    found = import_model(file)
    assert list(found.classes) == ["no", "yes"]
    assert list(found.mean) == [0.1, 0.2, 0.3]
    assert not found.about["remarks"]
