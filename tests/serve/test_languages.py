"""The server speaks the language that it was told, whichever thread or process answers."""

from __future__ import annotations

import pytest

from gradbook.builtin_networks import LESSONS
from tests.serve.books import content
from tests.serve.running import served


@pytest.fixture(scope="module")
def on(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher") / "9b"
    with served(str(path), "--language", "de") as running:
        yield running


def test_its_page_is_german_whatever_a_browser_asks_for(on):
    status, page, _ = on.ask("", Accept_Language="fr")
    assert status == 200
    assert '<html lang="de" data-decimal=",">' in page.decode()
    assert "Arbeitsmappen auswählen" in page.decode()


def test_a_refusal_is_german(on):
    status, said, _ = on.ask("class/marks", "POST", {})
    assert status == 409
    assert "zuerst" in said.decode()
    found = on.tell("classes/{}/books".format(on.tell("classes", "POST")["class"]), "POST", ODD)
    assert found["left"][0]["why"] == "das ist keine Arbeitsmappe"


ODD = {"books": [{"name": "folder/notes.txt", "size": 1}]}


def test_what_is_found_and_made_is_german(on):
    number = on.handed_in([("ada.xlsx", content())])
    found = on.tell(f"classes/{number}")
    assert "richtig" in found["said"]
    assert found["verdicts"] == {"right": "richtig"}
    assert b'lang="de"' in on.ask(f"classes/{number}/page")[1]  # by a process of its own
    made = on.tell("explain", "POST", {"text": LESSONS["worked"]})
    assert b"Kettenregel" in on.ask(f"texts/{made['result']}/derivation.html")[1]
    (remark,) = on.tell("sweep", "POST", {"text": LESSONS["worked"]})["remarks"]
    assert "Lernrate" in remark or "Rate" in remark
