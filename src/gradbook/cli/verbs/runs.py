"""The verbs for trained networks: comparisons, and the files of other programs."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import open_model, whole_number
from gradbook.cli.help_page import Verb
from gradbook.cli.output import print_written, say
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.lab.models.importing import ImportOptions


# Export -----------------------------------------------------------------------


def run_export(options: Namespace) -> int:
    from gradbook.files import require_replaceable
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import RunFolder

    known = vars(ExportOptions())
    asked = vars(options)
    chosen = {name: asked[name] for name in known if asked.get(name) is not None}
    format_for(options.out, ExportOptions.of(chosen))  # check this before reading anything
    if RunFolder(options.model).owns(options.out):
        raise UsageError(f"{options.out} belongs to the run itself: choose another name")
    model = open_model(options.model)
    require_replaceable(options.out)
    exported = model.export(options.out, **chosen)
    print_written(", ".join(map(str, exported.files)))
    for remark in exported.remarks:
        say(remark)
    return 0


# Import -----------------------------------------------------------------------


def _size(text: str) -> tuple[int, ...]:
    """A size such as 28x28 or 3x32x32."""
    match = re.fullmatch(r"(\d{1,4}x)?\d{1,4}x\d{1,4}", text)
    if not match:
        raise ArgumentTypeError(f"a size is rows and columns, such as 28x28, not {text!r}")
    return tuple(map(int, text.split("x")))


def run_import(options: Namespace) -> int:
    from gradbook.amounts import counted
    from gradbook.files import write_whole
    from gradbook.lab.models.importing import import_model, import_net

    ending = options.out.lower().rpartition(".")[2]
    if ending not in ("txt", "safetensors"):
        raise UsageError(f"{options.out}: end it in .txt for the text or .safetensors for a model")
    import_options: ImportOptions = {
        "mean": options.mean,
        "deviation": options.deviation,
        "classes": options.classes,
        "softmax": options.softmax,
        "task": options.task,
        "target": options.target,
        "columns": options.columns,
        "images": options.images,
    }
    if ending == "txt":
        net, remarks = import_net(options.file, **import_options)
        write_whole(options.out, str(net))
    else:
        model = import_model(options.file, **import_options)
        net, remarks = model.net, tuple(model.about["remarks"])
        model.save(options.out)
    layers = counted(len(net.layers), "layer")
    print_written(options.out, f"{layers}, {counted(net.count(), 'parameter')}")
    for remark in remarks:
        say(remark)
    return 0


def _export_facts() -> dict[str, object]:
    from gradbook.formats.onnx import USUAL_OPSET
    from gradbook.lab.models.exporting import FORMATS

    endings = (f"  {ending:<13} {export.about}" for ending, export in FORMATS.items())
    return {"endings": "\n".join(endings), "opset": USUAL_OPSET}


ENTRIES = {
    "export": Verb(
        run_export,
        kinds={"opset": whole_number(1)},
        facts=_export_facts,
        gone={
            "--no-fold": "in Python, use model.export(path, fold=False)",
            "--learn": "train here with the new samples, and export again",
        },
    ),
    "import": Verb(run_import, kinds={"images": _size, "mean": float, "deviation": float}),
}
