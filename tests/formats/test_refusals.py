"""What can't be read is told by its cause alone, in whatever format it stands."""

import pytest

from gradbook.errors import GradbookError
from gradbook.formats.keras.read import read_keras
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.torch.read import torch_net

pytestmark = [
    pytest.mark.witness("onnx", "torch"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of PyTorch's exporter
]


def test_what_follows_from_a_layer_that_cant_be_read_isnt_told(torch, tmp_path):
    class Cut(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Linear(6, 8), torch.nn.Linear(2, 2)

        def forward(self, x):
            return self.last(torch.relu(torch.cumsum(self.first(x), 1)[:, ::4]))

    module, inputs = Cut().eval(), torch.rand(1, 6)
    with pytest.raises(GradbookError) as caught:
        torch_net(module, inputs)
    assert caught.value.message == "cumsum 'cumsum': gradbook has no such layer"
    torch.onnx.export(module, inputs, tmp_path / "net.onnx", dynamo=False)
    with pytest.raises(GradbookError) as caught:
        read_onnx(tmp_path / "net.onnx")
    (cause,) = caught.value.message.split("; ")
    assert cause.startswith("CumSum ")
    assert cause.endswith("': gradbook has no such layer")


def test_a_layer_after_one_that_keras_alone_has_isnt_told(tmp_path):
    keras = pytest.importorskip("keras")
    layers = keras.layers
    rows = [layers.Input((6, 3)), layers.UnitNormalization(), layers.Dense(2)]
    keras.Sequential(rows).save(tmp_path / "net.keras")
    with pytest.raises(GradbookError) as caught:
        read_keras(tmp_path / "net.keras")
    assert caught.value.message.endswith("': gradbook has no such layer")
    assert "Dense" not in caught.value.message
