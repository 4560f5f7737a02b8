"""The page to play with, as a SCORM 1.2 package for a learning platform.

The page itself reports to the platform (`web/view/scorm.js`); this module writes the manifest.
"""

from __future__ import annotations

from html import escape
from zlib import crc32

from gradbook.net import Net
from gradbook.report.play_page import REPORTING, play_page
from gradbook.teaching.quiz.packages import HEAD, MANIFEST, PackageFile, zip_files

PAGE = "page.html"
CONTENT = "http://www.imsproject.org/xsd/imscp_rootv1p1p2"  # the manifest's XML namespaces
ADL = "http://www.adlnet.org/xsd/adlcp_rootv1p2"


def scorm_package(net: Net, command: str = "") -> bytes:
    """The zip file to upload; `command` is the command line that makes it again."""
    page = play_page(net, command, begins_with=REPORTING)
    name = net.name or "A network"
    manifest = _manifest(f"{name}, to play with", f"{crc32(page.encode()):08x}")
    return zip_files([PackageFile(MANIFEST, manifest), PackageFile(PAGE, page)])


def _manifest(title: str, number: str) -> str:
    name = escape(title)
    return f"""{HEAD}<manifest xmlns="{CONTENT}" xmlns:adlcp="{ADL}"
 identifier="gradbook-{number}" version="1">
<metadata>
<schema>ADL SCORM</schema>
<schemaversion>1.2</schemaversion>
</metadata>
<organizations default="course">
<organization identifier="course">
<title>{name}</title>
<item identifier="item" identifierref="page">
<title>{name}</title>
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
