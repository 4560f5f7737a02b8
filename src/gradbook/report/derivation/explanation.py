"""A network's backpropagation worked, in every format: the public `explain`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradbook.amounts import sureness
from gradbook.errors import UsageError
from gradbook.net import Net
from gradbook.net.lower import scalar_step
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.forms import Document, Inline, Numeral
from gradbook.targets.algebra.records import Record, records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gradbook.lab.models.model import Model
    from gradbook.net.work.at_work import AtWork


@dataclass(frozen=True)
class Explanation:
    """The derivation of a network. Printed, it is text; in a notebook it shows itself."""

    net: Net
    document: Document = field(repr=False)
    found: Callable[[], Record] = field(repr=False)  # the same for programs

    def __str__(self) -> str:
        from gradbook.targets.algebra.text import write_text

        return write_text(self.document)

    def html(self, command: str = "") -> str:
        """One self-contained page; its foot names the command that made it."""
        from gradbook.report.derivation.page import page

        return page(self.document, self.net, command)

    def latex(self) -> str:
        """A whole LaTeX document."""
        from gradbook.targets.algebra.tex import write_latex

        return write_latex(self.document)

    def markdown(self) -> str:
        """Markdown with its mathematics as code hosts read it."""
        from gradbook.targets.algebra.tex import write_markdown

        return write_markdown(self.document)

    def json(self) -> str:
        """Chain, formula and value of every weight, for a program."""
        import json

        return json.dumps(self.found(), ensure_ascii=False, indent=2) + "\n"

    def _ipython_display_(self) -> None:
        """The network's picture, then the derivation."""
        from IPython.display import Markdown, display

        display(self.net, Markdown(self._repr_markdown_()))

    def _repr_markdown_(self) -> str:
        """Its mathematics between dollars, which notebooks show even before they are trusted."""
        said = re.sub(r"```math\n(.*?)\n```", r"$$\n\1\n$$", self.markdown(), flags=re.DOTALL)
        return re.sub(r"\$`(.*?)`\$", r"$\1$", said)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


def explain(
    what: Net | Model,
    only: str | None = None,
    *,
    everything: bool = False,
    image: NDArray[Any] | None = None,
    label: int | None = None,
) -> Explanation:
    """Work the chain rule for every weight of a network, or for `only` one: "w5".

    A large network gives the general lines and one weight in full, unless `everything` is asked
    for. Of a `Model`, of any size, one weight is worked in numbers on an `image` whose class has
    the number `label`: "w1234", or "conv2 3,1,0,2" by its layer and its place.
    """
    if isinstance(what, Net):
        step = scalar_step(what)
        return Explanation(what, derive(step, only, everything), lambda: records(step, only))
    if image is None or label is None:
        raise UsageError("a trained network is explained on an image: give it and its label")
    return explain_image(what, image, label, only)


def explain_image(
    model: Model, image: NDArray[Any], label: int, only: str | None = None, called: str = "an image"
) -> Explanation:
    """The same of a model on an image, which is `called` so in a sentence."""
    import numpy as np

    from gradbook.net.work.at_work import at_work
    from gradbook.targets.algebra.derive import derive_input, weight_at_work
    from gradbook.targets.algebra.records import records_of_input

    model.require_classes()
    net = model.net
    wanted = np.eye(len(model.classes))[label] if net.outputs > 1 else np.array([float(label)])
    worked = at_work(net, model.values, model.prepare(image), wanted)
    one = weight_at_work(worked, only)
    about = _about(model, worked, label, called)
    return Explanation(net, derive_input(one, about), lambda: records_of_input(one))


def _about(model: Model, worked: AtWork, label: int, called: str) -> list[Inline]:
    """What the network makes of the image."""
    from gradbook.lab.models.answers import answers, probabilities

    outputs = worked.values[-1].reshape(1, -1)
    answer = answers(model.net, outputs)[0]
    sure = sureness(float(probabilities(model.net, outputs)[0, answer]))
    return [
        f"It is worked on {called}, of class {model.classes[label]}. The network takes it for "
        f"{model.classes[answer]}, {sure} sure, and the error is ",
        Numeral(worked.error),
        ". It works as after training: batch normalisation takes the means and spreads that were "
        "kept, and dropout lets everything through.",
    ]
