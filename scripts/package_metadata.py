"""What the package index shows: where the project lives, and README with addresses that work there.

The build asks this file (see pyproject.toml), which asks `home`.
"""

from __future__ import annotations

import runpy
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

HERE = runpy.run_path(str(Path(__file__).with_name("home.py")))  # the build knows no packages


class PackageMetadata(MetadataHookInterface):
    """Fills the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, object]) -> None:
        readme = HERE["with_absolute_links"](Path(self.root, "README.md").read_text("utf-8"))
        metadata["urls"] = HERE["urls"]()
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
