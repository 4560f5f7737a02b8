"""Formulas and scenes of the documents, kept apart while the generator makes pages of the rest.

The generator knows neither: it would take signs of a formula for Markdown. So each is replaced by a
mark that it leaves alone, and put back into the finished page.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from scripts.mathematics import formulas, mathml, plain
from scripts.scenes import SCENE, Scene

MARK = "\ue000{}\ue001"
ANY_MARK = re.compile("\ue000([fos])(\\d+)\ue001")
PLACED = re.compile(
    "<p>\ue000o(\\d+)\ue001</p>(.*?)<p>\ue000s\\1\ue001</p>", re.DOTALL
)  # o opens a scene and s shuts it


@dataclass
class Embedded:
    """What was taken out of all documents so far."""

    formulas: list[tuple[str, bool]] = field(default_factory=list)
    scenes: list[tuple[Scene, str, str]] = field(default_factory=list)  # its place, the next one's

    def kept_apart(self, text: str) -> str:
        """A document with marks instead."""
        count, document = len(SCENE.findall(text)), text

        def scene(match: re.Match[str]) -> str:
            number = len(self.scenes)
            here = sum(place.startswith("scene-") for _, place, _ in self.scenes[first:]) + 1
            after = f"scene-{here + 1}" if here < count else ""
            self.scenes.append((Scene.of(match[1], document), f"scene-{here}", after))
            opening, shutting = MARK.format(f"o{number}"), MARK.format(f"s{number}")
            return f"{opening}\n\n{match[2].strip()}\n\n{shutting}\n"

        first = len(self.scenes)
        text = SCENE.sub(scene, text)
        for written, tex, alone in list(formulas(text)):
            text = text.replace(written, MARK.format(f"f{len(self.formulas)}"), 1)
            self.formulas.append((tex, alone))
        return text

    def in_page(self, html: str) -> str:
        """A finished page with formulas and scenes."""

        def scene(match: re.Match[str]) -> str:
            drawn, place, following = self.scenes[int(match[1])]
            return drawn.html(match[2], place, following)

        return PLACED.sub(scene, ANY_MARK.sub(self._formula, html))

    def _formula(self, mark: re.Match[str]) -> str:
        if mark[1] != "f":
            return mark[0]
        tex, alone = self.formulas[int(mark[2])]
        return mathml(tex, display=alone)

    def in_search(self, text: str) -> str:
        """The index of the search, with formulas as text."""

        def words(mark: re.Match[str]) -> str:
            if mark[1] != "f":
                return ""
            return json.dumps(plain(self.formulas[int(mark[2])][0]), ensure_ascii=False)[1:-1]

        return ANY_MARK.sub(words, text)
