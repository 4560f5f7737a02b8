import io
import json

import numpy as np
import pytest

from gradbook.targets.plain import as_archive, as_json, as_text
from tests.trained import holed_model_of, model_of, table_model_of

MODEL = model_of("input 1x4x4; conv 2 3x3; batchnorm; relu; add back 1; flatten; dense 3; softmax")


def test_json_has_every_tensor_to_the_last_bit():
    record = json.loads(as_json(MODEL.trained()))
    tensors = MODEL.trained().tensors()
    assert record["tensors"].keys() == tensors.keys()
    for name, found in record["tensors"].items():
        values = np.array(found["values"], np.float32)
        assert list(values.shape) == found["shape"]
        np.testing.assert_array_equal(values, tensors[name])


def test_json_says_what_reads_what():
    layers = json.loads(as_json(MODEL.trained()))["layers"]
    assert layers[3] == {
        "name": "add1",
        "words": "add back 1",
        "settings": {"back": 1},
        "reads": [3, 2],
        "shape": [2, 2, 2],
        "tensors": [],
    }
    assert layers[1]["settings"] == {"epsilon": 1e-5}
    assert layers[0]["tensors"] == ["conv1.weight", "conv1.bias"]


def test_an_archive_opens_without_a_pickle_and_holds_the_same():
    with np.load(io.BytesIO(as_archive(MODEL.trained(), "a recipe"))) as archive:
        about = json.loads(str(archive["gradbook.json"]))
        names = set(archive.files) - {"gradbook.json"}
        assert names == MODEL.trained().tensors().keys()
        np.testing.assert_array_equal(archive["conv1.weight"], MODEL.values["w_layer_0"])
    record = json.loads(as_json(MODEL.trained(), "a recipe"))
    assert about == {name: part for name, part in record.items() if name != "tensors"}
    assert about["preparation"] == {"most": 255, "mean": [0.2], "deviation": [0.3]}


def test_the_text_is_the_recipe_or_else_the_network():
    assert as_text(MODEL.trained(), "epochs 3") == "epochs 3"
    assert as_text(MODEL.trained()) == str(MODEL.net)


def test_a_tables_inputs_go_by_their_columns_and_words():
    model, _ = table_model_of("area")
    record = json.loads(as_json(model.trained()))
    assert record["columns"] == [
        "width",
        "colour = blue",
        "colour = green",
        "colour = red",
        "height",
    ]
    assert record["outputs"] == {"mean": 30.0, "deviation": 12.5}


@pytest.mark.parametrize(
    "ending",
    [
        "json",
        "npz",
        pytest.param("keras", marks=pytest.mark.witness("keras")),
        pytest.param("onnx", marks=pytest.mark.witness("onnx")),
    ],
)
def test_what_stands_for_missing_values_is_in_the_file_and_said(tmp_path, ending):
    model, _, _ = holed_model_of("area")
    made = model.export(tmp_path / f"area.{ending}")
    assert made.remarks == (
        "this file doesn't fill in missing values: its notes list the values under 'missing'",
    )
    assert json.loads(as_json(model.trained()))["missing"] == model.columns.filling.tolist()
    plain, _ = table_model_of("area")
    assert "missing" not in json.loads(as_json(plain.trained()))
    assert plain.export(tmp_path / f"plain.{ending}").remarks == ()
