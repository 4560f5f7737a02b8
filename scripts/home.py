"""Where the project lives. Whoever publishes it fills in HOME alone.

While HOME is empty, nothing that is published names an address.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BRANCH = "main"
RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")


class Home(NamedTuple):
    """Who owns the repository, and the address at which the site is published."""

    owner: str = ""
    site: str = ""

    @property
    def repository(self) -> str:
        return f"https://github.com/{self.owner}/gradbook" if self.owner else ""

    def file(self, path: str, kind: str = "blob") -> str:
        """The address of a file there."""
        return f"{self.repository}/{kind}/{BRANCH}/{path}" if self.owner else ""


HOME = Home()


def urls(home: Home = HOME) -> dict[str, str]:
    """The links beside the project's page on the index."""
    links = {
        "Source": home.repository,
        "Documentation": home.site or home.file("docs", "tree"),
        "Changes": home.file("CHANGELOG.md"),
        "Issues": home.repository and f"{home.repository}/issues",
    }
    return {name: address for name, address in links.items() if address}


def with_absolute_links(text: str, home: Home = HOME) -> str:
    """Markdown whose links and pictures lead to the project from wherever it is shown; while it has
    no address, with the words of the links alone."""

    def absolute(link: re.Match[str]) -> str:
        sign, words, path = link.groups()
        address = home.file(path, "raw" if sign else "blob")
        return f"{sign}[{words}]({address})" if address else "" if sign else words

    return RELATIVE.sub(absolute, text)
