"""The networks of all recipes, exported in every form and read by the runtimes people use."""

from __future__ import annotations

import numpy as np
import pytest

from bench.exports import FORMS
from gradbook.data.sources import load
from gradbook.lab.models.model import FEW_IMAGES, untrained_model
from gradbook.lab.recipes.recipe_text import RECIPES, recipe
from tests.conftest import require

DIGITS = load("digits")
NEEDED = {"onnxruntime": ("onnx", "onnxruntime"), "torch": ("torch",), "keras": ("keras", "torch")}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", RECIPES)
def test_every_runtime_is_as_sure_as_gradbook(name, form, tmp_path):
    runtime, read, asked = FORMS[form]
    require(*NEEDED[runtime])
    model = untrained_model(recipe(name).net, DIGITS)
    images = DIGITS.test_for_reporting.pixels[:FEW_IMAGES]
    found = read(model, images, tmp_path, **asked)
    np.testing.assert_allclose(found, model.predict(images), atol=1e-5)
