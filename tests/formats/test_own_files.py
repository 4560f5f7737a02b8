"""A file of ours says its network's text, which is believed only where it writes the same file."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.formats.file_kinds import read_network
from gradbook.lab.models.importing import import_model
from tests.trained import model_of, table_model_of

pytestmark = pytest.mark.witness("onnx", "keras")
OWN_CARDS = {
    "a map": "input 1x4x4; conv 2 3x3; l2norm; flatten; highway; dense 3; bent identity; softmax",
    "steps": "input 12x4; mgu 4 all; mgu 2; ramp 0.5; dense 3; sigmoid; loss binary cross-entropy",
    "norms": "input 1x6x6; conv 4 3x3; batchnorm; relu; dropout 0.1; flatten; highway; dense 1; "
    "sigmoid",
}
FOLDED = "input 1x6x6; conv 4 3x3; relu; flatten; highway; dense 1; sigmoid"  # as ONNX has it
USUAL = "input 1x6x6; conv 3 3x3; relu; flatten; dense 3; softmax"


def lines(net) -> list[str]:
    """The layers alone."""
    return [layer.text for layer in net.layers]


def assert_same_network(read, model) -> None:
    assert lines(read.net) == lines(model.net)
    assert read.values.keys() == model.values.keys()
    for name, array in read.values.items():
        np.testing.assert_array_equal(array, model.values[name])


@pytest.mark.usefixtures("six_cards")
@pytest.mark.parametrize("name", OWN_CARDS)
@pytest.mark.parametrize("ending", [".onnx", ".keras"])
@pytest.mark.parametrize("with_preparation", [False, True])
def test_cards_written_as_several_ops_come_back(name, ending, with_preparation, tmp_path):
    model, file = model_of(OWN_CARDS[name], images=(1, 12, 4)), tmp_path / f"net{ending}"
    model.export(file, with_preparation=with_preparation)
    if name == "steps":  # whose steps would be a table's
        return assert_same_network(read_network(file), model)
    back = import_model(file)
    folded = (name, ending) == ("norms", ".onnx")
    expected = model_of(FOLDED) if folded else model
    assert lines(back.net) == lines(expected.net)
    assert list(back.classes) == list(model.classes)
    images = np.random.default_rng(0).integers(0, 256, (5, *model.net.input), np.uint8)
    np.testing.assert_allclose(back.predict(images), model.predict(images), atol=1e-5)


@pytest.mark.usefixtures("six_cards")
@pytest.mark.parametrize("ending", [".onnx", ".keras"])
@pytest.mark.parametrize("target", ["side", "area"])
def test_a_tables_columns_come_back_with_them(ending, target, tmp_path):
    model, rows = table_model_of(target)
    text = str(model.net).replace("relu", "bent identity")
    model.net = type(model.net).parse(text)
    model.export(tmp_path / f"net{ending}")
    back = import_model(tmp_path / f"net{ending}")
    assert lines(back.net) == lines(model.net)
    np.testing.assert_allclose(back.answers(rows), model.answers(rows), rtol=1e-5, atol=1e-5)


# A file that says something else than it holds ---------------------------------------


def noted(content: bytes, note) -> bytes:
    """The same file with another note in place of its network, `note(told)`."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        about = json.loads(members["metadata.json"])
        about["gradbook_notes"]["network"] = note(about["gradbook_notes"]["network"])
        members["metadata.json"] = json.dumps(about).encode()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, member in members.items():
                archive.writestr(name, member)
        return out.getvalue()
    import onnx

    model = onnx.load_from_string(content)
    for entry in model.metadata_props:
        if entry.key == "network":
            entry.value = json.dumps(note(json.loads(entry.value)))
    return model.SerializeToString()


LIES = {
    "another activation": lambda told: told | {"text": told["text"].replace("relu", "tanh")},
    "another shape": lambda told: told | {"text": told["text"].replace("1x6x6", "1x6x7")},
    "more layers": lambda told: told | {"text": f"{told['text']}\ndense 3"},
    "far more values": lambda told: told | {"text": "input 3000\ndense 3000"},
    "no network": lambda told: told | {"text": "]]["},
    "too long": lambda told: told | {"text": told["text"] + "# \n" * 30_000},
    "no text": lambda told: told | {"text": ["input 2"]},
    "no scaling": lambda told: told | {"scaling": {"mean": "x"}},
    "no spread": lambda told: told | {"spread": [1]},
    "no picture": lambda told: told | {"picture": [1, {}]},
    "a picture of another size": lambda told: told | {"picture": [1, 2, 3]},
    "other preparation": lambda told: told | {"prepares": True},
    "a list": lambda told: [told],
    "a number": lambda told: 7,
    "nothing": lambda told: None,
    "a deep one": lambda told: told | {"picture": json.loads("[" * 50 + "]" * 50)},
}


@pytest.mark.parametrize("ending", [".onnx", ".keras"])
def test_what_a_note_says_wrongly_is_not_believed(ending, tmp_path):
    model, file = model_of(USUAL), tmp_path / f"net{ending}"
    model.export(file)
    content = file.read_bytes()
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 6, 6), np.uint8)
    for name, lie in LIES.items():
        file.write_bytes(noted(content, lie))
        back = import_model(file)
        assert lines(back.net) == lines(model.net), name
        np.testing.assert_allclose(back.predict(images), model.predict(images), atol=1e-5)


@pytest.mark.usefixtures("six_cards")
def test_operators_that_were_changed_are_read_by_themselves(tmp_path):
    import onnx

    model, file = model_of(USUAL), tmp_path / "net.onnx"
    model.export(file)
    changed = onnx.load(file)
    (bent,) = [node for node in changed.graph.node if node.op_type == "Relu"]
    bent.op_type = "Tanh"
    onnx.save(changed, file)
    assert "tanh" in lines(read_network(file).net)

    model = model_of("input 1x4x4; conv 2 3x3; l2norm; flatten; dense 3; softmax")
    model.export(file)
    changed = onnx.load(file)
    for tensor in changed.graph.initializer:
        if onnx.numpy_helper.to_array(tensor).size == 1 and tensor.data_type == 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(0.5), tensor.name))
    onnx.save(changed, file)
    with pytest.raises(GradbookError, match="l2norm1"):  # no layer of ours computes it
        read_network(file)
