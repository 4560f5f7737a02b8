"""Whether a tag may be published: it, the version, CHANGELOG.md and the project's address agree.

python -m scripts.release_check v1.0.0 https://github.com/owner/gradbook
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gradbook import __version__

ROOT = Path(__file__).parent.parent
HOME = re.compile(r'^HOME = "(.*)"$', re.MULTILINE)


def obstacles(tag: str, address: str) -> list[str]:
    """What stands against publishing, a line each."""
    metadata = (ROOT / "scripts/package_metadata.py").read_text("utf-8")
    home = HOME.findall(metadata)[0]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.search(
        rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", changes, re.MULTILINE
    )
    return [
        line
        for line, agrees in [
            (f"the tag is {tag}, but the version is {__version__}", tag == f"v{__version__}"),
            (
                f"scripts/package_metadata.py says HOME = {home}, but this is {address}",
                home == address,
            ),
            (f"CHANGELOG.md has no heading '## {__version__} - YYYY-MM-DD'", released),
        ]
        if not agrees
    ]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    against = obstacles(*sys.argv[1:])
    sys.exit("\n".join(against))
