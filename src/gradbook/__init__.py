"""Write a small network once; read its backpropagation, work it in a sheet, train it on images.

The public face: each name below is fetched from its module when it is first used,
so that importing gradbook costs nothing.
"""

from __future__ import annotations

__version__ = "2.0.0"

TYPE_CHECKING = False  # typing itself would be half the cost of `gradbook --version`
if TYPE_CHECKING:
    from gradbook.audit.check_book import check
    from gradbook.audit.programs.in_python import watch
    from gradbook.data.tables import read_table
    from gradbook.derivatives.public_book import Derivatives, Workbook, read_book
    from gradbook.errors import Assumption, GradbookError
    from gradbook.lab.models.importing import from_keras, from_sklearn, from_torch
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe_text import recipe
    from gradbook.lab.steps import steps
    from gradbook.lab.training.asked import recipe_for
    from gradbook.lab.training.run_folder import load
    from gradbook.lab.training.train import train
    from gradbook.layers import (
        Activation,
        BatchNorm,
        Bias,
        Conv,
        Dense,
        Dropout,
        Flatten,
        Pool,
    )
    from gradbook.net import Net, Sample, builtin
    from gradbook.net.recorded_numbers import Value, values
    from gradbook.rates.sweep import sweep
    from gradbook.report.derivation import explain
    from gradbook.report.notebook import play
    from gradbook.report.training_report import write_report
    from gradbook.report.workbook import write_workbook

_HOME: dict[str, str] = {
    "Activation": "gradbook.layers",
    "Assumption": "gradbook.errors",
    "BatchNorm": "gradbook.layers",
    "Bias": "gradbook.layers",
    "Conv": "gradbook.layers",
    "Dense": "gradbook.layers",
    "Derivatives": "gradbook.derivatives.public_book",
    "Dropout": "gradbook.layers",
    "Flatten": "gradbook.layers",
    "GradbookError": "gradbook.errors",
    "Model": "gradbook.lab.models.model",
    "Net": "gradbook.net",
    "Pool": "gradbook.layers",
    "Sample": "gradbook.net",
    "Value": "gradbook.net.recorded_numbers",
    "Workbook": "gradbook.derivatives.public_book",
    "builtin": "gradbook.net",
    "check": "gradbook.audit.check_book",
    "explain": "gradbook.report.derivation",
    "from_keras": "gradbook.lab.models.importing",
    "from_sklearn": "gradbook.lab.models.importing",
    "from_torch": "gradbook.lab.models.importing",
    "load": "gradbook.lab.training.run_folder",
    "play": "gradbook.report.notebook",
    "read_book": "gradbook.derivatives.public_book",
    "read_table": "gradbook.data.tables",
    "recipe": "gradbook.lab.recipes.recipe_text",
    "recipe_for": "gradbook.lab.training.asked",
    "steps": "gradbook.lab.steps",
    "sweep": "gradbook.rates.sweep",
    "train": "gradbook.lab.training.train",
    "values": "gradbook.net.recorded_numbers",
    "watch": "gradbook.audit.programs.in_python",
    "write_report": "gradbook.report.training_report",
    "write_workbook": "gradbook.report.workbook",
}
"""Public name → the module that defines it."""

__all__ = [
    "Activation",
    "Assumption",
    "BatchNorm",
    "Bias",
    "Conv",
    "Dense",
    "Derivatives",
    "Dropout",
    "Flatten",
    "GradbookError",
    "Model",
    "Net",
    "Pool",
    "Sample",
    "Value",
    "Workbook",
    "__version__",
    "builtin",
    "check",
    "explain",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "load",
    "play",
    "read_book",
    "read_table",
    "recipe",
    "recipe_for",
    "steps",
    "sweep",
    "train",
    "values",
    "watch",
    "write_report",
    "write_workbook",
]


_SHOWN_BY = {
    "BookReport as html": "gradbook.report.audit_page:audit_cell",
    "BookReport as text": "gradbook.report.audit:audit_text",
    "Derivatives as html": "gradbook.report.derivatives:derivatives_cell",
    "Derivatives as text": "gradbook.report.derivatives:derivatives_text",
    "DrivenTraining as html": "gradbook.report.summary:steps_cell",
    "FinalScore as html": "gradbook.report.training_text:score_cell",
    "FinalScore as text": "gradbook.report.training_text:score_text",
    "History as html": "gradbook.report.training_text:history_cell",
    "History as text": "gradbook.report.training_text:history_text",
    "LiveTraining as html": "gradbook.report.training_text:live_html",
    "LiveTraining as text": "gradbook.report.training_text:live_text",
    "Model as html": "gradbook.report.summary:model_cell",
    "Model as text": "gradbook.report.summary:model_text",
    "Model in short": "gradbook.report.summary:in_short",
    "Net as png": "gradbook.targets.drawing:net_png",
    "Net as svg": "gradbook.targets.drawing:net_svg",
    "Net forward": "gradbook.net.values:forward_values",
    "Net gradients": "gradbook.net.values:gradients_by_name",
    "ProgramChain as html": "gradbook.report.program_chain:chain_cell",
    "ProgramChain as text": "gradbook.report.program_chain:chain_text",
    "ProgramReport as html": "gradbook.report.program_cell:program_cell",
    "ProgramReport as text": "gradbook.report.program_cell:program_as_text",
    "Sweep as html": "gradbook.report.sweep:sweep_cell",
    "Sweep as text": "gradbook.report.sweep:sweep_text",
    "Trained as html": "gradbook.report.training_text:training_cell",
}
"""How a value is shown, or computed from, → the module and the function; `looks` uses it."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'gradbook' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
