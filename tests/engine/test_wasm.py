"""Modules for browsers: which of them come along, and that they are what the C compiles to."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from gradbook.engine import wasm
from gradbook.engine.compilers import CompilerError
from gradbook.engine.libraries import MOST_AT_ONCE
from gradbook.engine.wasm import ROOM, learner, shipped_module, trainer, viewer
from gradbook.lab.recipes import RECIPES
from gradbook.net import Net, builtin
from scripts import pack_modules
from tests.cases import for_each

STALE = "the engine's C is another since they were compiled: make modules"
SMALL = Net.parse("input 1x6x6; conv 2 3x3; relu; flatten; dense 3; log softmax")


def test_what_comes_along_was_made_of_the_c_as_it_is():
    assert pack_modules.all_modules().keys() == pack_modules.unpacked().keys(), STALE


@pytest.mark.witness("zig")
@for_each("recipe", RECIPES)
def test_what_comes_along_is_what_the_c_compiles_to(recipe, tmp_path, monkeypatch):
    """Whoever compiled it, on how many cores, and however often."""
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    for module in pack_modules.modules(recipe):
        assert shipped_module(module.name) == module.compile(), STALE


@pytest.mark.witness("zig")
def test_what_learns_letters_is_what_the_c_compiles_to(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    module = learner(builtin("microgpt"))
    assert shipped_module(module.name) == module.compile(), STALE


@pytest.mark.witness("zig")
def test_as_many_compilers_share_a_module_on_every_machine(tmp_path, monkeypatch):
    made = set()
    for cores in (1, MOST_AT_ONCE + 1):
        monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / str(cores)))
        monkeypatch.setattr("gradbook.system.cores", lambda cores=cores: cores)
        made.add(trainer(SMALL, 8).compile())
    assert len(made) == 1


def test_a_module_is_named_alike_by_every_python():
    program = "from scripts.pack_modules import named; print(*named(['tiny']))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said.pop().split() == list(pack_modules.named(["tiny"]))


def test_networks_of_the_same_layers_share_a_module():
    other = replace(SMALL, name="another", seed=5)
    assert viewer(SMALL, 16).name == viewer(other, 16).name
    assert trainer(SMALL, 32).name == trainer(other, ROOM).name
    assert trainer(SMALL, 32).name != trainer(SMALL, ROOM + 1).name


def test_an_archive_is_the_same_whenever_it_is_packed():
    contents = {"a.wasm": b"\0asm", "b.wasm": bytes(1000)}
    assert pack_modules.archive(contents) == pack_modules.archive(contents)


@for_each("damage", [lambda whole: whole[:1000], lambda _: b"?", lambda _: b""])
def test_an_archive_that_was_damaged_is_told_in_a_line(damage, tmp_path, monkeypatch):
    damaged = tmp_path / "modules.tar.xz"
    damaged.write_bytes(damage(wasm.PACKED.read_bytes()))
    monkeypatch.setattr(wasm, "PACKED", damaged)
    with pytest.raises(CompilerError, match="can't be read: install gradbook again"):
        shipped_module("any.wasm")
