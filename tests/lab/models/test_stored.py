import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from gradbook import limits
from gradbook.errors import DataError, GradbookError
from gradbook.lab.models import stored
from gradbook.lab.models.stored import read, write
from tests.cases import for_each

ARRAYS = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "γ": np.array([1.5, -0.0, np.pi]),
    "k": np.array(7.0),
    "none": np.empty((0, 4), np.int32),
}
RECORD = {"kind": "thing", "words": "Zürich; #1\n", "numbers": [0.1, 1e-300]}


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "thing.safetensors", ARRAYS, RECORD)
    return tmp_path / "thing.safetensors"


def test_arrays_and_record_come_back_to_the_bit(path):
    arrays, record = read(path, "thing")
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()
    assert {key: record[key] for key in RECORD} == RECORD


def test_the_same_content_is_the_same_file(path, tmp_path):
    again = dict(reversed(ARRAYS.items()))
    write(tmp_path / "again", again, RECORD)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_others_can_read_it_too(path):
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("w").tolist() == ARRAYS["w"].tolist()
        assert json.loads(file.metadata()["gradbook"])["kind"] == "thing"


@for_each("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_not_read(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"thing.safetensors: damaged \(incomplete"):
        read(path, "thing")


def test_a_single_other_bit_is_noticed(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="don't match their checksum"):
        read(path, "thing")


@for_each(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 4]}},
        {"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}},
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "__metadata__": {"a": "b"}},
        {"__metadata__": {"gradbook": "[" * 5000}},
        {"__metadata__": {"gradbook": "[1, 2]"}},
        {"__metadata__": 7},
        [],
    ],
    ids=range(8),
)
def test_a_strangers_header_is_refused_in_one_line(tmp_path, header):
    said = json.dumps(header).encode()
    path = tmp_path / "odd"
    path.write_bytes(len(said).to_bytes(8, "little") + said + bytes(4))
    with pytest.raises(DataError, match="odd: "):
        read(path, "thing")


def test_another_kind_is_told_apart(path, tmp_path):
    with pytest.raises(DataError, match="not a model of gradbook's"):
        read(path, "model")
    (tmp_path / "theirs").write_bytes(save({"w": np.zeros(3)}))
    with pytest.raises(DataError, match="not a thing of gradbook's"):
        read(tmp_path / "theirs", "thing")


def test_a_file_larger_than_the_bound_is_not_read(path, monkeypatch):
    monkeypatch.setattr(limits.MODEL, "most", 100)
    with pytest.raises(GradbookError, match="larger than 100 bytes"):
        read(path, "thing")


def test_no_number_is_read_of_what_does_not_fit(path, monkeypatch):
    def fitted(shapes, record):
        assert shapes == {name: array.shape for name, array in ARRAYS.items()}
        raise ValueError("it doesn't fit")

    monkeypatch.setattr(stored._Header, "look_through", None)
    monkeypatch.setattr(stored._Place, "read", None)
    with pytest.raises(DataError, match="can't use this model .it doesn't fit.: train it again"):
        stored.read_as(path, "thing", RECORD.get("version"), fitted)
