"""What docs/guides/notebook.md promises of a Python without processes and threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What Pyodide 314 lacks, as it says itself: asked in node, where NumPy doesn't come along.
WITHOUT = """
import sys
platform, sys.platform = sys.platform, "emscripten"
import subprocess
sys.platform = platform
import os, signal, threading
for name in ("_multiprocessing", "_posixshmem", "_curses", "pwd", "grp", "readline", "resource"):
    sys.modules[name] = None
for name in ("posix_spawn", "posix_spawnp", "link", "geteuid", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
if hasattr(signal, "setitimer"):
    del signal.setitimer
def refuse(*given):
    raise RuntimeError("can't start new thread")
threading._start_new_thread = refuse
import gradbook as gb
from gradbook.cli.main import main
def run(line):
    try:
        return main(line.split())
    except SystemExit as end:
        return end.code
"""


def asked(code, folder):
    """What it prints to each stream."""
    words = [sys.executable, "-c", WITHOUT + code]
    process = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout, process.stderr


def test_processes_and_threads_are_really_gone(tmp_path):
    code = """
for start in (lambda: subprocess.run([sys.executable]), threading.Thread(target=print).start):
    try:
        start()
    except (OSError, RuntimeError) as error:
        print(type(error).__name__)
"""
    assert asked(code, tmp_path)[0].split() == ["OSError", "RuntimeError"]


def test_the_python_of_it_works(tmp_path):
    code = """
net = gb.builtin("worked")
assert "Weight w5" in str(gb.explain(net))
assert net._repr_svg_() and net._repr_png_() and gb.explain(net)._repr_markdown_()
assert gb.sweep(net)._repr_html_()
gb.write_workbook(net, "book.xlsx")
print(gb.check("book.xlsx").verdict)
assert "<iframe" in gb.play(net)._repr_html_()
"""
    assert asked(code, tmp_path)[0].split() == ["right"]


@pytest.mark.parametrize(
    "line",
    [
        "explain worked -o derivation.html",
        "sheet worked --exercise 1 -o exercise.xlsx",
        "check book.xlsx",
        "play xor -o page.html",
        "sweep worked",
        "summary tiny",
    ],
)
def test_so_does_the_command(line, tmp_path):
    code = f'gb.write_workbook(gb.builtin("worked"), "book.xlsx"); print(run({line!r}))'
    said, complaint = asked(code, tmp_path)
    assert said.splitlines()[-1] == "0", complaint
    if "-o" in line:
        assert (tmp_path / line.split("-o ")[1].split()[0]).stat().st_size > 1000


@pytest.mark.parametrize(
    "line", ["check book.xlsx other.xlsx", "train quick", "train rows.csv", "play tiny -o a.html"]
)
def test_what_needs_more_says_so_in_a_line(line, tmp_path):
    rows = "a,b,kind\n" + "".join(f"{k % 7},{k % 5},{'xy'[k % 2]}\n" for k in range(60))
    (tmp_path / "rows.csv").write_text(rows, "utf-8")
    books = '[gb.write_workbook(gb.builtin("worked"), f"{k}.xlsx") for k in ("book", "other")]'
    code = f"{books}; print(run({line!r}))"
    said, complaint = asked(code, tmp_path)
    assert said.splitlines()[-1] == "2"
    assert complaint.startswith("gradbook: ")
    assert len(complaint.splitlines()) == 1
    assert "process" in complaint
