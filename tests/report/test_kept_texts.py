"""Texts in the cache: made once, and anew whenever what made them has changed."""

from __future__ import annotations

import json
from itertools import count

import pytest

from gradbook.graph.node import OPS, Op
from gradbook.language import in_language
from gradbook.report import kept_texts
from gradbook.report.kept_texts import kept_text
from tests.pseudo import pseudo_language


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    return tmp_path / "texts"


@pytest.fixture
def ask(cache):
    """`ask()`: the text, which says how often it was made."""
    made = count(1)
    return lambda: kept_text("tried", lambda: f"text {next(made)}")


def test_it_is_made_once(ask, cache):
    assert [ask(), ask()] == ["text 1"] * 2
    assert [path.name for path in cache.iterdir()] == ["tried-en.json"]


def test_each_language_has_its_own(ask):
    ask()
    with in_language("de"):
        assert [ask(), ask()] == ["text 2"] * 2
    assert ask() == "text 1"


def test_a_changed_module_makes_it_anew(ask, cache, monkeypatch, tmp_path):
    ask()
    (tmp_path / "package").mkdir()
    monkeypatch.setattr(kept_texts, "PACKAGE", tmp_path / "package")  # where its modules are gone
    assert ask() == "text 2"


def test_what_is_damaged_is_made_anew(ask, cache):
    ask()
    for content in ("", "[]", json.dumps({"modules": [], "made_of": "", "text": "forged"})):
        (cache / "tried-en.json").write_text(content)
        assert ask() != "forged"


def test_what_others_add_is_never_kept(ask, monkeypatch):
    monkeypatch.setitem(OPS, "others", Op("others", lambda x: x))
    assert [ask(), ask()] == ["text 1", "text 2"]


def test_a_language_without_a_catalogue_is_never_kept(ask):
    with pseudo_language():
        assert [ask(), ask()] == ["text 1", "text 2"]


def test_without_a_cache_it_is_made_each_time(ask, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "file"))
    assert [ask(), ask()] == ["text 1", "text 2"]
