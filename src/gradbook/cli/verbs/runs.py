"""The verbs on trained networks: recipes, comparisons, and the files of other programs."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import file_ending_in, open_model, whole_number
from gradbook.cli.output import busy, print_report
from gradbook.cli.page import Verb
from gradbook.errors import GradbookError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradbook.lab.models.importing import ImportOptions
    from gradbook.lab.runs import Compared, Misread


# Recipes ----------------------------------------------------------------------


def run_recipes(options: Namespace) -> int:
    from gradbook.system import cores

    if options.recipe and options.json:
        raise UsageError("--json is for the list: leave the recipe's name out")
    if options.recipe:
        from gradbook.lab.recipes.text import builtin_text

        print(builtin_text(options.recipe), end="")
        return 0
    from gradbook.report.training import recipes_report

    print_report(recipes_report(cores()), as_json=options.json)
    if not options.json:
        print("\ngradbook train RECIPE trains one; gradbook help recipes tells how to write one")
    return 0


# Compare ----------------------------------------------------------------------

DRAWN = "⠿─│↑"


def run_compare(options: Namespace) -> int:
    from gradbook.files import write_whole
    from gradbook.lab.runs import open_runs
    from gradbook.report.compare import compare_report
    from gradbook.report.media import write

    runs = open_runs(options.runs)
    with busy("reading the test images"):
        wrong = _misread(runs, options)
    report = compare_report(runs, wrong, options.typed)
    if options.html:
        write_whole(options.html, write(report, "html"))
    if options.csv:
        write_whole(options.csv, write(report, "csv"))
    print_report(report, as_json=options.json, drawn=DRAWN)
    if options.json:
        return 0
    for path in filter(None, (options.html, options.csv)):
        print(f"wrote {path}")
    return 0


def _misread(runs: Sequence[Compared], options: Namespace) -> Misread | None:
    """What each reads in the test images, where all know the same ones and they are here."""
    from gradbook.lab.images import images_of, require_fit
    from gradbook.lab.runs import find_misread

    if options.no_images or len(runs) == 1 or len({run.recipe.data for run in runs}) > 1:
        return None
    try:
        dataset = images_of(runs[0].recipe)
        for run in runs:
            require_fit(run.recipe.net, dataset)
    except GradbookError:  # they were moved, or brought to another size; the rest can be told
        return None
    return find_misread(runs, dataset)


def _recipe_facts() -> dict[str, str]:
    from gradbook.lab.recipes.text import GRAMMAR

    return {"grammar": GRAMMAR}


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
    "recipes": Verb(run_recipes, facts=_recipe_facts),
    "compare": Verb(
        run_compare, kinds={"html": file_ending_in(".html"), "csv": file_ending_in(".csv")}
    ),
    "export": Verb(run_export, kinds={"opset": whole_number(1)}, facts=_export_facts),
    "import": Verb(run_import, kinds={"images": _size, "mean": float, "deviation": float}),
}
