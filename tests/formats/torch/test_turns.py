"""Where PyTorch's turns put axes, also those of a file that nobody exported."""

import warnings

import numpy as np
import pytest

from gradbook.formats.foreign import Fixed
from gradbook.formats.growing_net import GrowingNet
from gradbook.formats.imported import NoLayer
from gradbook.formats.onnx.read import read_onnx
from gradbook.formats.torch.read import OPERATORS, torch_net
from tests.cases import for_each
from tests.trained import by_the_graph


@for_each(
    ("operator", "told", "axes"),
    [
        ("permute", {"dims": [0, 2, 3, 1]}, (0, 2, 3, 1)),
        ("permute", {"dims": [0, -1, 1, 2]}, (0, 3, 1, 2)),
        ("movedim", {"source": 1, "destination": -1}, (0, 2, 3, 1)),
        ("movedim", {"source": [3], "destination": [1]}, (0, 3, 1, 2)),
        ("transpose", {"dim0": 1, "dim1": -1}, (0, 3, 2, 1)),
        ("transpose", {"dim0": 0, "dim1": 7}, ()),
        ("movedim", {"source": [1, 1], "destination": [2, 3]}, ()),
        ("movedim", {"source": [1, 2], "destination": 3}, ()),
    ],
)
def test_each_axis_comes_from_somewhere_or_the_turn_is_none(operator, told, axes):
    each_as_long_as_its_number = Fixed(np.empty((0, 1, 2, 3)))
    settings, take = OPERATORS[operator].settings, OPERATORS[operator].take
    net, told = object.__new__(GrowingNet), settings.read_whole(told)
    if not axes:
        with pytest.raises(NoLayer, match="axes that its input doesn't have"):
            take(net, told, each_as_long_as_its_number)
    else:
        assert take(net, told, each_as_long_as_its_number).array.shape == axes


SCALES = {  # what a layer scale is written like: before the turn back, or after it
    "scale * x": (lambda x, scale: scale * x, None),
    "x * scale": (lambda x, scale: x * scale, None),
    "x * scale[:, None, None]": (None, lambda x, scale: x * scale[:, None, None]),
    "x * scale.view(1, -1, 1, 1)": (None, lambda x, scale: x * scale.view(1, -1, 1, 1)),
    "scale.reshape(1, -1, 1, 1) * x": (None, lambda x, scale: scale.reshape(1, -1, 1, 1) * x),
}


@pytest.mark.witness("torch", "onnx")
@for_each("way", SCALES)
def test_convnexts_layer_scale_is_read_by_torch_as_by_onnx(torch, tmp_path, way):
    nn, (last, first) = torch.nn, SCALES[way]

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(6, 6, 7, padding=3, groups=6)
            self.norm = nn.LayerNorm(6, eps=1e-6)
            self.wide, self.narrow = nn.Linear(6, 24), nn.Linear(24, 6)
            self.scale = nn.Parameter(torch.rand(6))

        def forward(self, x):
            made = self.norm(self.conv(x).permute(0, 2, 3, 1))
            made = self.narrow(torch.nn.functional.gelu(self.wide(made)))
            made = (last(made, self.scale) if last else made).permute(0, 3, 1, 2)
            return x + (first(made, self.scale) if first else made)

    module = nn.Sequential(
        nn.Conv2d(3, 6, 1), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
    )
    module, images = module.float().eval(), torch.rand(3, 3, 8, 8).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, images, tmp_path / "net.onnx", dynamo=False)
    with torch.no_grad():
        expected = module(images).numpy()
    for found in (torch_net(module, images), read_onnx(tmp_path / "net.onnx")):
        outputs = by_the_graph(found.net, dict(found.values), images.numpy())
        np.testing.assert_allclose(outputs, expected, atol=1e-5)
