"""LibreOffice reads painted images in our workbooks as the engine reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradbook.data.sources import load
from gradbook.lab.models.model import Model, untrained_model
from gradbook.net import parse
from gradbook.report.other_workbooks import write_reader
from tests.outside.books.reading import painted, said
from tests.outside.witness import recalculate_all

NETS = {
    "pictures": """input 1x28x28; conv 4 5x5 stride 2 pad 1; batchnorm; relu; maxpool 2
    conv 6 3x3 no bias; tanh; avgpool 2; flatten; dense 10; log softmax; seed 4""",
    "depthwise": """input 1x28x28; maxpool 3; conv 4 3x3 pad 1; batchnorm; leaky relu 0.1
    conv 4 3x3 pad 1 groups 4 no bias; add back 1; conv 6 1x1 groups 2; batchnorm; relu; avgpool 9
    flatten; dense 10; softmax; loss cross-entropy; seed 5""",
    "roaming": """input 1x28x28; maxpool 4 stride 3 pad 2 ceil; conv 4 3x3 pad 2x1 dilation 2x1
    relu; batchnorm; maxpool 2x3 stride 2 dilation 1x2 pad same
    conv 3 2x3 stride 2x1 pad 0x0x1x2 no bias
    avgpool 3 stride 2 pad 1 ceil zeros; avgpool 2 stride 1 pad 0x1x1x0; flatten; dense 10
    log softmax; seed 3""",
    "side by side": """input 1x28x28; maxpool 4; conv 3 3x3 pad 1; dropout 0.1; relu
    concat back 2 0; concat back 4; conv 2 3x3; flatten; relu; dense 50; add back 1; concat back 2
    dense 10; softmax; loss cross-entropy; seed 9""",
    "branches": """input 1x28x28; maxpool 4; conv 3 3x3 pad 1; relu; conv 2 3x3 pad 1; relu
    go back 2; batchnorm; relu; go back 5; conv 4 1x1; batchnorm; tanh; concat back 7 4 0
    avgpool all; flatten
    dense 6; sigmoid; go back 2; dense 4; concat back 2 0; dense 10; log softmax; seed 2""",
    "enlarged": """input 1x28x28; maxpool 7; conv 4 3x3 pad 1; relu; avgpool all; flatten
    dense 4; sigmoid; multiply back 4; convtranspose 6 3x2 stride 2 pad 1x0x0x1 groups 2; silu
    batchnorm; upsample 1x2; convtranspose 2 2x2 no bias; tanh; flatten; dense 10; softmax
    loss cross-entropy; seed 12""",
    "smooth": """input 1x28x28; maxpool 4; conv 3 3x3; gelu; batchnorm; conv 3 3x3; silu; flatten
    dense 6; softplus; dense 10; softmax; loss cross-entropy; seed 8""",
    "dense": """input 1x28x28; avgpool 4; flatten; dense 8 shared bias; sigmoid; dropout 0.2
    dense 10; sigmoid; loss mean squared error; seed 6""",
}
IMAGES = 4

pytestmark = pytest.mark.witness("libreoffice")


def model_of(name: str) -> Model:
    """A network whose statistics are no usual ones."""
    model = untrained_model(parse(NETS[name]), load("digits"))
    chance = np.random.default_rng(7)
    for leaf, values in model.values.items():
        if leaf.startswith(("r_σ²", "γ")):
            model.values[leaf] = chance.uniform(0.5, 2, values.shape)
        elif leaf.startswith(("r_μ", "β", "b")):
            model.values[leaf] = chance.normal(0, 0.3, values.shape)
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load("digits").test_for_reporting.pixels[40 : 40 + IMAGES].reshape(-1, 28, 28)


@pytest.fixture(scope="module")
def recalculated(images, tmp_path_factory) -> Path:
    written, done = (tmp_path_factory.mktemp(name) for name in ("written", "recalculated"))
    paths = []
    for name in NETS:
        base = written / f"{name}.xlsx"
        write_reader(model_of(name), load("digits"), base)
        paths.append(base)
        paths += [painted(base, written / f"{name} {k}.xlsx", x) for k, x in enumerate(images)]
    recalculate_all(paths, done)
    return done


@pytest.mark.parametrize("name", NETS)
def test_a_painted_image_is_read_as_the_engine_reads_it(recalculated, images, name):
    model = model_of(name)
    expected = model.predict(images[:, None])
    for number, wanted in enumerate(expected):
        answer, found = said(recalculated / f"{name} {number}.xlsx", 10)
        assert np.abs(found - wanted).max() <= 1e-5
        assert answer == model.classes[int(wanted.argmax())]


@pytest.mark.parametrize("name", NETS)
def test_the_image_that_is_picked_first_is_read_before_and_after_recalculation(
    recalculated, tmp_path, name
):
    data, model = load("digits"), model_of(name)
    first = data.test_for_reporting.pixels[data.test_for_reporting.labels == 0][:1]
    expected = model.predict(first.reshape(1, 1, 28, 28))[0]
    write_reader(model, data, tmp_path / "book.xlsx")
    for path in (tmp_path / "book.xlsx", recalculated / f"{name}.xlsx"):
        answer, found = said(path, 10)
        assert np.abs(found - expected).max() <= 1e-5
        assert answer == model.classes[int(expected.argmax())]
