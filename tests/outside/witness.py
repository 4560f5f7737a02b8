"""The outside witnesses: programs that know nothing of us and are asked whether we are right.

In a test: mark it `@pytest.mark.witness("libreoffice", "chromium")` (or take the
fixture `torch`) and call the functions below. By hand, to look at what we made:

    python -m tests.outside.witness png book.xlsx out/pictures
    python -m tests.outside.witness png page.html out/pictures --dark --width 900
    python -m tests.outside.witness png derivation.tex out/pictures
    python -m tests.outside.witness recalculate book.xlsx out/recalculated
    python -m tests.outside.witness dom page.html
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from html import unescape
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = {
    "libreoffice": ("soffice", "libreoffice"),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
    "pdflatex": ("pdflatex",),
    "pdftoppm": ("pdftoppm",),
    "pdftotext": ("pdftotext",),
    "cc": ("cc", "gcc", "clang"),
    "gcc": ("gcc",),
    "clang": ("clang",),
    "qemu-system-arm": ("qemu-system-arm",),
    "qemu-system-riscv32": ("qemu-system-riscv32",),
    "arm-none-eabi-gcc": ("arm-none-eabi-gcc",),
    "riscv64-unknown-elf-gcc": ("riscv64-unknown-elf-gcc",),
    "qemu-aarch64": ("qemu-aarch64", "qemu-aarch64-static"),
    "wine": ("wine",),
    "mingw": ("x86_64-w64-mingw32-gcc-posix", "x86_64-w64-mingw32-gcc"),
    "avr-gcc": ("avr-gcc",),
    "simavr": ("simavr",),
    "bash": ("bash",),
    "zsh": ("zsh",),
    "fish": ("fish",),
    "node": ("node", "nodejs"),
    "tsc": ("tsc",),
}
PACKAGES = {
    "torch": "torch",
    "keras": "keras",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "skl2onnx": "skl2onnx",
    "zig": "ziglang",
    "zensical": "zensical",
    "axe": "axe_playwright_python",  # the script alone: pages are shown by chromium
    "pyarrow": "pyarrow",
    "build": "build",
    "twine": "twine",
    "pygiftparser": "pygiftparser",
    "pyslet": "pyslet",
    "moodle-xml-parser": "moodle_xml_parser",
}
NODE_PACKAGES = ("hyperformula", "pyright")
NODE_MODULES = Path(sys.prefix) / "node_modules"
PYODIDE = Path(os.environ.get("GRADBOOK_PYODIDE") or NODE_MODULES / "pyodide")
WITNESSES = (*PROGRAMS, *PACKAGES, *NODE_PACKAGES, "pyodide")

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # ours ask nobody elsewhere
)

PROFILE_SETTINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
           xmlns:xs="http://www.w3.org/2001/XMLSchema"
           xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="ODFRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""


PLAIN_SPEECH = os.environ | {"LC_ALL": "C.UTF-8", "max_print_line": "2000"}  # TeX wraps else


class WitnessError(AssertionError):
    """A witness would not do what it was asked; the message holds what it said."""


def missing(names: Iterable[str]) -> list[str]:
    """The witnesses among these that aren't on this machine."""
    return [name for name in names if not present(name)]


@cache
def present(name: str) -> bool:
    """Whether the witness is on this machine."""
    if name in PACKAGES:
        return find_spec(PACKAGES[name]) is not None
    if name == "pyodide":
        return PYODIDE.is_dir()
    if name in NODE_PACKAGES:
        return present("node") and (NODE_MODULES / name).is_dir()
    if name == "libreoffice" and not python_with_uno():
        return False
    return any(shutil.which(command) for command in PROGRAMS[name])


def program(name: str) -> str:
    """The path of a witness."""
    found = next(filter(None, map(shutil.which, PROGRAMS[name])), None)
    if found is None:
        raise WitnessError(f"{name} isn't installed")
    return found


# LibreOffice -----------------------------------------------------------------


def recalculate(path: Path | str, out_dir: Path | str) -> Path:
    """The workbook with every formula computed anew by LibreOffice, in `out_dir`.

    LibreOffice stores 15 significant digits, so a value read back may be off by 5e-15
    of itself however well it was computed.
    """
    return recalculate_all([path], out_dir)[0]


def recalculate_all(
    paths: Sequence[Path | str], out_dir: Path | str, *, one_by_one: bool = False
) -> list[Path]:
    """Several workbooks in one start of LibreOffice, which takes longer than the work.

    It computes equal formulas of a column as a group, or each by itself.
    """
    return _converted(paths, out_dir, "Calc MS Excel 2007 XML", ".xlsx", one_by_one)


def save_as_opendocument(paths: Sequence[Path | str], out_dir: Path | str) -> list[Path]:
    """The workbooks as LibreOffice saves them in its own format."""
    return _converted(paths, out_dir, "calc8", ".ods")


def workbook_to_pdf(path: Path | str, out_dir: Path | str) -> Path:
    """The workbook as LibreOffice prints it."""
    return _converted([path], out_dir, "calc_pdf_Export", ".pdf")[0]


def workbook_to_png(path: Path | str, out_dir: Path | str, dpi: int = 80) -> list[Path]:
    """The workbook's printed pages as pictures, every sheet in turn."""
    return pdf_to_png(workbook_to_pdf(path, out_dir), out_dir, dpi)


def read_values(path: Path | str) -> dict[str, dict[str, object]]:
    """Sheet → cell ('B7') → the value stored in it; empty cells are left out."""
    return _cells(path, data_only=True)


def read_formulas(path: Path | str) -> dict[str, dict[str, object]]:
    """Sheet → cell ('B7') → its formula, or its value where it has none."""
    return _cells(path, data_only=False)


def _cells(path: Path | str, *, data_only: bool) -> dict[str, dict[str, object]]:
    from openpyxl import load_workbook

    book = load_workbook(path, data_only=data_only)
    return {
        sheet.title: {
            cell.coordinate: cell.value
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None
        }
        for sheet in book.worksheets
    }


def _converted(
    paths: Sequence[Path | str],
    out_dir: Path | str,
    filter_name: str,
    suffix: str,
    one_by_one: bool = False,
) -> list[Path]:
    folder = _folder(out_dir)
    sources = [Path(path).resolve() for path in paths]
    results = [folder / f"{source.stem}{suffix}" for source in sources]
    if set(results) & set(sources) or len(set(results)) < len(results):
        raise WitnessError("the results would overwrite each other or the originals")
    for source, result in zip(sources, results, strict=True):
        _office(one_by_one).convert(source, result, filter_name)
    return results


class Office:
    """A LibreOffice that this process keeps running, and tests/outside/office.py, which asks it."""

    def __init__(self, one_by_one: bool = False) -> None:
        profile = _scratch("libreoffice")
        settings = profile / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(PROFILE_SETTINGS, encoding="utf-8")
        pipe = profile.name
        self.server = subprocess.Popen(
            [
                program("libreoffice"),
                f"-env:UserInstallation={profile.as_uri()}",
                "--headless",
                "--norestore",
                f"--accept=pipe,name={pipe};urp;",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=PLAIN_SPEECH | ({"SC_FORCE_CALCULATION": "core"} if one_by_one else {}),
            start_new_session=True,  # with its children, to be ended together
        )
        self.asker = subprocess.Popen(
            [str(python_with_uno()), str(Path(__file__).with_name("office.py")), pipe],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=PLAIN_SPEECH,
        )
        atexit.register(self.end)

    def convert(self, source: Path, result: Path, filter_name: str) -> None:
        result.unlink(missing_ok=True)
        with suppress(BrokenPipeError):  # no answer says the same
            self.asker.stdin.write(json.dumps([str(source), str(result), filter_name]) + "\n")
            self.asker.stdin.flush()
        ready, _, _ = select.select([self.asker.stdout], [], [], 140)
        answer = self.asker.stdout.readline() if ready else ""
        error = json.loads(answer or '"it is gone, or takes more than 140 s"')
        if error or not result.is_file():
            _office.cache_clear()
            self.end()
            raise WitnessError(f"LibreOffice made no {result.name} of {source}: {error}")

    def end(self) -> None:
        self.asker.kill()
        with suppress(ProcessLookupError):
            os.killpg(self.server.pid, signal.SIGKILL)


_office = cache(Office)


@cache
def python_with_uno() -> Path | None:
    """LibreOffice's own Python, or the system's where that has its module."""
    soffice = next(filter(None, map(shutil.which, PROGRAMS["libreoffice"])), None)
    own = [Path(soffice).resolve().with_name("python")] if soffice else []
    for python in (*own, Path("/usr/bin/python3")):
        if python.exists():
            words = [str(python), "-c", "import uno"]
            if not subprocess.run(words, capture_output=True, check=False).returncode:
                return python
    return None


# Chromium --------------------------------------------------------------------


def screenshot(
    page: Path | str, picture: Path | str, width: int = 1100, height: int = 900, dark: bool = False
) -> Path:
    """The page as Chromium shows it in a window of that size (make it high to see all)."""
    target = Path(picture).resolve()
    _folder(target.parent)
    process = _chromium(
        page, f"--screenshot={target}", f"--window-size={width},{height}", dark=dark
    )
    _require([target], process)
    return target


def dom(page: Path | str, dark: bool = False) -> str:
    """The page's HTML after its scripts have run."""
    return _chromium(page, "--dump-dom", dark=dark).stdout


AXE_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const said = document.createElement("pre");
  said.id = "axe-said";
  said.textContent = JSON.stringify(found.violations.map(
    one => [one.id, one.help, one.nodes.map(node => node.html)]));
  document.body.append(said);
});
"""


def axe_script() -> str:
    """The checker itself, to be run in a page."""
    spec = find_spec("axe_playwright_python")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "axe.min.js").read_text("utf-8")


def inaccessible(page: Path | str, dark: bool = False) -> list[tuple[str, str, list[str]]]:
    """What the checker of accessibility, axe, objects to: its rule, in words, where."""
    text = re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", Path(page).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        checked = Path(folder, "page.html")
        scripts = f"<script>{axe_script()}</script><script>{AXE_RUN}</script>"
        checked.write_text(text.replace("</body>", f"{scripts}</body>"), encoding="utf-8")
        shown = dom(checked, dark)
    said = re.search(r'<pre id="axe-said">(.*?)</pre>', shown, re.DOTALL)
    assert said, "axe said nothing"
    return [(rule, words, where) for rule, words, where in json.loads(unescape(said[1]))]


def page_text(page: Path | str) -> str:
    """What the page says, without its tags, styles and scripts, one piece of text a line."""
    from html.parser import HTMLParser

    class Text(HTMLParser):
        silent = 0
        pieces: list[str] = []  # noqa: RUF012 - lives as long as one call

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.silent += tag in {"style", "script"}

        def handle_endtag(self, tag: str) -> None:
            self.silent -= tag in {"style", "script"}

        def handle_data(self, data: str) -> None:
            if data.strip() and not self.silent:
                self.pieces.append(" ".join(data.split()))

    reader = Text()
    reader.feed(dom(page))
    return "\n".join(reader.pieces)


def console_messages(page: Path | str) -> list[str]:
    """What the page wrote to the console: script errors and things that didn't load."""
    process = _chromium(page, "--dump-dom", "--enable-logging=stderr", "--v=0")
    return [
        line.partition("CONSOLE")[2] for line in process.stderr.splitlines() if "CONSOLE" in line
    ]


def page_to_pdf(page: Path | str, pdf: Path | str) -> Path:
    """The page as it prints."""
    target = Path(pdf).resolve()
    _folder(target.parent)
    process = _chromium(page, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    _require([target], process)
    return target


def _chromium(
    page: Path | str, *flags: str, dark: bool = False
) -> subprocess.CompletedProcess[str]:
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        return _run(
            [
                program("chromium"),
                *CHROMIUM_FLAGS,
                f"--user-data-dir={profile}",
                "--virtual-time-budget=4000",
                scheme,
                *flags,
                Path(page).resolve().as_uri(),
            ],
            timeout=90,
        )


# LaTeX and pictures ----------------------------------------------------------


def compile_latex(source: Path | str, out_dir: Path | str) -> Path:
    """The PDF that pdflatex makes of a .tex file, or of LaTeX text."""
    folder = _folder(out_dir)
    file = _latex_file(source, folder)
    said = _run(
        [
            program("pdflatex"),
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-file-line-error",
            "-no-shell-escape",
            f"-output-directory={folder}",
            str(file),
        ],
        timeout=120,
        cwd=folder,
    )
    pdf = folder / f"{file.stem}.pdf"
    _require([pdf], said)
    return pdf


def _latex_file(source: Path | str, folder: Path) -> Path:
    if isinstance(source, str) and "\\documentclass" in source:
        file = folder / "document.tex"
        file.write_text(source, encoding="utf-8")
        return file
    return Path(source).resolve()


def pdf_to_png(pdf: Path | str, out_dir: Path | str, dpi: int = 80) -> list[Path]:
    """The pages of a PDF as pictures."""
    folder = _folder(out_dir)
    stem = Path(pdf).stem
    for old in folder.glob(f"{stem}-*.png"):
        old.unlink()
    said = _run(
        [program("pdftoppm"), "-png", "-r", str(dpi), str(pdf), str(folder / stem)], timeout=120
    )
    pages = sorted(folder.glob(f"{stem}-*.png"))
    _require(pages or [folder / f"{stem}-1.png"], said)
    return pages


# Running them ----------------------------------------------------------------


def _run(
    words: Sequence[str], *, timeout: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        process = subprocess.run(
            words,
            capture_output=True,
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
            env=PLAIN_SPEECH,
        )
    except subprocess.TimeoutExpired as error:
        raise WitnessError(f"{Path(words[0]).name} took more than {timeout:.0f} s") from error
    if process.returncode:
        raise WitnessError(f"{Path(words[0]).name} failed:\n{_last_words(process)}")
    return process


def _require(files: Iterable[Path], said: subprocess.CompletedProcess[str]) -> None:
    absent = [file.name for file in files if not file.is_file() or not file.stat().st_size]
    if absent:
        raise WitnessError(f"no {', '.join(absent)}:\n{_last_words(said)}")


def _last_words(said: subprocess.CompletedProcess[str]) -> str:
    return f"{said.stdout}\n{said.stderr}".strip()[-3000:]


def _folder(path: Path | str) -> Path:
    folder = Path(path).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _scratch(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# By hand ---------------------------------------------------------------------


def look(file: Path, folder: Path, options: argparse.Namespace) -> list[Path]:
    """Pictures of whatever the file is."""
    match file.suffix:
        case ".xlsx" | ".ods":
            return workbook_to_png(file, folder, options.dpi)
        case ".tex":
            return pdf_to_png(compile_latex(file, folder), folder, options.dpi)
        case ".pdf":
            return pdf_to_png(file, folder, options.dpi)
        case _:
            picture = folder / f"{file.stem}{'-dark' if options.dark else ''}.png"
            return [screenshot(file, picture, options.width, options.height, options.dark)]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outside.witness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("task", choices=["png", "recalculate", "pdf", "dom", "text", "console"])
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/pictures"))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1100)
    parser.add_argument("--height", type=int, default=1400)
    parser.add_argument("--dpi", type=int, default=80)
    options = parser.parse_args(words)
    match options.task:
        case "png":
            print(*look(options.file, options.folder, options), sep="\n")
        case "recalculate":
            print(recalculate(options.file, options.folder))
        case "pdf":
            print(page_to_pdf(options.file, options.folder / f"{options.file.stem}.pdf"))
        case "dom":
            print(dom(options.file, options.dark))
        case "text":
            print(page_text(options.file))
        case "console":
            print(*console_messages(options.file), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
