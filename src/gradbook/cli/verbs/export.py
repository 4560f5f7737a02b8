"""A trained network for other programs: the file's ending says which.

MODEL is the folder of a run, or a model.safetensors.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  gradbook export runs/quick -o quick.npz      all its tensors, for NumPy
  gradbook export runs/quick -o quick.json     the same as JSON, for any language
  gradbook export model.safetensors -o net.txt the recipe, to train it anew
"""


def add_arguments(parser: ArgumentParser) -> None:
    from gradbook.lab.models.exporting import FORMATS

    endings = "\n".join(f"  {ending:<13} {found.about}" for ending, found in FORMATS.items())
    parser.description = f"{parser.description}\n\nFILE ends in\n\n{endings}"
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model's file")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="what to write")


def run(options: Namespace) -> int:
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import is_of_a_table, load, load_table

    known = vars(ExportOptions())
    chosen = {name: value for name, value in vars(options).items() if name in known}
    format_for(options.out, ExportOptions.of(chosen))  # before anything is read
    model = load_table(options.model) if is_of_a_table(options.model) else load(options.model)
    exported = model.export(options.out, **chosen)
    print(f"wrote {', '.join(map(str, exported.files))}")
    for remark in exported.remarks:
        print(remark)
    return 0
