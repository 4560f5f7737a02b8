"""A network's C as a library, in the layout of Arduino."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod

from gradbook import __version__
from gradbook.data.signals import Windows
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.c_file import CFile
from gradbook.targets.portable.c_text import piece
from gradbook.targets.portable.sketches import hearing, settings, signal_sketch, sketch
from gradbook.targets.portable.whole_makers import WholeNumbers

FUNCTION = r"((?:^/\*[^\n]*\*/\n)?)^((?:int|void|float) {name}_\w+\([^()]*\))\n\{{"


@dataclass(frozen=True, eq=False)
class CLibrary:
    """The content of a library: the network's file, and what it was made from."""

    trained: TrainedNet
    made: CFile
    name: str  # in C
    windows: Windows | None = None
    whole: WholeNumbers | None = None

    @property
    def sample(self) -> str:
        """C's type of the network's input."""
        head = re.search(rf"{self.name}_predict\(const (\w+) \*", self.made.text)
        assert head
        return head[1]

    @property
    def numbers(self) -> int:
        return self.trained.number_count

    @property
    def outputs(self) -> int:
        """The number of outputs that `predict` writes."""
        trained = self.trained
        if len(trained.output) > 1:
            return prod(trained.output)
        return trained.net.outputs if self.whole else len(trained.classes) or trained.net.outputs

    def source(self) -> str:
        """Write the C file: the network, its names and, for windows, what reads them by row."""
        parts = [f'#include "{self.name}.h"\n#include <string.h>', self.made.text.strip()]
        if names := self.trained.classes:
            names_in_c = ", ".join(json.dumps(name, ensure_ascii=True) for name in names)
            array = f"const char *const {self.name}_classes[{len(names)}]"
            parts.append(f"{array} = {{{names_in_c}}};")
        if self.windows:
            head = f"int {self.name}_hear"
            parts += [settings(self.windows, len(names), self.whole)]
            parts += [hearing(self.trained, self.name, head, self.whole)]
        return "\n\n".join(parts) + "\n"

    def header(self) -> str:
        """Declare the public functions, but not those for single steps, whose state is internal."""
        name, upper = self.name, self.name.upper()
        classes, windows = self.trained.classes, self.windows
        sizes = {"NUMBERS": self.numbers, "OUTPUTS": self.outputs}
        if windows:
            sizes |= {"CHANNELS": len(windows.channels), "STEP": windows.step}
        lines = ",\n".join(f"    {upper}_{what} = {many}" for what, many in sizes.items())
        remark = re.match(r"/\*.*?\*/", self.made.text, re.DOTALL)
        assert remark
        functions = re.findall(FUNCTION.format(name=name), self.made.text, re.MULTILINE)
        calls = [f"{comment_of}{head};" for comment_of, head in functions if "struct" not in head]
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
                f"enum {{\n{lines}\n}};",
                *calls,
                "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
            )
        )


# The content of some files.


def _example(library: CLibrary) -> str:
    """Write a sketch, if possible."""
    trained, name = library.trained, library.name
    if library.windows:
        arguments = (trained, library.windows, name, name, library.whole)
        return signal_sketch(*arguments, library=library.sample)
    with suppress(TargetError):
        text = sketch(trained, name, library.whole is not None)
        return text.replace(f'"{name}.h"', f"<{name}.h>")
    return ""


def _filled(name: str, library: CLibrary) -> str:
    """Fill in a layout's file, in which placeholders are between @."""
    count = f"{library.trained.net.count():,} parameters"
    words = {
        "name": library.name,
        "upper": library.name.upper(),
        "version": __version__,
        "about": f"{library.name}, {count}, {'whole numbers' if library.whole else 'floats'}",
        "constants": library.made.constants,
        "memory": library.made.memory,
    }
    return re.sub(r"@(\w+)@", lambda word: str(words[word[1]]), piece(name))


# All files.

LAYOUTS: Mapping[str, Mapping[str, str | Callable[[CLibrary], str]]] = {  # @ is the library's name
    "arduino": {
        "library.properties": "arduino.properties",
        "src/@.h": CLibrary.header,
        "src/@.c": CLibrary.source,
        "examples/@/@.ino": _example,
    },
}


def library_files(kind: str, library: CLibrary) -> dict[str, str]:
    """Return the files of the library, by their paths within its folder."""
    texts = {
        path.replace("@", library.name): _filled(content, library)
        if isinstance(content, str)
        else content(library)
        for path, content in LAYOUTS[kind].items()
    }
    return {path: text for path, text in texts.items() if text}
