"""The manifest by which Excel takes the page that checks workbooks as a task pane.

python -m scripts.excel_manifest [ADDRESS [FILE]]    the site's address, https://…; out/excel.xml

It names addresses of the site alone: Excel loads the pane from there.
"""

from __future__ import annotations

import os
import sys
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw

from gradbook import __version__
from gradbook.files import write_whole
from gradbook.language import ENGLISH, LANGUAGES, in_language, tr
from gradbook.palette import ACTIVATION, ERROR, INPUT, WEIGHT
from gradbook.report.check_page import LEAD
from gradbook.report.play_page import HOME_VARIABLE
from scripts.home import HOME

ROOT = Path(__file__).resolve().parents[1]
OFFICE = "http://schemas.microsoft.com/office/appforoffice/1.1"
LOCALES = {"en": "en-US", "zh": "zh-CN", "pt": "pt-BR", "ko": "ko-KR", "vi": "vi-VN"}
"""Languages whose locale isn't their own code twice, as in de-DE."""


def manifest(site: str) -> str:
    """The manifest for a site at this address."""
    site = site.rstrip("/")
    if not site.startswith("https://"):
        raise SystemExit(f"{site}: Excel takes pages from https:// addresses only")
    others = [code for code in LANGUAGES if code != ENGLISH.code]
    places = "".join(
        f'      <Override Locale="{_locale(code)}" Value="{_pane(site, code)}"/>\n'
        for code in others
    )
    words = "".join(
        f'    <Override Locale="{_locale(code)}" Value="{_lead(code)}"/>\n' for code in others
    )
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="{OFFICE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:type="TaskPaneApp">
  <Id>{uuid5(NAMESPACE_URL, site)}</Id>
  <Version>{__version__.split("+")[0]}.0</Version>
  <ProviderName>gradbook</ProviderName>
  <DefaultLocale>{_locale(ENGLISH.code)}</DefaultLocale>
  <DisplayName DefaultValue="gradbook"/>
  <Description DefaultValue="{_lead(ENGLISH.code)}">
{words}  </Description>
  <IconUrl DefaultValue="{escape(site)}/check/icon-32.png"/>
  <HighResolutionIconUrl DefaultValue="{escape(site)}/check/icon-64.png"/>
  <SupportUrl DefaultValue="{escape(site)}"/>
  <Hosts>
    <Host Name="Workbook"/>
  </Hosts>
  <Requirements>
    <Sets DefaultMinVersion="1.10">
      <Set Name="ExcelApi"/>
    </Sets>
  </Requirements>
  <DefaultSettings>
    <SourceLocation DefaultValue="{_pane(site, ENGLISH.code)}">
{places}    </SourceLocation>
  </DefaultSettings>
  <Permissions>ReadWriteDocument</Permissions>
</OfficeApp>
"""


ICONS = (32, 64)  # pixels


def icon(size: int) -> bytes:
    """Two inputs, two neurons and an output, as the diagrams draw them."""
    scale = 4  # drawn larger, for smooth edges
    picture = Image.new("RGBA", (size * scale, size * scale))
    pen = ImageDraw.Draw(picture)
    unit = size * scale / 16
    layers = [[(3, 4), (3, 12)], [(8, 4), (8, 12)], [(13, 8)]]
    for here, there in pairwise(layers):
        for start, end in product(here, there):
            line = [(x * unit, y * unit) for x, y in (start, end)]
            pen.line(line, WEIGHT.ink, width=round(unit * 0.6))
    for layer, kind in zip(layers, (INPUT, ACTIVATION, ERROR), strict=True):
        for x, y in layer:
            box = [(x - 2) * unit, (y - 2) * unit, (x + 2) * unit, (y + 2) * unit]
            pen.ellipse(box, kind.fill, kind.ink, width=round(unit * 0.5))
    small = picture.resize((size, size), Image.Resampling.LANCZOS)
    file = BytesIO()
    small.save(file, "PNG")
    return file.getvalue()


def _locale(code: str) -> str:
    return LOCALES.get(code, f"{code}-{code.upper()}")


def _pane(site: str, code: str) -> str:
    return f"{escape(site)}/check/excel-{code}.html"


def _lead(code: str) -> str:
    with in_language(code):
        return escape(tr(LEAD), {'"': "&quot;"})[:250]


def main(words: list[str]) -> None:
    site = words[0] if words else os.environ.get(HOME_VARIABLE, HOME.site)
    file = Path(words[1] if words[1:] else ROOT / "out" / "excel.xml")
    if not site:
        print(f"no manifest for Excel: {HOME_VARIABLE} or scripts/home.py names no site yet")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, manifest(site))
    print(f"wrote {file}")


if __name__ == "__main__":
    main(sys.argv[1:])
