from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from gradbook import files, limits
from gradbook.errors import FileError
from gradbook.files import decode, made_folder, open_file, read_text, whole_file, write_whole
from tests.cases import for_each

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
NOBODY = 65534


@pytest.fixture
def own_folder():
    """A folder of somebody who isn't root, whom we are for the while: root may write anywhere."""
    folder = Path(tempfile.mkdtemp())
    before = os.geteuid()
    if before == 0:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(before)
    shutil.rmtree(folder)


def test_text_is_written_as_utf8(tmp_path):
    write_whole(tmp_path / "a.txt", "∂E\n")
    assert (tmp_path / "a.txt").read_bytes() == "∂E\n".encode()


def test_half_a_character_is_written_somehow(tmp_path):
    write_whole(tmp_path / "a.txt", "\ud800")
    assert (tmp_path / "a.txt").read_bytes() == rb"\ud800"


def test_a_writer_gets_a_path_with_the_right_ending(tmp_path):
    with whole_file(tmp_path / "book.xlsx") as part:
        assert part.suffix == ".xlsx"
        part.write_bytes(b"1")
    assert [file.name for file in tmp_path.iterdir()] == ["book.xlsx"]


@for_each("accident", [KeyboardInterrupt, ValueError, FileError("x")])
def test_an_accident_leaves_the_old_file_and_nothing_else(tmp_path, accident):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(BaseException), whole_file(target) as part:  # noqa: B017, PT011
        part.write_text("ne")
        raise accident
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match="can't write .*a.txt: there is no folder .*nowhere"):
        write_whole(tmp_path / "nowhere" / "a.txt", "x")


def test_a_folder_is_no_place_for_content(tmp_path):
    with pytest.raises(FileError, match="it is a folder: name a file in it"):
        write_whole(tmp_path, "x")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="isn't a folder"):
        write_whole(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(FileError, match="in the way"):
        made_folder(tmp_path / "file")


@for_each("name", ["n" * 400, "a\0b"])
def test_an_impossible_name_is_one_clear_line(tmp_path, name):
    with pytest.raises(FileError, match="choose") as caught:
        write_whole(tmp_path / name, "x")
    assert str(caught.value).isprintable()


@POSIX
def test_a_protected_folder_and_a_protected_file_stay_as_they_are(own_folder):
    target = own_folder / "a.txt"
    target.write_text("old")
    target.chmod(0o444)
    with pytest.raises(FileError, match="no permission: choose another place"):
        write_whole(target, "new")
    own_folder.chmod(0o555)
    with pytest.raises(FileError, match="no permission: choose another place"):
        write_whole(own_folder / "b.txt", "new")
    own_folder.chmod(0o755)
    assert target.read_text() == "old"


@POSIX
def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path):
    old, new, plain = (tmp_path / name for name in ("old", "new", "plain"))
    old.write_text("")
    old.chmod(0o640)
    plain.write_text("")
    write_whole(old, "x")
    write_whole(new, "x")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == plain.stat().st_mode


@POSIX
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@POSIX
def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    listener.start()
    write_whole(pipe, "hello")
    listener.join(10)
    assert heard == ["hello"]
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


@POSIX
def test_a_pipe_that_nobody_reads_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="no program reads from it: start one first"):
        write_whole(tmp_path / "pipe", "hello")
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


@POSIX
def test_a_link_to_nothing_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(FileError, match="it is a link to a file that doesn't exist"):
        write_whole(tmp_path / "link", "new")
    assert [file.name for file in tmp_path.iterdir()] == ["link"]


def test_a_file_that_is_not_there_is_said_plainly(tmp_path):
    with pytest.raises(FileError, match="can't read .*a.net: it doesn't exist"):
        read_text(tmp_path / "a.net")


def test_a_file_that_is_not_text_is_said_plainly(tmp_path):
    (tmp_path / "a.net").write_bytes(b"ab\xff")
    with pytest.raises(FileError, match=r"isn't UTF-8 text \(byte 3\): save it as UTF-8"):
        read_text(tmp_path / "a.net")


def test_a_file_without_end_is_not_read_to_its_end():
    if not os.path.exists("/dev/zero"):
        pytest.skip("this system has no /dev/zero, the file without an end")
    with pytest.raises(FileError, match="it is a device, not a file"):
        read_text("/dev/zero")


def test_only_the_opening_of_a_stream_is_guarded(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    with (
        pytest.raises(FileError, match="can't read .*b: it doesn't exist"),
        open_file(tmp_path / "b", limits.TEXT),
    ):
        pass
    with pytest.raises(OSError, match="ours"), open_file(tmp_path / "a", limits.TEXT) as file:
        assert file.read() == b"1"
        raise OSError("ours")
    assert file.closed


def test_a_byte_order_mark_is_not_content():
    assert decode(b"\xef\xbb\xbfinput 2", source="a") == "input 2"


@for_each(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full: make room or choose another place"),
        (errno.EDQUOT, "your quota on that disk is used up: free some space"),
        (errno.EFBIG, "files may not become that large there: choose another place"),
    ],
)
def test_whatever_leaves_no_room_is_said_with_a_remedy(tmp_path, monkeypatch, number, said):
    def full(handle):
        raise OSError(number, "no room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match=f"can't write .*a.txt: {said}"):
        write_whole(tmp_path / "a.txt", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there no folder goes that somebody is in")
def test_where_the_folder_that_one_is_in_is_gone_that_is_said(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileError, match="the current folder no longer exists"):
        write_whole("a.txt", "")
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open files
def test_interrupted_at_any_line_of_writing_it_leaves_no_part(tmp_path):
    left, at = [], 0

    def trace(frame, event, argument):
        nonlocal line
        is_ours = frame.f_code.co_filename == files.__file__
        if is_ours and event == "line" and frame.f_code.co_name in WRITING:
            line += 1
            if line == at:
                raise KeyboardInterrupt
        return trace

    is_interrupted = True
    while is_interrupted:
        at, line, before = at + 1, 0, sys.gettrace()
        sys.settrace(trace)
        try:
            write_whole(tmp_path / "page.html", "content")
            is_interrupted = False
        except KeyboardInterrupt:
            left += [(at, path.name) for path in tmp_path.iterdir() if path.name != "page.html"]
        finally:
            sys.settrace(before)
    assert at > 30
    assert left == []


WRITING = ("_part_of", "_new_part", "write_all")
