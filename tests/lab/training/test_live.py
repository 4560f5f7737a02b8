"""A training in a notebook moves below its cell; elsewhere it is silent unless it is asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from gradbook.errors import GradbookError
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.train import train
from tests.lab import made

pytestmark = pytest.mark.witness("cc")

EPOCHS = 3


@pytest.fixture
def kernel(tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """IPython's own shell as a kernel has it; what it publishes is kept."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False
    published = shell.display_pub = CapturingDisplayPublisher()
    shell.kernel = object()
    yield SimpleNamespace(shell=shell, outputs=published.outputs)
    InteractiveShell.clear_instance()


def drawn(html: str) -> list[ElementTree.Element]:
    """The pictures in a piece of HTML."""
    parts = html.split("<svg xmlns")[1:]
    return [
        ElementTree.fromstring("<svg xmlns" + part.rsplit("</svg>", 1)[0] + "</svg>")
        for part in parts
    ]


def test_one_display_is_renewed_until_the_training_is_done(kernel):
    trained = train(made.recipe(f"epochs {EPOCHS}"), data=made.dataset())
    first, *later = kernel.outputs
    assert not first["update"]
    assert all(output["update"] for output in later)
    places = {output["transient"]["display_id"] for output in kernel.outputs}
    assert len(places) == 1
    assert len(later) >= EPOCHS + 1
    assert "compiling the engine" in first["data"]["text/html"]
    last = later[-1]["data"]
    assert f"{EPOCHS} epochs in " in last["text/plain"]
    assert str(trained.history[-1]) in last["text/plain"]
    pictures = drawn(last["text/html"])
    titles = ["".join(picture.itertext()) for picture in pictures]
    assert ["Loss" in titles[0], "Accuracy" in titles[1]] == [True, True]
    assert re.search(r'<progress value="1\.0000"', last["text/html"])


def test_whoever_listens_hears_as_much_as_before(kernel):
    heard: list[Epoch] = []
    trained = train(made.recipe(), data=made.dataset(), listener=heard.append)
    assert tuple(heard) == trained.history


def test_nothing_is_shown_where_it_is_not_wanted(kernel, capsys):
    train(made.recipe("epochs 1"), data=made.dataset(), show=False)
    assert kernel.outputs == []
    assert capsys.readouterr().out == ""


def test_a_training_that_cannot_begin_leaves_an_empty_place(kernel):
    with pytest.raises(GradbookError):
        train(made.recipe("batch 1"), data=made.dataset(4))
    assert kernel.outputs[-1]["data"]["text/plain"] == ""


def test_in_a_terminal_a_training_is_silent_or_prints_its_epochs(capsys):
    assert getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is None
    train(made.recipe("epochs 1"), data=made.dataset())
    assert capsys.readouterr().out == ""
    trained = train(made.recipe("epochs 2"), data=made.dataset(), show=True)
    assert capsys.readouterr().out.splitlines() == [str(epoch) for epoch in trained.history]
