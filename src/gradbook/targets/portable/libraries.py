"""A network's C as a library, laid out as Arduino, Zephyr and MicroPython look for one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod

from gradbook.data.signals import Windows
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.c_file import CFile, sketch
from gradbook.targets.portable.program import comment, runtime
from gradbook.targets.portable.signal_sketch import (
    SHOWN_IS,
    hearing,
    library_sketch,
    settings,
    shown_in_c,
)
from gradbook.targets.portable.whole_makers import WholeNumbers

FUNCTION = r"((?:^/\*[^\n]*\*/\n)?)^((?:int|void|float) {name}_\w+\([^()]*\))\n\{{"
KINDS = {"uint8_t": "B", "int16_t": "h", "int32_t": "i", "float": "f"}  # as Python's array has them


@dataclass(frozen=True, eq=False)
class CLibrary:
    """What is laid out: the network's file, and what it was made of."""

    trained: TrainedNet
    made: CFile
    name: str  # in C
    windows: Windows | None = None
    whole: WholeNumbers | None = None
    learns: bool = False

    @property
    def sample(self) -> str:
        """C's type of what the network is given."""
        found = re.search(rf"{self.name}_predict\(const (\w+) \*", self.made.text)
        assert found
        return found[1]

    @property
    def numbers(self) -> int:
        return prod(self.trained.input)

    @property
    def outputs(self) -> int:
        """How many numbers `predict` writes."""
        trained = self.trained
        if len(trained.output) > 1:
            return prod(trained.output)
        return trained.net.outputs if self.whole else len(trained.classes) or trained.net.outputs

    @property
    def shown(self) -> str:
        """The variable that says which class is being shown, if windows are learnt from."""
        return f"{self.name}_shown" if self.learns and self.windows else ""

    def source(self) -> str:
        """The C file: the network, its names and, of windows, what listens row by row."""
        parts = [f'#include "{self.name}.h"\n#include <string.h>', self.made.text.strip()]
        if names := self.trained.classes:
            said = ", ".join(json.dumps(one, ensure_ascii=True) for one in names)
            array = f"const char *const {self.name}_classes[{len(names)}]"
            parts.append(f"{array} = {{{said}}};")
        if self.windows:
            head = f"int {self.name}_hear"
            heard = hearing(self.trained, self.name, head, self.whole, self.shown)
            parts += [settings(self.windows, len(names), self.whole)]
            parts += [shown_in_c(self.shown) + heard]
        return "\n\n".join(parts) + "\n"

    def header(self) -> str:
        """What others may call: not what goes on by single steps, whose state is the file's own."""
        name, upper = self.name, self.name.upper()
        classes, windows = self.trained.classes, self.windows
        sizes = {"NUMBERS": self.numbers, "OUTPUTS": self.outputs}
        if windows:
            sizes |= {"CHANNELS": len(windows.channels), "STEP": windows.step}
        told = ",\n".join(f"    {upper}_{what} = {many}" for what, many in sizes.items())
        remark = re.match(r"/\*.*?\*/", self.made.text, re.DOTALL)
        assert remark
        found = re.findall(FUNCTION.format(name=name), self.made.text, re.MULTILINE)
        calls = [f"{said}{head};" for said, head in found if "struct" not in head]
        if self.shown:
            calls.append(f"{SHOWN_IS}extern int {self.shown};")
        if windows:
            calls.append(
                "/* Take one row more. The class that is heard; -1 between steps and while none\n"
                f"   is likely enough. */\nint {name}_hear(const {self.sample} *row);"
            )
        if classes:
            calls.insert(0, f"extern const char *const {name}_classes[{len(classes)}];")
        return "\n\n".join(
            (
                remark[0],
                f"#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>",
                '#ifdef __cplusplus\nextern "C" {\n#endif',
                f"enum {{\n{told}\n}};",
                *calls,
                "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
            )
        )


# Arduino ----------------------------------------------------------------------

PROPERTIES = """\
name={name}
version=1.0.0
author=made with gradbook
maintainer=made with gradbook
sentence=A trained network: {about}.
paragraph=Written by gradbook {version}; needs no other library.
category=Data Processing
url=https://docs.arduino.cc/arduino-cli/library-specification/
architectures=*
includes={name}.h
"""


def _arduino(library: CLibrary) -> dict[str, str]:
    from gradbook import __version__

    name = library.name
    files = {
        "library.properties": PROPERTIES.format(
            name=name, about=_about(library), version=__version__
        ),
        f"src/{name}.h": library.header(),
        f"src/{name}.c": library.source(),
    }
    if example := _example(library):
        files[f"examples/{name}/{name}.ino"] = example
    return files


def _example(library: CLibrary) -> str:
    """A sketch, where one can be written."""
    trained, name = library.trained, library.name
    if library.windows:
        sample, whole = library.sample, library.whole
        return library_sketch(trained, library.windows, name, sample, whole, library.shown)
    with suppress(TargetError):
        said = sketch(trained, name, library.whole is not None, library.learns)
        return said.replace(f'"{name}.h"', f"<{name}.h>")
    return ""


def _about(library: CLibrary) -> str:
    count = f"{library.trained.net.count():,} parameters"
    return f"{library.name}, {count}, {'whole numbers' if library.whole else 'floats'}"


# Zephyr -----------------------------------------------------------------------

CMAKE = """\
# A module of Zephyr: name this folder in ZEPHYR_EXTRA_MODULES, and set CONFIG_{upper}=y.
if(CONFIG_{upper})
  zephyr_include_directories(include)
  zephyr_library()
  zephyr_library_sources(src/{name}.c)
endif()
"""
KCONFIG = """\
config {upper}
\tbool "{name}, a trained network"
\thelp
\t  {about}. Include {name}.h.
\t  Constants: {constants} bytes. Memory: {memory} bytes, all static.
"""
MODULE = """\
name: {name}
build:
  cmake: .
  kconfig: Kconfig
"""


def _zephyr(library: CLibrary) -> dict[str, str]:
    told = {
        "name": library.name,
        "upper": library.name.upper(),
        "about": _about(library),
        "constants": library.made.constants,
        "memory": library.made.memory,
    }
    return {
        "zephyr/module.yml": MODULE.format(**told),
        "CMakeLists.txt": CMAKE.format(**told),
        "Kconfig": KCONFIG.format(**told),
        f"include/{library.name}.h": library.header(),
        f"src/{library.name}.c": library.source(),
    }


# MicroPython ------------------------------------------------------------------

MAKE = """\
{upper}_DIR := $(USERMOD_DIR)
SRC_USERMOD += $({upper}_DIR)/{name}.c $({upper}_DIR)/{name}_module.c
CFLAGS_USERMOD += -I$({upper}_DIR)
"""
MICROPYTHON_CMAKE = """\
add_library(usermod_{name} INTERFACE)
target_sources(usermod_{name} INTERFACE
  ${{CMAKE_CURRENT_LIST_DIR}}/{name}.c
  ${{CMAKE_CURRENT_LIST_DIR}}/{name}_module.c)
target_include_directories(usermod_{name} INTERFACE ${{CMAKE_CURRENT_LIST_DIR}})
target_link_libraries(usermod INTERFACE usermod_{name})
"""


def _micropython(library: CLibrary) -> dict[str, str]:
    told = {"name": library.name, "upper": library.name.upper()}
    return {
        f"{library.name}.h": library.header(),
        f"{library.name}.c": library.source(),
        f"{library.name}_module.c": _module(library),
        "micropython.mk": MAKE.format(**told),
        "micropython.cmake": MICROPYTHON_CMAKE.format(**told),
    }


def _module(library: CLibrary) -> str:
    """What Python calls, bound to the functions in C."""
    trained, name, sample = library.trained, library.name, library.sample
    result = "int32_t" if library.whole else "float"
    head = [
        comment(_told_to_python(library)),
        f'#include <string.h>\n#include "py/runtime.h"\n#include "{name}.h"',
        f"typedef {sample} sample;\ntypedef {result} result;",
        f"enum {{ NUMBERS = {library.numbers}, OUTPUTS = {library.outputs} }};",
        runtime("python_buffers").strip(),
    ]
    functions = {"predict": _predicting(library)}
    if library.windows:
        functions["hear"] = runtime("python_hear")
    if library.shown:
        functions["show"] = runtime("python_show")
    if trained.classes:
        functions["classes"] = runtime("python_classes").replace("COUNT", str(len(trained.classes)))
    entries = "\n".join(
        f"    {{MP_ROM_QSTR(MP_QSTR_{one}), MP_ROM_PTR(&{one}_object)}}," for one in functions
    )
    said = "\n\n".join([*head, *(text.strip() for text in functions.values())])
    said += "\n\n" + runtime("python_module").replace("ENTRIES", entries)
    told = {"NAME": name, "GIVEN_KIND": KINDS[sample], "RESULT_KIND": KINDS[result]}
    channels = len(library.windows.channels) if library.windows else 0
    for word, what in (told | {"CHANNELS": str(channels)}).items():
        said = said.replace(word, what)
    return said


def _predicting(library: CLibrary) -> str:
    """`predict`, by what the function in C returns."""
    trained = library.trained
    if trained.classes and len(trained.output) == 1:
        kind = "python_predict_class"
    else:
        kind = "python_predict_number" if library.outputs == 1 else "python_predict_numbers"
    return runtime(kind)


def _told_to_python(library: CLibrary) -> str:
    name, kind = library.name, KINDS[library.sample]
    given = "bytes" if kind == "B" else f"array('{kind}')"
    lines = [
        f"The module {name} of MicroPython, which is built with it: make USER_C_MODULES=… with the "
        "folder above this one, or cmake -DUSER_C_MODULES=…/micropython.cmake.",
        f"{name}.predict(numbers) takes {given} of {library.numbers}; "
        f"array('{'i' if library.whole else 'f'}') of {library.outputs} beside it is filled in.",
    ]
    if library.windows:
        many = len(library.windows.channels)
        lines.append(f"{name}.hear(row) takes {given} of {many}, and says what it hears, or None.")
    if library.shown:
        lines.append(f"{name}.show(class) says which is shown, from which it learns, or None.")
    return "\n".join(lines)


# All of them ------------------------------------------------------------------

LAYOUTS: Mapping[str, Callable[[CLibrary], dict[str, str]]] = {
    "arduino": _arduino,
    "zephyr": _zephyr,
    "micropython": _micropython,
}


def library_files(kind: str, library: CLibrary) -> dict[str, str]:
    """The files of the library, by their paths within its folder."""
    return LAYOUTS[kind](library)
