"""The verbs that write and read networks of other programs."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import open_model, whole_number
from gradbook.cli.page import Verb
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.lab.models.importing import ImportOptions

# Export -----------------------------------------------------------------------


def run_export(options: Namespace) -> int:
    from gradbook.files import require_replaceable
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import RunFolder

    known = vars(ExportOptions())
    asked = vars(options) | {"fold": not options.no_fold}
    chosen = {name: asked[name] for name in known if asked.get(name) is not None}
    format_for(options.out, ExportOptions.of(chosen))  # before anything is read
    if RunFolder(options.model).owns(options.out):
        raise UsageError(f"{options.out} belongs to the run itself: choose another name")
    model = open_model(options.model)
    require_replaceable(options.out)
    exported = model.export(options.out, **chosen)
    print(f"wrote {', '.join(map(str, exported.files))}")
    for remark in exported.remarks:
        print(remark)
    return 0


# Import -----------------------------------------------------------------------


def _size(text: str) -> tuple[int, ...]:
    """28x28 or 3x32x32."""
    found = re.fullmatch(r"(\d{1,4}x)?\d{1,4}x\d{1,4}", text)
    if not found:
        raise ArgumentTypeError(f"a size is rows and columns, such as 28x28, not {text!r}")
    return tuple(map(int, text.split("x")))


def run_import(options: Namespace) -> int:
    from gradbook.amounts import counted
    from gradbook.errors import UsageError
    from gradbook.files import write_whole
    from gradbook.lab.models.importing import import_model, import_net

    ending = options.out.lower().rpartition(".")[2]
    if ending not in ("txt", "safetensors"):
        raise UsageError(f"{options.out}: end it in .txt for the text or .safetensors for a model")
    told: ImportOptions = {
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
        net, remarks = import_net(options.file, **told)
        write_whole(options.out, str(net))
    else:
        model = import_model(options.file, **told)
        net, remarks = model.net, tuple(model.about["remarks"])
        model.save(options.out)
    layers = counted(len(net.layers), "layer")
    print(f"wrote {options.out}: {layers}, {counted(net.count(), 'parameter')}")
    for remark in remarks:
        print(remark)
    return 0


def _export_facts() -> dict[str, object]:
    from gradbook.formats.onnx import USUAL_OPSET
    from gradbook.lab.models.exporting import FORMATS

    endings = (f"  {ending:<13} {found.about}" for ending, found in FORMATS.items())
    return {"endings": "\n".join(endings), "opset": USUAL_OPSET}


ENTRIES = {
    "export": Verb(run_export, kinds={"opset": whole_number(1)}, facts=_export_facts),
    "import": Verb(run_import, kinds={"images": _size, "mean": float, "deviation": float}),
}
