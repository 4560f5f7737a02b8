"""The page to play with in a notebook's cell."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from gradbook.looks import look
from gradbook.net import Net
from gradbook.net.network import as_net
from gradbook.report.play_page import play_page

HEIGHT = 760  # pixels
FRAME = (  # of no origin: it can't reach the notebook
    '<iframe title="{title}" sandbox="allow-scripts allow-downloads" '
    'style="display: block; width: 100%; height: {height}px; border: 0" srcdoc="{page}"></iframe>'
)


@dataclass(frozen=True)
class NetworkPage:
    """A page to play with, which a notebook's cell shows. `play` makes one.

    Attributes:
        net: The network that it begins with.
        height: The cell's height in pixels.
    """

    net: Net
    height: int

    def _repr_html_(self) -> str:
        title = f"The network {self.net.name or 'to play with'}"
        page = escape(play_page(self.net))
        return FRAME.format(title=escape(title), height=self.height, page=page)

    def _repr_svg_(self) -> str:
        """A picture for viewers that show no pages."""
        return look("Net as svg", self.net)


def play(net: Net | str, height: int = HEIGHT) -> NetworkPage:
    """Show the page to play with in a notebook.

    Args:
        net: A small network, a built-in one's name or a text.
        height: The cell's height in pixels; the page scrolls in it.

    Returns:
        The page, which a cell shows. `gradbook play -o FILE.html` writes it to a file.

    Raises:
        GradbookError: The network is too large for a page.

    >>> import gradbook as gb
    >>> gb.play("worked").height
    760
    """
    return NetworkPage(as_net(net), height)
