"""The manifest of the task pane is one that Excel takes: in its order, naming the site."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from gradbook.language import LANGUAGES
from scripts.excel_manifest import OFFICE, icon, main, manifest

SITE = "https://example.org/a&b"
ORDER = (
    *("Id", "Version", "ProviderName", "DefaultLocale", "DisplayName", "Description", "IconUrl"),
    *("HighResolutionIconUrl", "SupportUrl", "Hosts", "Requirements", "DefaultSettings"),
    "Permissions",
)


def test_it_names_the_panes_of_the_site_in_each_language():
    root = ElementTree.fromstring(manifest(SITE))
    assert [part.tag for part in root] == [f"{{{OFFICE}}}{name}" for name in ORDER]
    source = root.find(f".//{{{OFFICE}}}SourceLocation")
    places = [source.get("DefaultValue"), *(one.get("Value") for one in source)]
    assert places == [f"{SITE}/check/excel-{code}.html" for code in LANGUAGES]
    assert len({one.get("Locale") for one in source}) == len(LANGUAGES) - 1


def test_one_site_has_one_identity():
    assert manifest(SITE) == manifest(f"{SITE}/")
    assert manifest(SITE) != manifest("https://example.org/c")


def test_an_address_without_encryption_is_refused():
    with pytest.raises(SystemExit, match="https://"):
        manifest("http://example.org")


def test_without_a_site_nothing_is_written(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("GRADBOOK_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    main([])
    assert "no manifest for Excel" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_its_icons_are_pictures_of_their_size():
    for size in (32, 64):
        content = icon(size)
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20]) == size
