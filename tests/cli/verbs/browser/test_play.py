from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from gradbook.cli.main import main
from tests.cases import for_each

DISPLAYS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Where pages are kept, on a system without windows."""
    for name in DISPLAYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept" / "pages"


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """What a browser was told to show, which here writes it down."""
    noted, program = tmp_path / "opened", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{noted}"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(program))
    monkeypatch.delitem(sys.modules, "webbrowser", raising=False)  # which asks for it once
    yield lambda: [
        Path(unquote(urlparse(url).path)) for url in noted.read_text("utf-8").splitlines()
    ]
    sys.modules.pop("webbrowser", None)


def test_the_page_is_opened_and_stays_a_file(kept, opened, capsys):
    assert main(["play", "xor"]) == 0
    (page,) = opened()
    assert page.parent == kept
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert f"opened {page}" in capsys.readouterr().out


@pytest.mark.witness("zig")
def test_a_network_that_reads_pictures_is_opened_likewise(opened, capsys):
    assert main(["play", "tiny"]) == 0
    assert "reads what you draw" in opened()[0].read_text("utf-8")
    assert "in your browser: draw a digit" in capsys.readouterr().out


def test_the_same_page_is_kept_once(kept, opened):
    for net in ("xor", "worked", "xor"):
        assert main(["play", net]) == 0
    assert len(opened()) == 3
    assert len(list(kept.iterdir())) == 2


def test_a_page_that_is_written_is_not_opened(tmp_path, kept):
    page = tmp_path / "a page with spaces & ä.html"
    assert main(["play", "-o", str(page)]) == 0
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert not kept.exists()


@for_each(
    ("words", "told"),
    [
        (["-o", "x.html", "--epochs", "5"], "no longer has --epochs: a page trains as long as"),
        (["-o", "x.gif"], "end it in one of .html, .htm"),
        (["--set", "dense 3"], "'dense' would change the network"),
    ],
)
def test_what_does_not_go_together_is_one_line(words, told, refused):
    assert told in refused(["play", *words])


def test_a_line_of_the_network_s_own_is_replaced(tmp_path):
    page = tmp_path / "xor.html"
    assert main(["play", "xor", "--set", "rate 0.125; momentum 0.5", "-o", str(page)]) == 0
    assert "rate 0.125" in page.read_text("utf-8")
    assert "update momentum 0.5" in page.read_text("utf-8")


def test_without_a_browser_the_place_is_said(kept, capsys):
    assert main(["play"]) == 0
    (page,) = kept.iterdir()
    output = capsys.readouterr().out
    assert f"wrote {page}" in output
    assert "no browser could be opened" in output


def test_where_nothing_can_be_kept_it_is_said(tmp_path, monkeypatch, refused):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "file"))
    assert "can't make the folder" in refused(["play"])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
@pytest.mark.parametrize(
    ("shell", "settings"),
    {
        "nothing set": (
            'exec env -i GRADBOOK_CACHE="$GRADBOOK_CACHE" PYTHONPATH="$PYTHONPATH" "$@"',
            {},
        ),
        "no programs": ('exec "$@"', {"PATH": ""}),
        "no room": ('exec "$@"', {"TMPDIR": "/nowhere", "HOME": "/nowhere"}),
        "one column of old letters": (
            'exec "$@"',
            {"COLUMNS": "1", "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252", "LANG": "C"},
        ),
        "no input": ('exec "$@" <&-', {}),
        "no output": ('exec "$@" >&-', {}),
    }.values(),
)
def test_odd_surroundings_do_no_harm(shell, settings, kept):
    words = ["/bin/sh", "-c", shell, "sh", sys.executable, "-m", "gradbook", "play", "xor"]
    environment = {**os.environ, **settings}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (page,) = kept.iterdir()
    assert ">&-" in shell or f"wrote {page}" in done.stdout
