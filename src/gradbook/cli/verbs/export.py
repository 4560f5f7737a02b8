"""A trained network for other programs: the file's ending says which.

MODEL is the folder of a run, a model.safetensors, or a file that import reads.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from gradbook.cli.terminal.arguments import whole_number
from gradbook.cli.terminal.named import opened
from gradbook.errors import UsageError

EXAMPLES = """\
  gradbook export runs/quick -o quick.onnx     for onnxruntime, a browser, a phone
  gradbook export runs/quick -o quick.onnx --with-preparation
                                               from bytes to probabilities inside
  gradbook export runs/houses -o houses.onnx --with-preparation
                                               a table's numbers as they stand, holes too
  gradbook export runs/tiny -o tiny.c --int8   whole numbers alone, for a microcontroller
  gradbook export runs/tiny -o tiny.c --main   a program that reads pictures
  gradbook export runs/quick -o quick.py       a PyTorch module: python quick.py scores it
  gradbook export runs/quick -o quick.py --train
  gradbook export runs/quick -o quick.keras    keras.models.load_model("quick.keras")
  gradbook export runs/quick -o quick.npz      all its tensors, for NumPy
  gradbook export runs/quick -o quick.json     the same as JSON, for any language
  gradbook export model.safetensors -o net.txt the recipe, to train it anew
"""


def add_arguments(parser: ArgumentParser) -> None:
    from gradbook.formats.onnx import USUAL_OPSET
    from gradbook.lab.models.exporting import FORMATS

    endings = "\n".join(f"  {ending:<13} {found.about}" for ending, found in FORMATS.items())
    parser.description = f"{parser.description}\n\nFILE ends in\n\n{endings}"
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model's file")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="what to write")
    onnx = parser.add_argument_group("of .onnx")
    onnx.add_argument(
        "--opset",
        metavar="N",
        type=whole_number(1),
        default=USUAL_OPSET,
        help=f"the version of ONNX's operators (default: {USUAL_OPSET})",
    )
    onnx.add_argument(
        "--no-fold",
        dest="fold",
        action="store_false",
        help="leave batch normalisation as it was trained, apart from the sums before it",
    )
    parser.add_argument(
        "--with-preparation",
        action="store_true",
        help="of .onnx and .keras: take the bytes of images and give probabilities",
    )
    c = parser.add_argument_group("of .c, .h and .ino")
    c.add_argument("--int8", action="store_true", help="whole numbers alone, weights of 8 bits")
    c.add_argument("--main", action="store_true", help="of .c: a program that reads PGM pictures")
    c.add_argument(
        "--data",
        metavar="DATA",
        help="with --int8, the images that show how large values get (default: those trained on)",
    )
    torch = parser.add_argument_group("of .py")
    torch.add_argument(
        "--train",
        action="store_true",
        help="add a training loop: the recipe's optimizer, rates, batches, epochs, warps and "
        "statistics, a sixth of the images held back; not its class weights, early stop and "
        "'keep best'",
    )


def run(options: Namespace) -> int:
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import RunFolder

    known = vars(ExportOptions())
    chosen = {name: value for name, value in vars(options).items() if name in known}
    format_for(options.out, ExportOptions.of(chosen))  # before anything is read
    if RunFolder(options.model).owns(options.out):
        raise UsageError(f"{options.out} is the run's own file: choose another name")
    exported = opened(options.model).export(options.out, **chosen)
    print(f"wrote {', '.join(map(str, exported.files))}")
    for remark in exported.remarks:
        print(remark)
    return 0
