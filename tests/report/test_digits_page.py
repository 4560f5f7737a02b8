"""What the page that reads drawings says about its network before any script runs."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.dataset import TEST, TRAINING, Part, assemble
from gradbook.errors import LimitError
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe_text import parse
from gradbook.net.work.at_work import at_start
from gradbook.report import digits_page as page
from gradbook.report import digits_tables
from gradbook.report.digits_tables import TrainingPack
from tests.cases import for_each
from tests.trained import model_of

NET = "input {}x8x8; flatten; dense 10; softmax"
RECIPE = f"{NET.format(1)}; epochs 1; batch 16; schedule constant 0.1; hold back none"
SOME = Part(np.zeros((40, 1, 8, 8), np.uint8), np.arange(40) % 10, "images", "labels", str)
DIGITS = assemble("digits", "", {TRAINING: SOME, TEST: SOME})
TRAINED, UNTRAINED = True, False


@pytest.fixture
def nothing_compiled(monkeypatch):
    """The modules that compute on the page are of no interest here."""
    for part in (page, digits_tables):
        monkeypatch.setattr(part, "module_table", lambda module: {})
    monkeypatch.setattr(page, "viewer", lambda net, images: None)
    monkeypatch.setattr(digits_tables, "trainer", lambda net, batch, **options: None)


@pytest.mark.usefixtures("nothing_compiled")
@for_each(
    ("is_trained", "about", "packed", "title", "introduction"),
    [
        (TRAINED, {}, 0, "reads what you draw", "650 parameters."),
        (UNTRAINED, {}, 0, "reads what you draw", "650 parameters, which isn’t trained."),
        (UNTRAINED, {}, 20, "learns to read what you draw", "isn’t trained yet: press Train."),
        (
            TRAINED,
            {"test_accuracy": 0.5},
            0,
            "reads what you draw",
            "650 parameters, which read 50.00 % of its test images correctly.",
        ),
    ],
)
def test_it_says_what_its_network_has_learned(is_trained, about, packed, title, introduction):
    drawn = model_of(NET.format(1))
    values = drawn.values if is_trained else at_start(drawn.net)
    model = Model(drawn.net, values, drawn.mean, drawn.deviation, drawn.classes, about)
    pack = TrainingPack.of(parse(RECIPE), DIGITS, packed) if packed else None
    html = page.digits_page(model, pack)
    assert f"<title>A network {title}</title>" in html
    assert f"{introduction}</p>" in html


@pytest.mark.usefixtures("nothing_compiled")
def test_images_in_colours_are_read_and_a_page_too_large_to_mail_is_refused(monkeypatch):
    model = model_of(NET.format(3))
    html = page.digits_page(model)
    assert "<title>A network reads pictures</title>" in html
    monkeypatch.setattr(page, "MOST_BYTES", len(html.encode()))
    assert page.digits_page(model) == html
    monkeypatch.setattr(page, "MOST_BYTES", len(html.encode()) - 1)
    with pytest.raises(LimitError, match=r"the page would take .*: use a smaller network"):
        page.digits_page(model)
