"""The same C for browsers: a module of WebAssembly, and what a page needs to call it.

Zig compiles it, with vectors of four lanes and without any import, so that a page that may load
nothing can run it. Its results are those of the engine at the level that every machine has.
"""

from __future__ import annotations

import ctypes
import hashlib
import lzma
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from gradbook.data.warp import Warp
from gradbook.engine.base import Job
from gradbook.engine.compilers import CompilerError, for_browsers, vectors
from gradbook.engine.libraries import compile_library
from gradbook.engine.native import WarpStruct, warp_struct, warp_tables
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.net import Net
from gradbook.net.build import NOT_FROZEN, Forward, Frozen, inference, training_step
from gradbook.net.names import value_name
from gradbook.net.work.at_work import last_value
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import Array, Source, part, reader, source

SIMD = "simd128"
PACKED = Path(__file__).with_name("modules.tar.xz")  # `make modules` packs it
ROOM = 256  # images of a batch that every module has room for; smaller ones work too
CALLED = ["engine_open", "engine_array", "engine_run", "order_keys", "place_in_job", "malloc"]
CALLED_TO_WARP = ["place_in_warp", "warp_function"]
KINDS = {
    ctypes.c_int32: "i32",
    ctypes.c_int64: "i64",
    ctypes.c_uint64: "u64",
    ctypes.c_double: "f64",
    ctypes.c_void_p: "pointer",
}


@dataclass(frozen=True)
class WasmModule:
    """The code, the arrays that can be read and written, and the structs that it is called with.

    An archive contains the code of the built-in recipes, each under the hash of its C, so that
    outdated code is never used.
    """

    text: str  # the C
    effort: tuple[float, ...]  # of each of its parts
    arrays: tuple[Array, ...]
    warps: bool

    @property
    def name(self) -> str:
        """Its name in the archive, which depends on the C."""
        return f"{hashlib.sha256(self.text.encode()).hexdigest()[:24]}.wasm"

    @property
    def code(self) -> bytes:
        """The code from gradbook's archive, or compiled here."""
        return shipped_module(self.name) or self.compile()

    def compile(self) -> bytes:
        """The code compiled here: the same bytes for the same version of zig."""
        called = [*CALLED, *(CALLED_TO_WARP if self.warps else [])]
        exports = [f"-Wl,--export={name}" for name in called]
        compiler = for_browsers()
        assert vectors(compiler) == SIMD
        library = compile_library(self.text, compiler, extra=exports, effort=self.effort)
        return library.path.read_bytes()

    def table(self) -> dict[str, Any]:
        """The module's table for a page, beside the code."""
        return {
            "arrays": {
                array.name: [number, prod(array.shape)] for number, array in enumerate(self.arrays)
            },
            "job": _members(Job),
            "warp": _members(WarpStruct),
        }


def shipped_module(name: str) -> bytes | None:
    """A module from gradbook's archive, if there is one of that name."""
    try:
        with tarfile.open(PACKED) as archive:
            member = archive.extractfile(name) if name in archive.getnames() else None
            return member.read() if member else None
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        raise CompilerError(f"{PACKED} can't be read: install gradbook again") from error


def trainer(
    net: Net, batch: int, *, weighted: bool = False, frozen: Frozen = NOT_FROZEN
) -> WasmModule:
    """The module that trains the network on batches of so many images, which it may warp."""
    step = training_step(_unnamed(net), max(batch, ROOM), weighted, frozen)
    return _module(source(step, inference(net), machine(SIMD)), warps=True)


def learner(net: Net) -> WasmModule:
    """The module that trains the network on one sample per step. What it predicts follows the
    shares of attention.
    """
    step, forward = training_step(_unnamed(net), 1), inference(net)
    return _module(source(step, forward, machine(SIMD), attention_shares(forward)), warps=False)


def attention_shares(forward: Forward) -> list[Node]:
    """Those of each layer of attention: by its heads, the step that attends, and the other."""
    return [node for node in forward.graph.by_name.values() if node.op.name == "shares"]


def viewer(net: Net, batch: int) -> WasmModule:
    """The module that reads so many images at a time. For each it outputs the error, the gradients
    that arrive at the values of `reached`, and then the values of `shown`."""
    return _module(viewer_source(_unnamed(net), batch), warps=False)


def viewer_source(net: Net, batch: int) -> Source:
    forward = inference(net)
    nodes = forward.graph.by_name
    values = [nodes[name] for name in shown_names(net)]
    on_the_way = [nodes[name] for name in reached_names(net)]
    arriving = gradients(forward.error, list(dict.fromkeys(on_the_way)))
    outputs = [forward.error, *(arriving[value] for value in on_the_way), *values]
    return reader(forward, outputs, batch, machine(SIMD), net.name)


def warping_table(warp: Warp, shape: Sequence[int]) -> dict[str, Any]:
    """The members of `struct warp`; arrays are lists of numbers."""
    channels, rows, columns = shape
    warp.require_fit(rows, columns)
    tables = warp_tables(warp, rows, columns)
    struct = warp_struct(warp, (channels, rows, columns), tables)
    numbers = {
        name: getattr(struct, name) for name, kind in _members(WarpStruct) if kind != "pointer"
    }
    return {**numbers, **{name: table.ravel().tolist() for name, table in tables.items()}}


def shown_names(net: Net) -> list[str]:
    """The names of the layers' values, without dropout and flatten, which make no new ones."""
    return [str(value_name(net, k)) for k, layer in enumerate(net.layers) if not layer.passes_on]


def reached_names(net: Net) -> list[str]:
    """The image, and those of `shown` that the error depends on."""
    before = enumerate(net.layers[: last_value(net)])
    return ["i", *(str(value_name(net, k)) for k, layer in before if not layer.passes_on)]


def _unnamed(net: Net) -> Net:
    """The network without its name: networks with the same layers share a module."""
    return replace(net, name="")


def _module(source: Source, *, warps: bool) -> WasmModule:
    return WasmModule(source.text + _callable(warps), source.effort, source.arrays, warps)


def _callable(warps: bool) -> str:
    """The C that only pages need."""
    text = part("page")
    for mark, name, struct in (("JOB", "job", Job), ("WARP", "warp", WarpStruct)):
        places = [f"offsetof(struct {name}, {member})" for member, _ in _members(struct)]
        text = text.replace(f"/* {mark} */", ", ".join([*places, f"sizeof(struct {name})"]))
    warping = f"#define WARPS\n{part('warp')}" if warps else ""
    return f"\n#if IN_PART(0)\n{warping}{text}#endif\n"


def _members(struct: type[ctypes.Structure]) -> list[tuple[str, str]]:
    """The names and kinds of a struct's members, in order."""
    return [(field[0], KINDS[field[1]]) for field in struct._fields_]
