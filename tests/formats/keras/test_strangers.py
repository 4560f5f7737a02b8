"""Keras files that somebody changed: each is refused in a line, and reads nothing but itself."""

import io
import json
import sys
import zipfile

import pytest

from gradbook.errors import GradbookError
from gradbook.formats.keras.read import read_keras
from gradbook.formats.keras.write import keras_bytes
from gradbook.net import Net
from tests.cases import for_each
from tests.trained import trained_of

h5py = pytest.importorskip("h5py")
NET = Net.parse("input 1x6x6; conv 2 3x3; batchnorm; relu; flatten; dense 2; softmax")


def changed(path, config=None, weights=None, version="3.6.0"):
    """A file of ours with something else in it."""
    with zipfile.ZipFile(io.BytesIO(keras_bytes(trained_of(NET)))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    record = json.loads(members["config.json"])
    if config:
        config(record)
    members["config.json"] = json.dumps(record).encode()
    members["metadata.json"] = json.dumps({"keras_version": version}).encode()
    if weights:
        content = io.BytesIO(members["model.weights.h5"])
        with h5py.File(content, "r+") as file:
            weights(file)
        members["model.weights.h5"] = content.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return path


def _linked_outside(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def _linked_softly(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/layers/conv2d/vars/0")


def _stored_outside(file):
    del file["layers/dense/vars/0"]
    place = [("/etc/hostname", 0, 8)]
    file["layers/dense/vars"].create_dataset("0", (2,), "f4", external=place)


def _huge(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", (2**20, 2**20), "f4")


def _texts(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", data=["a", "b"])


def _no_folder(file):
    del file["layers/dense"]
    file["layers/dense"] = [1.0]


@for_each(
    ("spoil", "said"),
    [
        (_no_folder, "its weights aren't where Keras 3 puts them"),
        (_linked_outside, "is a link to another place"),
        (_linked_softly, "is a link to another place"),
        (_stored_outside, "in pieces or in another file"),
        (_huge, "at most 33,554,432 numbers can be read"),
        (_texts, "aren't arrays of numbers"),
        (lambda file: file.pop("layers/dense"), "Dense 'dense"),
    ],
)
def test_weights_lie_in_the_file_itself(tmp_path, spoil, said):
    with pytest.raises(GradbookError, match=said):
        read_keras(changed(tmp_path / "net.keras", weights=spoil))


def _deep(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 200_000)


def _large(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (2**23 + 2))


@for_each(
    ("write", "said"),
    [
        (_deep, "config.json: no JSON"),
        (_large, "more than the limit of 8 MiB"),
        (lambda path: path.write_bytes(b"PK\3\4"), "no .keras file that can be read"),
        (lambda path: changed(path, version="2.15.0"), "save it again with Keras 3"),
        (lambda path: changed(path, lambda c: c.update(class_name="Mine")), "its model is a Mine"),
        (lambda path: changed(path, lambda c: c["config"].pop("layers")), "its layers is missing"),
        (
            lambda path: changed(path, lambda c: c["config"].update(layers=[1])),
            "its layers, entry 1 is a record, not 1",
        ),
    ],
)
def test_a_strangers_file_gets_one_line(tmp_path, write, said):
    path = tmp_path / "net.keras"
    write(path)
    with pytest.raises(GradbookError, match=said) as caught:
        read_keras(path)
    assert str(path) in str(caught.value)


def test_a_setting_that_cannot_be_is_told_with_what_it_may_be(tmp_path):
    def config(told):
        for layer in told["config"]["layers"]:
            if "strides" in layer["config"]:
                layer["config"]["strides"] = "x"
            if layer["class_name"] == "Dense":
                layer["config"]["use_bias"] = 3

    with pytest.raises(GradbookError) as caught:
        read_keras(changed(tmp_path / "net.keras", config))
    window = "is a whole number from 1 to 65,536 or a list of 1 to 2, not 'x'"
    assert f": its strides {window}" in caught.value.message
    assert "Dense 'dense1': its use_bias is true or false, not 3" in caught.value.message


def test_without_h5py_its_name_is_told(tmp_path, monkeypatch):
    path = changed(tmp_path / "net.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(GradbookError, match=r"pip install 'gradbook\[keras\]'"):
        read_keras(path)
