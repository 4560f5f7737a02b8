"""The page to play with in a notebook's cell, if the package for widgets is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradbook.errors import UsageError
from gradbook.net import Net
from gradbook.net.network import as_net

if TYPE_CHECKING:
    from gradbook.report.notebook_page import NetworkPage

HEIGHT = 760  # pixels


def play(net: Net | str, height: int = HEIGHT) -> NetworkPage:
    """Show the page to play with in a notebook; it follows Python, and Python follows it.

    Args:
        net: A small network, a built-in one's name or a text.
        height: The cell's height in pixels; the page scrolls in it.

    Returns:
        The page as a widget, with `text`, `rate`, `epoch` and `weights` to read and to set.

    Raises:
        GradbookError: The network is too large for a page, or `gradbook[notebook]` isn't installed.

    >>> import gradbook as gb
    >>> page = gb.play("worked")
    >>> page.rate = 0.1
    >>> page.epoch = 70
    >>> page.weights["w1"]
    0.1481...
    >>> print(page.net.learning_rate)
    0.1
    """
    try:
        from gradbook.report.notebook_page import NetworkPage
    except ImportError as error:
        raise UsageError(
            "a page in a notebook is a widget, which needs anywidget: "
            "pip install 'gradbook[notebook]', or write a file with `gradbook play -o`"
        ) from error
    return NetworkPage(as_net(net), height)
