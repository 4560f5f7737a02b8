"""The page to play with as a package for a learning platform, by SCORM 1.2 or 2004.

The page reports by itself (`web/view/scorm.js`); here is what platforms read before they show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from zlib import crc32

from gradbook.net import Net
from gradbook.report.play_page import REPORTING, play_page
from gradbook.teaching.quiz.packages import HEAD, MANIFEST, PackageFile, zip_files

PAGE = "page.html"


@dataclass(frozen=True)
class ScormVersion:
    """What a manifest says of its version."""

    schema: str
    content: str  # the space of its names
    adl: str
    kind: str  # the attribute that says that a resource reports


SCORM = {
    "1.2": ScormVersion(
        "1.2",
        "http://www.imsproject.org/xsd/imscp_rootv1p1p2",
        "http://www.adlnet.org/xsd/adlcp_rootv1p2",
        "scormtype",
    ),
    "2004": ScormVersion(
        "2004 4th Edition",
        "http://www.imsglobal.org/xsd/imscp_v1p1",
        "http://www.adlnet.org/xsd/adlcp_v1p3",
        "scormType",
    ),
}


def scorm_package(net: Net, version: str, command: str = "") -> bytes:
    """The zip that a platform takes; `command` is what makes it again."""
    page = play_page(net, command, begins_with=REPORTING)
    name = net.name or "A network"
    manifest = _manifest(SCORM[version], f"{name}, to play with", f"{crc32(page.encode()):08x}")
    return zip_files([PackageFile(MANIFEST, manifest), PackageFile(PAGE, page)])


def _manifest(version: ScormVersion, title: str, number: str) -> str:
    said = escape(title)
    return f"""{HEAD}<manifest xmlns="{version.content}" xmlns:adlcp="{version.adl}"
 identifier="gradbook-{number}" version="1">
<metadata>
<schema>ADL SCORM</schema>
<schemaversion>{version.schema}</schemaversion>
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
<resource identifier="page" type="webcontent" adlcp:{version.kind}="sco" href="{PAGE}">
<file href="{PAGE}"/>
</resource>
</resources>
</manifest>
"""
