"""torchinfo counts the same shapes, parameters and multiply-adds; LibreOffice the same sums."""

from __future__ import annotations

import pytest

from gradbook.net import (
    DIGITS,
    Activation,
    BatchNorm,
    Bias,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Net,
    Pool,
    builtin,
    parse,
)
from gradbook.net.measure import measure
from gradbook.report.other_workbooks import write_book
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate

OTHERS = {
    "groups": """input 4x9x9; conv 8 3x3 groups 4 stride 2; depthwise 2x2 no bias; relu
        dropout 0.2; maxpool 3 stride 1; flatten; dense 5 no bias; dense 3; softmax""",
    "everything": "input 3x7x7; conv 5 3x3 pad 1; batchnorm; avgpool all; flatten; dense 2; tanh",
}


def modules(net: Net, nn):
    """The network as a person would write it with PyTorch's own layers."""
    for layer, shape in zip(net.layers, net.shapes, strict=False):
        bias = getattr(layer, "bias", None) is not Bias.NONE
        match layer:
            case Dense(width):
                yield nn.Linear(shape[0], width, bias)
            case Conv(channels, kernel, stride, pad, _, groups):
                pad = pad[:2]  # the other two are the same here
                yield nn.Conv2d(shape[0], channels, kernel, stride, pad, groups=groups, bias=bias)
            case Pool(kind):
                pool = nn.MaxPool2d if kind == "max" else nn.AvgPool2d
                window = layer.window(shape)
                yield pool(window.size, window.stride)
            case BatchNorm():
                yield nn.BatchNorm2d(shape[0])
            case Dropout(rate, channels):
                yield nn.Dropout2d(rate) if channels else nn.Dropout(rate)
            case Flatten():
                yield nn.Flatten()
            case Activation(kind):
                yield from activation(kind, shape, nn)


def activation(kind: str, shape, nn):
    if kind.endswith("softmax"):
        yield from [nn.Flatten()] * (len(shape) > 1)
        yield nn.LogSoftmax(1) if kind.startswith("log") else nn.Softmax(1)
    else:
        yield {"relu": nn.ReLU, "tanh": nn.Tanh}[kind]()


@for_each("net", [*DIGITS, *OTHERS])
def test_torchinfo_counts_the_same(twin, net):
    """But for batch normalisation: its parameters are torchinfo's multiply-adds, not ours."""
    import torchinfo

    network = builtin(net) if net in DIGITS else parse(OTHERS[net])
    made = list(modules(network, twin.torch.nn))
    with twin.torch.no_grad():
        said = torchinfo.summary(
            twin.torch.nn.Sequential(*made).double(),
            (1, *network.input),
            dtypes=[twin.torch.float64],
            verbose=0,
        )
    theirs = said.summary_list[1:]
    if len(made) > len(network.layers):  # a Flatten before softmax, which ours doesn't need
        del theirs[-2]
    measured = measure(network)
    for ours, row in zip(measured.layers, theirs, strict=True):
        assert tuple(row.output_size[1:]) == ours.output
        assert row.num_params == ours.parameters
        normalising = isinstance(ours.layer, BatchNorm)
        assert ours.macs == (0 if normalising else row.macs)
    norms = sum(x.parameters for x in measured.layers if isinstance(x.layer, BatchNorm))
    assert said.total_params == measured.parameters
    assert said.total_mult_adds == measured.macs + norms


@pytest.mark.witness("libreoffice")
@pytest.mark.filterwarnings("ignore:.*extension is not supported")  # openpyxl, of the bars
def test_libreoffice_adds_up_to_the_same_totals(tmp_path):
    measured = measure(builtin("flat"), 128)
    write_book(measured, tmp_path / "flat.xlsx")
    cells = read_values(recalculate(tmp_path / "flat.xlsx", tmp_path / "again"))["Layers"]
    (total,) = (place[1:] for place, value in cells.items() if value == "total")
    assert [cells[f"{column}{total}"] for column in "CDIJK"] == [
        measured.parameters,
        measured.bytes,
        measured.macs,
        measured.training_macs,
        measured.activations,
    ]
