"""Scikit-learn's models as skl2onnx writes them: its graphs node by node, held against onnxruntime
and, where skl2onnx is there, against scikit-learn itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import DataError
from tests.cases import for_each

pytestmark = [
    pytest.mark.witness("onnx", "onnxruntime"),
    pytest.mark.filterwarnings("ignore::gradbook.Assumption"),
]
ML = "ai.onnx.ml"
NAMES = ("setosa", "versicolor", "virginica")
ROWS = (np.random.default_rng(0).normal(size=(30, 4)) * 3 + 5).astype(np.float32)
OFFSET, SCALE = [5.8, 3.1, 3.8, 1.2], [1.2, 2.3, 0.6, 1.3]


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def scaler(given="X", made="scaled"):
    from onnx import helper

    return helper.make_node("Scaler", [given], [made], domain=ML, offset=OFFSET, scale=SCALE)


def linear(given, ends, names=NAMES, seed=1):
    """A LinearClassifier, which gives the label and how sure it is of each class."""
    from onnx import helper

    weight, bias = drawn(len(names), 4, seed=seed) / 3, drawn(len(names), seed=seed + 1)
    if len(names) == 2:
        weight, bias = np.stack([-weight[0], weight[0]]), np.array([-bias[0], bias[0]])
    return helper.make_node(
        "LinearClassifier",
        [given],
        ["label", "sure"],
        domain=ML,
        coefficients=weight.ravel().tolist(),
        intercepts=bias.tolist(),
        classlabels_strings=list(names),
        post_transform=ends,
    )


def normalizer(given, made):
    from onnx import helper

    return helper.make_node("Normalizer", [given], [made], domain=ML, norm="L1")


def zip_map(given, names=NAMES):
    from onnx import helper

    return helper.make_node("ZipMap", [given], ["map"], domain=ML, classlabels_strings=list(names))


def perceptron(sizes, last, given="X"):
    """MatMul, Add and an activation in turn, as MLPClassifier is written; its nodes and tensors."""
    from onnx import helper

    nodes, tensors = [helper.make_node("Cast", [given], ["cast"], to=1)], {}
    value = "cast"
    for k, (a, b) in enumerate(pairwise(sizes)):
        tensors |= {f"w{k}": drawn(a, b, seed=k) / 2, f"b{k}": drawn(1, b, seed=k + 9)}
        nodes.append(helper.make_node("MatMul", [value, f"w{k}"], [f"product{k}"]))
        nodes.append(helper.make_node("Add", [f"product{k}", f"b{k}"], [f"sum{k}"]))
        value = f"sum{k}"
        bend = "Relu" if k < len(sizes) - 2 else last
        if bend:
            nodes.append(helper.make_node(bend, [value], [f"bent{k}"]))
            value = f"bent{k}"
    return nodes, tensors, value


def labelled(nodes, tensors, sure, names=NAMES):
    """And the label of what is likeliest."""
    from onnx import helper

    words = helper.make_tensor("classes", 8, [len(names)], [n.encode() for n in names])
    return [
        *nodes,
        helper.make_node("Identity", [sure], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["place"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["classes", "place"], ["named"], domain=ML),
        helper.make_node("Reshape", ["named", "one"], ["label"]),
    ], {**tensors, "classes": words, "one": np.array([-1], np.int64)}


def model_of(nodes, tensors, outputs, inputs=(("X", 4),)):
    from onnx import TensorProto, helper, numpy_helper

    kinds = {
        "label": helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        "map": helper.make_value_info(
            "map",
            helper.make_sequence_type_proto(
                helper.make_map_type_proto(
                    TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None)
                )
            ),
        ),
    }
    constants = [
        numpy_helper.from_array(one, name) if isinstance(one, np.ndarray) else one
        for name, one in tensors.items()
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, w]) for n, w in inputs],
        [
            kinds.get(n) or helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, None])
            for n in outputs
        ],
        constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def logistic(*, is_mapped):
    sure = [scaler(), linear("scaled", "SOFTMAX"), normalizer("sure", "probabilities")]
    if is_mapped:
        return model_of([*sure, zip_map("probabilities")], {}, ["label", "map"])
    return model_of(sure, {}, ["label", "probabilities"])


def one_by_one():
    """One sigmoid a class, of which shares are taken."""
    nodes = [linear("X", "LOGISTIC"), normalizer("sure", "probabilities")]
    return model_of(nodes, {}, ["label", "probabilities"])


def two_classes():
    return model_of([linear("X", "LOGISTIC", ("no", "yes"))], {}, ["label", "sure"])


def several_layers(last, size):
    from onnx import helper

    nodes, tensors, sure = perceptron((4, 7, size), last, "scaled")
    if size == 1:
        nodes.append(helper.make_node("Sub", ["unity", sure], ["other"]))
        nodes.append(helper.make_node("Concat", ["other", sure], ["both"], axis=1))
        tensors, sure = {**tensors, "unity": np.array(1, np.float32)}, "both"
    names = NAMES if size > 1 else ("no", "yes")
    nodes, tensors = labelled([scaler(), *nodes], tensors, sure, names)
    return model_of(nodes, tensors, ["label", "probabilities"])


CLASSIFIERS = {
    "logistic regression": lambda: logistic(is_mapped=False),
    "logistic regression with ZipMap": lambda: logistic(is_mapped=True),
    "logistic regression, one class at a time": one_by_one,
    "logistic regression of two classes": two_classes,
    "perceptron": lambda: several_layers("Softmax", 3),
    "perceptron of two classes": lambda: several_layers("Sigmoid", 1),
}


def said_by_onnxruntime(model, given):
    from onnxruntime import InferenceSession

    return InferenceSession(model.SerializeToString()).run(None, given)


@for_each("name", CLASSIFIERS)
def test_a_classifier_brings_its_classes_and_its_probabilities(tmp_path, name):
    model = CLASSIFIERS[name]()
    labels, sure = said_by_onnxruntime(model, {"X": ROWS})
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    loaded = gb.load(tmp_path / "net.onnx")
    assert loaded.columns
    if isinstance(sure, list):
        sure = np.array([[one[word] for word in loaded.classes] for one in sure])
    said = loaded.predict(ROWS)
    np.testing.assert_allclose(said, sure, atol=2e-6)
    assert [loaded.classes[k] for k in said.argmax(axis=1)] == list(labels)


def regressor(targets):
    from onnx import helper

    node = helper.make_node(
        "LinearRegressor",
        ["scaled"],
        ["y"],
        domain=ML,
        coefficients=drawn(targets, 4).ravel().tolist(),
        intercepts=[100.0 * k for k in range(1, targets + 1)],
        targets=targets,
    )
    return model_of([scaler(), node], {}, ["y"])


def perceptron_of_numbers():
    from onnx import helper

    nodes, tensors, made = perceptron((4, 7, 1), "", "scaled")
    nodes.append(helper.make_node("Reshape", [made, "column"], ["y"]))
    return model_of([scaler(), *nodes], {**tensors, "column": np.array([-1, 1], np.int64)}, ["y"])


@for_each("make", [lambda: regressor(1), lambda: regressor(3), perceptron_of_numbers])
def test_a_regressor_says_its_numbers(tmp_path, make):
    model = make()
    (expected,) = said_by_onnxruntime(model, {"X": ROWS})
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    loaded = gb.load(tmp_path / "net.onnx")
    assert not loaded.classes
    np.testing.assert_allclose(loaded.predict(ROWS), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loaded.mean, OFFSET, rtol=1e-6)


@for_each("word", ["FeatureVectorizer", "Concat"])
def test_columns_that_come_in_one_by_one_keep_their_names(tmp_path, word):
    from onnx import helper

    names = ["length", "width", "depth", "weight"]
    told = {"axis": 1} if word == "Concat" else {"domain": ML, "inputdimensions": [1] * 4}
    together = helper.make_node(word, names, ["X"], **told)
    nodes = [together, scaler(), linear("scaled", "SOFTMAX")]
    model = model_of(nodes, {}, ["label", "sure"], [(name, 1) for name in names])
    _, sure = said_by_onnxruntime(model, dict(zip(names, np.split(ROWS, 4, axis=1), strict=True)))
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    loaded = gb.load(tmp_path / "net.onnx")
    assert [column.name for column in loaded.columns.inputs] == names
    np.testing.assert_allclose(loaded.predict(ROWS), sure, atol=2e-6)


def test_what_is_imputed_stands_for_missing_numbers(tmp_path):
    from onnx import helper

    nan = float("nan")
    told = {"imputed_value_floats": [1.0, 2.0, 3.0, 4.0], "replaced_value_float": nan}
    imputer = helper.make_node("Imputer", ["X"], ["whole"], domain=ML, **told)
    nodes = [imputer, scaler("whole"), linear("scaled", "SOFTMAX")]
    model = model_of(nodes, {}, ["label", "sure"])
    holed = ROWS.copy()
    holed[::3, 1] = holed[::4, 2] = nan
    _, sure = said_by_onnxruntime(model, {"X": holed})
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    loaded = gb.load(tmp_path / "net.onnx")
    np.testing.assert_allclose(loaded.predict(holed), sure, atol=2e-6)
    np.testing.assert_allclose(loaded.mean, OFFSET, rtol=1e-6)


def label_alone():
    return model_of([linear("X", "SOFTMAX")], {}, ["label"])


def two_of_numbers():
    nodes = [linear("X", "SOFTMAX"), normalizer("sure", "probabilities")]
    return model_of(nodes, {}, ["sure", "probabilities"])


def too_few_numbers():
    node = linear("X", "SOFTMAX")
    del next(a for a in node.attribute if a.name == "intercepts").floats[1:]
    return model_of([node], {}, ["label", "sure"])


def of_another_size():
    node = scaler()
    del next(a for a in node.attribute if a.name == "scale").floats[2:]
    return model_of([node, linear("scaled", "SOFTMAX")], {}, ["label", "sure"])


@for_each(
    ("make", "said"),
    [
        (label_alone, "1 outputs of only labels"),
        (
            two_of_numbers,
            r"2 outputs of numbers \(sure, probabilities\): only one output of numbers can be read",
        ),
        (too_few_numbers, "its coefficients and intercepts don't fit each other"),
        (of_another_size, "it scales 4 values by 2 numbers: the counts must be equal"),
    ],
)
def test_what_cant_be_read_is_told_in_one_line(tmp_path, make, said):
    (tmp_path / "net.onnx").write_bytes(make().SerializeToString())
    with pytest.raises(DataError, match=said):
        gb.load(tmp_path / "net.onnx")


def estimators():
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    small = {"hidden_layer_sizes": (5,), "max_iter": 50, "random_state": 0}
    return [
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), MLPClassifier(**small)),
        make_pipeline(StandardScaler(), MLPRegressor(**small)),
        LinearRegression(),
    ]


@pytest.mark.witness("skl2onnx")
@pytest.mark.filterwarnings("ignore")
@for_each("number", range(4))
def test_what_skl2onnx_writes_says_what_scikit_learn_says(tmp_path, number):
    import skl2onnx

    estimator = estimators()[number]
    is_classifier = number < 2
    kinds = np.array(NAMES)[np.arange(len(ROWS)) % 3]
    estimator.fit(ROWS, kinds if is_classifier else ROWS @ [1.0, 2, 3, 4])
    content = skl2onnx.to_onnx(estimator, ROWS[:1], target_opset=17).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(content)
    expected = estimator.predict_proba(ROWS) if is_classifier else estimator.predict(ROWS)[:, None]
    found = gb.load(tmp_path / "net.onnx").predict(ROWS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
