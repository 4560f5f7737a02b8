from __future__ import annotations

from gradbook import __version__
from gradbook.engine import compilers
from gradbook.engine.compilers import surroundings


def test_all_that_a_result_hangs_on_is_told_in_words():
    found = surroundings(3)
    assert found["gradbook"] == __version__
    assert found["threads"] == "3"
    assert all(isinstance(words, str) and words for words in found.values())
    compiler = compilers.find_compiler()
    assert found["compiler"] == (compiler.name if compiler else "none: NumPy")


def test_a_processor_goes_by_its_name(tmp_path, monkeypatch):
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nmodel name\t: Swift 9000\n", "utf-8")
    monkeypatch.setattr(compilers, "PROCESSORS", listed)
    assert surroundings(1)["processor"].startswith("Swift 9000, ")


def test_where_none_is_listed_its_kind_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(compilers, "PROCESSORS", tmp_path / "nowhere")
    assert " core" in surroundings(1)["processor"]


def test_without_a_compiler_numpy_is_told(monkeypatch):
    monkeypatch.setattr(compilers, "find_compiler", lambda: None)
    assert surroundings(1)["compiler"] == "none: NumPy"
