"""What differs from system to system is asked for in one room."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gradbook
from gradbook import system
from gradbook.system import FolderLock
from tests.cases import for_each
from tests.outside.systems.bare.posix_names import MODULES, OF_OS, OF_SIGNAL

PACKAGE = Path(gradbook.__file__).parent
ROOM = PACKAGE / "system.py"
ABOUT_COMPILERS = PACKAGE / "engine" / "compilers.py"  # each system has its own ways to get one
NAMES = {"os": {*OF_OS.split()}, "signal": {*OF_SIGNAL.split()}, "sys": {"platform"}}


def asked_for(path: Path) -> set[str]:
    """What a file asks for that not every system has, or which system it is on."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in NAMES.get(
                module, ()
            ):
                found.add(f"{module}.{name}")
            case ast.Import(names=names):
                found |= {alias.name for alias in names} & set(MODULES.split())
            case ast.ImportFrom(module=module, names=names):
                found |= {module} & set(MODULES.split())
                found |= {alias.name for alias in names} & NAMES.get(module or "", set())
    return found


def test_nobody_else_asks_for_what_not_every_system_has():
    asking = {path: asked_for(path) for path in PACKAGE.rglob("*.py")}
    assert {path for path, names in asking.items() if names} == {ROOM, ABOUT_COMPILERS}
    assert asking[ABOUT_COMPILERS] == {"sys.platform"}
    assert "fcntl" in asking[ROOM]


@for_each("name", ["con", "NUL.txt", "aux.tar.gz", "Com1", "lpt9.html", "prn "])
def test_windows_has_devices_that_look_like_files(name):
    assert system.is_a_device(name)


@for_each("name", ["console", "null", "com", "lptx", "a.con", "communication1"])
def test_what_only_begins_so_is_a_file(name):
    assert not system.is_a_device(name)


@pytest.mark.skipif(sys.platform == "win32", reason="there the browser is asked otherwise")
def test_the_browser_that_is_asked_for_gets_the_address(tmp_path):
    said = tmp_path / "said"
    command = f"sh -c 'echo $0 > {said}' %s"
    opening = "from gradbook.system import open_in_browser; print(open_in_browser('http://a/b'))"
    settings = {**os.environ, "BROWSER": command}
    done = subprocess.run(
        [sys.executable, "-c", opening], env=settings, capture_output=True, text=True, check=True
    )
    assert (done.stdout, said.read_text()) == ("True\n", "http://a/b\n")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a screen")
def test_without_a_screen_no_browser_takes_the_terminal(monkeypatch):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not system.open_in_browser("http://a/b")


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert (first.is_ours, second.is_ours) == (True, False)
    first.let_go()
    second.let_go()
    assert FolderLock(tmp_path).is_ours


def test_without_locks_everybody_is_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    locks = FolderLock(tmp_path), FolderLock(tmp_path)
    assert all(lock.is_ours for lock in locks)
    for lock in locks:
        lock.let_go()


@for_each("groups", [True, False], ids=["groups of processes", "none"])
def test_a_process_apart_can_be_ended(groups, monkeypatch):
    if not groups:
        monkeypatch.delattr(os, "killpg", raising=False)
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(words, text=True, **system.apart()) as process:
        system.end(process)
        assert process.wait(20) != 0


def test_without_masks_ctrl_c_is_not_kept_back(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    system.let_through(system.keep_ctrl_c_back())


def test_there_is_a_core_to_use(monkeypatch):
    assert system.cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert system.cores() >= 1
