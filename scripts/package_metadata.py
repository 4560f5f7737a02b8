"""What the package index shows: where the project lives, and README with addresses that work there.

The build asks this file (see pyproject.toml). Whoever publishes the project fills in HOME alone.
"""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

HOME = "https://github.com/OWNER/gradbook"
BRANCH = "main"
RELATIVE = re.compile(r"(!?\[[^\]]*\]\()(?!https?://|#)([^)\s]+)(\))")


def urls() -> dict[str, str]:
    """The links beside the project's page on the index."""
    return {
        "Source": HOME,
        "Documentation": f"{HOME}/tree/{BRANCH}/docs",
        "Changes": f"{HOME}/blob/{BRANCH}/CHANGELOG.md",
        "Issues": f"{HOME}/issues",
    }


def with_absolute_links(text: str) -> str:
    """Markdown whose links and pictures lead to the project from wherever it is shown."""

    def absolute(link: re.Match[str]) -> str:
        before, path, after = link.groups()
        kind = "raw" if before.startswith("!") else "blob"
        return f"{before}{HOME}/{kind}/{BRANCH}/{path}{after}"

    return RELATIVE.sub(absolute, text)


class PackageMetadata(MetadataHookInterface):
    """Fills the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, object]) -> None:
        readme = Path(self.root, "README.md").read_text("utf-8")
        metadata["urls"] = urls()
        metadata["readme"] = {"content-type": "text/markdown", "text": with_absolute_links(readme)}
