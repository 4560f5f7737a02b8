"""Labels of which any number may hold are an answer of their own, from import to export."""

import json

import numpy as np
import pytest

import gradbook as gb
from gradbook.cli.main import main
from tests.cases import for_each
from tests.formats.onnx.test_scikit_learn import ML, ROWS, model_of, perceptron, said_by_onnxruntime

pytestmark = [
    pytest.mark.witness("onnx", "onnxruntime"),
    pytest.mark.filterwarnings("ignore::gradbook.Assumption"),
]
NAMES = ("red", "green", "blue")


def written_by_skl2onnx(path, *, is_mapped):
    """As it writes MLPClassifier of several labels: no shares, and each held against ½."""
    from onnx import helper

    nodes, tensors, sure = perceptron((4, 7, 3), "Sigmoid")
    nodes.append(helper.make_node("Binarizer", [sure], ["held"], domain=ML, threshold=0.5))
    nodes.append(helper.make_node("Cast", ["held"], ["labels"], to=7))
    named = {"classlabels_strings": NAMES}
    if is_mapped:
        nodes.append(helper.make_node("ZipMap", [sure], ["map"], domain=ML, **named))
    else:
        nodes.append(helper.make_node("Identity", [sure], ["probabilities"]))
    model = model_of(nodes, tensors, ["map" if is_mapped else "probabilities", "labels"])
    model.graph.output[1].type.tensor_type.elem_type = 7
    path.write_bytes(model.SerializeToString())
    said, _ = said_by_onnxruntime(model, {"X": ROWS})
    return np.array([[one[word] for word in NAMES] for one in said]) if is_mapped else said


@for_each("is_mapped", [True, False])
def test_three_sigmoids_stay_what_onnxruntime_says(tmp_path, is_mapped):
    expected = written_by_skl2onnx(tmp_path / "net.onnx", is_mapped=is_mapped)
    assert abs(expected.sum(axis=1) - 1).max() > 0.1  # so that shares would be others
    loaded = gb.load(tmp_path / "net.onnx")
    assert not loaded.classes
    assert loaded.labels == (NAMES if is_mapped else ("y1", "y2", "y3"))
    assert "3 labels" in repr(loaded)
    np.testing.assert_allclose(loaded.predict(ROWS), expected, atol=2e-6)


@for_each("ending", ["safetensors", "onnx", "keras"])
def test_they_are_labels_in_every_file_that_is_written_of_them(tmp_path, ending):
    expected = written_by_skl2onnx(tmp_path / "net.onnx", is_mapped=True)
    model, path = gb.load(tmp_path / "net.onnx"), tmp_path / f"again.{ending}"
    if ending == "safetensors":
        model.save(path)
    else:
        model.export(path, with_preparation=True)
    again = gb.load(path)
    assert again.columns
    assert again.labels == NAMES
    np.testing.assert_allclose(again.predict(ROWS), expected, atol=2e-6)


def test_the_command_tells_those_that_hold(tmp_path, capsys):
    expected = written_by_skl2onnx(tmp_path / "net.onnx", is_mapped=True)
    rows = "\n".join(",".join(map(str, row)) for row in ROWS.tolist())
    (tmp_path / "rows.csv").write_text(f"x1,x2,x3,x4\n{rows}\n")
    command = ["predict", str(tmp_path / "net.onnx"), str(tmp_path / "rows.csv")]
    main([*command, "--json"])
    record = json.loads(capsys.readouterr().out)
    for one, sure in zip(record["rows"], expected, strict=True):
        assert one["predicted"] == [name for name, p in zip(NAMES, sure, strict=True) if p >= 0.5]
    main(command)
    assert "red: probability" in capsys.readouterr().out
