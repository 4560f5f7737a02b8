"""A network's backpropagation as algebra: the public `explain`.

Doesn't know how a chain is derived.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from gradbook.amounts import sureness
from gradbook.errors import UsageError
from gradbook.language import numeral, tr
from gradbook.net import Net
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.recorded_numbers import Value, as_net_or_formulas
from gradbook.report.explanation import Explanation
from gradbook.targets.algebra.derive import derive, records
from gradbook.targets.algebra.forms import Inline, Numeral, fill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gradbook.derivatives.public_book import WorkbookCell
    from gradbook.lab.models.model import Model
    from gradbook.net.work.at_work import AtWork


def explain(
    what: Net | Formulas | Value | Model | WorkbookCell | str,
    only: str | None = None,
    *,
    everything: bool = False,
    image: NDArray[Any] | None = None,
    label: int | None = None,
) -> Explanation:
    """Derive the gradient of every weight of a network, or of one, by the chain rule.

    Args:
        what: A network, a value made by operators, a built-in network's name, or a text; or a
            trained `Model` of any size, one weight of which is then worked out in numbers for an
            image; or a cell of a workbook, as `gb.read_book("model.xlsx")["B14"]`.
        only: A weight: "w5"; for a model also "conv2 3,1,0,2", its layer and indices; for a cell
            one of the numbers that it depends on.
        everything: Every weight of a large network; the default is the general formulas and
            one weight in full.
        image: For a model: the image as bytes.
        label: For a model: the number of the image's class.

    Returns:
        The derivation: printed, it is text; it has `.html()`, `.latex()`, `.markdown()` and
        `.json()`, and in a notebook it shows itself.

    Raises:
        GradbookError: There is no such weight, or a model was given without an image.

    >>> import gradbook as gb
    >>> import json
    >>> weight = json.loads(gb.explain("worked", "w5").json())["weights"][0]
    >>> weight["chain"]
    '∂E1/∂a_o1·∂a_o1/∂o1·∂o1/∂w5'
    >>> round(weight["gradient"], 8)
    0.01288082
    """
    if not isinstance(what, Net | Formulas | Value | str):
        from gradbook.derivatives.public_book import WorkbookCell  # networks don't need it

        if isinstance(what, WorkbookCell):
            from gradbook.report.derivatives import explain_cell

            return explain_cell(what.book.derivatives(what), only)
        if image is None or label is None:
            raise UsageError("a trained network is explained with an image: give one and its label")
        return explain_image(what, image, label, only)
    net = as_net_or_formulas(what)
    step = scalar_step(net)
    return Explanation(net, derive(step, only, everything), partial(records, step, only))


def explain_image(
    model: Model, image: NDArray[Any], label: int, only: str | None = None, called: str = ""
) -> Explanation:
    """The same for a model and an image, which sentences call `called` or "an image"."""
    import numpy as np

    from gradbook.net.work.at_work import at_work
    from gradbook.targets.algebra.derive import derive_input, records_of_input, weight_at_work

    model.require_classes()
    net = model.net
    if not 0 <= label < len(model.classes):
        raise UsageError(
            f"label {label}: this model's classes have the numbers 0 to {len(model.classes) - 1}"
        )
    wanted = np.eye(len(model.classes))[label] if net.outputs > 1 else np.array([float(label)])
    worked = at_work(net, model.values, model.prepare(image), wanted)
    weight = weight_at_work(worked, only)
    about = _about(model, worked, label, called or tr("an image"))
    return Explanation(net, derive_input(weight, about), partial(records_of_input, weight))


def _about(model: Model, worked: AtWork, label: int, called: str) -> tuple[Inline, ...]:
    """A paragraph on how the network reads the image."""
    from gradbook.lab.models.answers import likeliest_classes, probabilities

    outputs = worked.values[-1].reshape(1, -1)
    answer = likeliest_classes(model.net, outputs)[0]
    sure = numeral(sureness(float(probabilities(model.net, outputs)[0, answer])))
    message = tr(
        "The numbers are those for {image}, of class {target}. The network reads it as {answer}, "
        "{sure} sure, and the error is {error}. As always after training, batch normalisation "
        "uses its running means and variances, and dropout drops nothing."
    )
    return fill(
        message,
        image=called,
        target=model.classes[label],
        answer=model.classes[answer],
        sure=sure,
        error=Numeral(worked.error),
    )
