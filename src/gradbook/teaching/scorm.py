"""The page to play with as a package for a learning platform, by SCORM 1.2.

The page reports by itself (`web/view/scorm.js`); here is what platforms read before they show it.
"""

from __future__ import annotations

from html import escape
from zlib import crc32

from gradbook.net import Net
from gradbook.report.play_page import REPORTING, play_page
from gradbook.teaching.quiz.packages import HEAD, MANIFEST, PackageFile, zip_files

PAGE = "page.html"
CONTENT = "http://www.imsproject.org/xsd/imscp_rootv1p1p2"  # the spaces of a manifest's names
ADL = "http://www.adlnet.org/xsd/adlcp_rootv1p2"


def scorm_package(net: Net, command: str = "") -> bytes:
    """The zip that a platform takes; `command` is what makes it again."""
    page = play_page(net, command, begins_with=REPORTING)
    name = net.name or "A network"
    manifest = _manifest(f"{name}, to play with", f"{crc32(page.encode()):08x}")
    return zip_files([PackageFile(MANIFEST, manifest), PackageFile(PAGE, page)])


def _manifest(title: str, number: str) -> str:
    said = escape(title)
    return f"""{HEAD}<manifest xmlns="{CONTENT}" xmlns:adlcp="{ADL}"
 identifier="gradbook-{number}" version="1">
<metadata>
<schema>ADL SCORM</schema>
<schemaversion>1.2</schemaversion>
</metadata>
<organizations default="course">
<organization identifier="course">
<title>{said}</title>
<item identifier="item" identifierref="page">
<title>{said}</title>
</item>
</organization>
</organizations>
<resources>
<resource identifier="page" type="webcontent" adlcp:scormtype="sco" href="{PAGE}">
<file href="{PAGE}"/>
</resource>
</resources>
</manifest>
"""
