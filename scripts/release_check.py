"""Whether this can be released: version, changes, citation and the project's address agree.

python -m scripts.release_check [TAG [ADDRESS]]     v1.0.0 https://github.com/owner/gradbook
"""

from __future__ import annotations

import sys
from pathlib import Path

from gradbook import __version__
from scripts.home import HOME, Home
from scripts.release import CHANGES, CITATION, UNRELEASED, cited, releases

ROOT = Path(__file__).resolve().parents[1]
OWNERS = ".github/CODEOWNERS"
MOST_LINES = 60  # of a release in the changelog
NO_HOME = (
    'scripts/home.py: fill in HOME = Home("OWNER", "https://SITE/"): without it, the page of the '
    "package has no picture and its links lead nowhere"
)


def obstacles(tag: str, address: str, home: Home = HOME) -> list[str]:
    """What stands against publishing, a line each."""
    changes, citation, owners = (
        (ROOT / name).read_text("utf-8") for name in (CHANGES, CITATION, OWNERS)
    )
    day, text = releases(changes).get(__version__, ("", ""))
    lines = len([line for line in text.splitlines() if line.strip()])
    return [
        line
        for line, agrees in [
            (f"the tag is {tag}, but the version is {__version__}", tag == f"v{__version__}"),
            (NO_HOME, home.owner and home.site),
            (
                f"scripts/home.py says {home.repository}, but this is {address}",
                home.repository == address or not home.owner,
            ),
            (
                f"{OWNERS} has no line '* @{home.owner}'",
                f"\n* @{home.owner}\n" in owners or not home.owner,
            ),
            (f"{CHANGES} has no heading '## {__version__} - YYYY-MM-DD'", day),
            (
                f"{CHANGES} tells of {__version__} in {lines} lines, more than {MOST_LINES}",
                lines <= MOST_LINES,
            ),
            (f"{CHANGES} has unreleased changes", UNRELEASED not in changes),
            (
                f"{CITATION} doesn't say version {__version__} of {day}: run scripts.release",
                cited(citation, __version__, day, home) == citation,
            ),
        ]
        if not agrees
    ]


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    tag, address = (*sys.argv[1:], *(f"v{__version__}", HOME.repository)[len(sys.argv) - 1 :])
    against = obstacles(tag, address)
    sys.exit("\n".join(against) if against else None)  # an empty text would be a fault, too
