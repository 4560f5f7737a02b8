"""The documentation of several releases, side by side."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from scripts.site_versions import publish
from tests.conftest import require
from tests.outside.browser import browser


def made(words, folder):
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(words, "utf-8")


def published(folder, *versions):
    for version in versions:
        publish(folder, version, partial(made, version))
    return [it["version"] for it in json.loads((folder / "versions.json").read_text("utf-8"))]


def test_each_release_has_its_folder_and_the_newest_is_led_to(tmp_path):
    assert published(tmp_path, "1.0.0", "1.10.0", "1.9.3") == ["1.10", "1.9", "1.0"]
    for name, words in {"1.0": "1.0.0", "1.10": "1.10.0", "1.9": "1.9.3"}.items():
        assert (tmp_path / name / "index.html").read_text("utf-8") == words
    assert "url=1.10/index.html" in (tmp_path / "index.html").read_text("utf-8")


def test_a_correction_takes_the_place_of_its_own_release_alone(tmp_path):
    assert published(tmp_path, "1.0.0", "1.1.0", "1.0.1") == ["1.1", "1.0"]
    assert (tmp_path / "1.0" / "index.html").read_text("utf-8") == "1.0.1"
    assert (tmp_path / "1.1" / "index.html").read_text("utf-8") == "1.1.0"
    titles = [it["title"] for it in json.loads((tmp_path / "versions.json").read_text("utf-8"))]
    assert titles == ["1.1.0", "1.0.1"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.mark.witness("zensical", "chromium")
def test_the_pages_have_a_menu_of_the_releases(tmp_path):
    require("zensical")
    publish(tmp_path, "9.9.1")
    publish(tmp_path, "9.8.0", partial(made, "older"))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with browser() as page:
            page.show(f"http://127.0.0.1:{server.server_port}/9.9/index.html")
            links = "[...document.querySelectorAll('.md-version__link')]"
            menu = f"{links}.map(it => it.textContent.trim())"
            page.until(f"{menu}.length")
            assert page.value(menu) == ["9.9.1", "9.8.0"]
        server.shutdown()
