"""Puts this version's documentation beside that of other releases, as a site publishes them.

    python -m scripts.site_versions FOLDER

FOLDER is what was published so far, or is empty. The site goes into FOLDER/1.0 for a version 1.0.2,
in place of an older 1.0; `versions.json` lists what is there, for the menu that the pages show; and
`index.html` leads to the newest. What other releases wrote stays byte for byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import gradbook
from scripts.site import build

LEADS_ON = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>gradbook</title>
<meta http-equiv="refresh" content="0; url={newest}/index.html">
<a href="{newest}/index.html">The documentation of gradbook {newest}</a>
"""


def publish(
    folder: Path, version: str, make: Callable[[Path], None] = lambda it: build(it, True)
) -> None:
    """Add or renew the site of a version."""
    name = ".".join(version.split(".")[:2])
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / name)
    titles = {name: version} | {
        it["version"]: it["title"] for it in listed(folder) if it["version"] != name
    }
    newest, *others = sorted(titles, key=place, reverse=True)
    menu = [{"version": newest, "title": titles[newest], "aliases": ["latest"]}] + [
        {"version": it, "title": titles[it], "aliases": []} for it in others
    ]
    (folder / "versions.json").write_text(json.dumps(menu, indent=1) + "\n", "utf-8")
    (folder / "index.html").write_text(LEADS_ON.format(newest=newest), "utf-8")
    (folder / ".nojekyll").touch()  # so that a host serves the files as they are


def listed(folder: Path) -> list[dict[str, str]]:
    file = folder / "versions.json"
    return list(json.loads(file.read_text("utf-8"))) if file.exists() else []


def place(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.split(".")))


if __name__ == "__main__":
    publish(Path(sys.argv[1]), gradbook.__version__)
