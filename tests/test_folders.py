"""Folders of our own: nobody else's, and gone in the end, however a process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gradbook import folders, system
from gradbook.errors import FileError
from gradbook.folders import TEMPORARY, alone_in, kept_in, of_this_process, temporary_folder

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
NOBODY = 65534
HOLDING = """\
import os, sys, time
from gradbook.folders import temporary_folder
with temporary_folder(sys.argv[1]) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_bytes(b"x")
    helper = os.fork()
    if not helper:  # by now it has let go of what it doesn't share
        print(folder, os.getpid(), flush=True)
    time.sleep(600)
"""


def test_it_is_empty_and_gone_after_the_block(tmp_path):
    with temporary_folder(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        (folder / "deep").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_accident(tmp_path):
    with pytest.raises(KeyboardInterrupt), temporary_folder(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_what_killed_processes_left_is_taken_away_and_nothing_else(tmp_path):
    words = [sys.executable, "-c", HOLDING, str(tmp_path)]
    others = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [other.stdout.readline().split() for other in others]
    (killed, alive), helpers = (Path(words[0]) for words in said), [int(words[1]) for words in said]
    try:
        others[0].kill()
        others[0].wait()
        (tmp_path / "mine").mkdir()
        (tmp_path / f"{TEMPORARY}link").symlink_to(tmp_path / "mine")
        (tmp_path / f"{TEMPORARY}file").write_bytes(b"")
        os.mkfifo(tmp_path / f"{TEMPORARY}pipe")
        with temporary_folder(tmp_path):
            os.kill(helpers[0], 0)  # it goes on, and holds nothing
            assert not killed.exists()
            assert (alive / "inner" / "file").exists()
            assert (tmp_path / "mine").exists()
    finally:
        others[1].kill()
        for helper in helpers:
            os.kill(helper, signal.SIGKILL)
        for other in others:
            other.communicate()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_what_belongs_to_others_is_theirs(tmp_path):
    theirs = tmp_path / f"{TEMPORARY}theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with temporary_folder(tmp_path):
        assert theirs.exists()


def test_many_at_once_disturb_nobody(tmp_path):
    """Each begins by taking away what seems to be left of others."""
    wrong: list[object] = []

    def work() -> None:
        for _ in range(30):
            with temporary_folder(tmp_path) as folder:
                (folder / "a").write_bytes(b"a")
                if not (folder / "a").exists():
                    wrong.append(folder)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_no_locks_nothing_is_taken_for_left(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    (tmp_path / f"{TEMPORARY}abc").mkdir()
    with temporary_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [f"{TEMPORARY}abc"]


def test_one_may_last_as_long_as_the_process():
    process = subprocess.run(
        [sys.executable, "-c", "from gradbook.folders import *; print(of_this_process())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert TEMPORARY in process.stdout
    assert not Path(process.stdout.strip()).exists()
    assert of_this_process() == of_this_process()


def test_folders_are_held_by_one_at_a_time(tmp_path):
    with alone_in(tmp_path) as first, alone_in(tmp_path) as second:
        assert (first, second) == (True, sys.platform == "win32")
    with alone_in(tmp_path) as again:
        assert again


def test_a_folder_that_is_kept_is_made_with_those_above(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "a" / "b"))
    assert kept_in("things") == tmp_path / "a" / "b" / "things"
    assert kept_in("things").is_dir()


@POSIX
def test_why_nothing_is_kept_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "file" / "b"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match=r"cache in .*things: .* is in the way: .*; set GRADBOOK"):
        kept_in("things")
    monkeypatch.setattr(folders.os, "environ", {"GRADBOOK_CACHE": "a\0b"})
    with pytest.raises(FileError, match="can't cache in"):
        kept_in("things")


@POSIX
def test_a_link_above_is_followed_where_nobody_else_may_change_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert system.shared_with_others(tmp_path / "link" / "..") == ""
    (tmp_path / "real" / "kept").mkdir(mode=0o700)
    assert system.shared_with_others(tmp_path / "link" / "kept") == ""
    (tmp_path / "real").chmod(0o777)
    said = system.shared_with_others(tmp_path / "link" / "kept")
    assert said == f"others may write to {tmp_path / 'real'}"
