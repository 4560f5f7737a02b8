"""The verbs that write and read networks of other programs."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import Verb, open_model, whole_number
from gradbook.errors import UsageError

if TYPE_CHECKING:
    from gradbook.lab.models.importing import ImportOptions

# Export -----------------------------------------------------------------------

EXPORT = """\
Write a trained network for other programs: the file's ending says which.

MODEL is the folder of a run, a model.safetensors, or a file that import reads.
"""
EXPORT_EXAMPLES = """\
  gradbook export runs/quick -o quick.onnx     for onnxruntime, a browser, a phone
  gradbook export runs/quick -o quick.onnx --with-preparation
                                               from bytes to probabilities inside
  gradbook export runs/houses -o houses.onnx --with-preparation
                                               from a table's numbers as they are, gaps too
  gradbook export runs/tiny -o tiny.c --int8   integers only, for a microcontroller
  gradbook export runs/moves -o hear.ino --int8
                                               a sketch that hears signals, for an Arduino
  gradbook export runs/moves -o moves --layout arduino --int8
                                               a library: also for zephyr and micropython
  gradbook export runs/tiny -o tiny.c --main   a program that reads pictures
  gradbook export runs/quick -o quick.py       a PyTorch module: python quick.py scores it
  gradbook export runs/quick -o quick.py --train
  gradbook export runs/quick -o quick.keras    keras.models.load_model("quick.keras")
  gradbook export runs/quick -o quick.npz      all its tensors, for NumPy
  gradbook export runs/quick -o quick.json     the same as JSON, for any language
  gradbook export model.safetensors -o net.txt the recipe, to train it again
"""


def add_export_arguments(parser: ArgumentParser) -> None:
    from gradbook.formats.onnx import USUAL_OPSET
    from gradbook.lab.models.exporting import FORMATS

    endings = "\n".join(f"  {ending:<13} {found.about}" for ending, found in FORMATS.items())
    parser.description = f"{parser.description}\n\nFILE ends in\n\n{endings}"
    parser.add_argument("model", metavar="MODEL", help="the folder of a run, or a model file")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="what to write")
    onnx = parser.add_argument_group("for .onnx")
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
        help="keep batch normalisation separate, rather than folding it into the layer before it",
    )
    parser.add_argument(
        "--with-preparation",
        action="store_true",
        help="for .onnx and .keras: take the bytes of images and return probabilities",
    )
    c = parser.add_argument_group("for .c, .h and .ino")
    c.add_argument(
        "--int8", action="store_true", help="integer arithmetic only, with 8-bit weights"
    )
    c.add_argument(
        "--small",
        action="store_true",
        help="with --int8, the least code rather than the fastest",
    )
    c.add_argument(
        "--main", action="store_true", help="for .c: include a main program that reads PGM pictures"
    )
    c.add_argument(
        "--learn",
        action="store_true",
        help="add a function by which the last dense layer learns on the device, sample by sample",
    )
    c.add_argument(
        "--data",
        metavar="DATA",
        help="with --int8, the images or recordings to calibrate on (default: those trained on)",
    )
    c.add_argument(
        "--layout",
        metavar="NAME",
        help="write a new folder FILE with a library of C, as arduino, zephyr or micropython look "
        "for one",
    )
    torch = parser.add_argument_group("for .py")
    torch.add_argument(
        "--train",
        action="store_true",
        help="add a training loop with the recipe's optimizer, rates, batches, epochs, warps and "
        "statistics, and a sixth of the images held back; but not its class weights, early "
        "stop and 'keep best'",
    )


def run_export(options: Namespace) -> int:
    from gradbook.files import require_replaceable
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import RunFolder

    known = vars(ExportOptions())
    chosen = {name: value for name, value in vars(options).items() if name in known}
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

IMPORT = """\
Read a network that another program trained, and write its text or a model.

FILE is

  .onnx    from PyTorch, Keras, scikit-learn (skl2onnx) and most others: convolutions,
           dense layers, pools, normalisation, activations, branches, and scikit-learn's
           perceptrons, linear and logistic models with their scaler
  .keras   a model in Keras 3's own format
  .pt2     a PyTorch module, written by torch.export.save

The result is a network in the text form, with the trained weights as its start weights, or a
model that predict and export can use, and explain and sheet too if it reads images.

A network that takes flat values reads the rows of a table as they are; any other reads images. One
that ends in softmax or in a single sigmoid is a classifier. For any other ending, such as plain
sums, gradbook decides and says so: several outputs from images are classes, all others numbers.
docs/import.md lists the layers that are read from each program.
"""
IMPORT_EXAMPLES = """\
  gradbook import net.onnx -o net.txt            the network with its weights, to read and to train
  gradbook import net.onnx -o net.safetensors --mean 0.1307 --deviation 0.3081
                                                 a model for predict, explain, sheet and export
  gradbook import prices.onnx -o prices.safetensors --columns area rooms --target price
                                                 then: gradbook predict prices.safetensors new.csv
  gradbook import net.onnx -o net.safetensors --task numbers
                                                 its outputs are numbers, not classes
  gradbook import net.onnx -o net.safetensors --classes cat dog
  gradbook import net.keras -o net.txt           the same from Keras, which needn't be installed
  gradbook import net.pt2 -o net.txt             and from PyTorch, which needn't be either
  gradbook explain net.onnx --only "conv1 0,0,1,1" --image 3
"""


def add_import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="FILE", help="the network that another program wrote")
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="a .txt or a .safetensors to write"
    )
    parser.add_argument(
        "--task",
        choices=("numbers", "classes", "labels"),
        help="what its outputs are, if not what gradbook would decide",
    )
    parser.add_argument("--classes", metavar="NAME", nargs="+", help="what its outputs stand for")
    parser.add_argument(
        "--target",
        metavar="NAME",
        nargs="+",
        help="the name of what it predicts, or of each of several numbers",
    )
    parser.add_argument(
        "--columns",
        metavar="NAME",
        nargs="+",
        help="for a table: the columns it reads, in order",
    )
    parser.add_argument(
        "--images",
        metavar="CxHxW",
        type=_size,
        help="the size of the images whose values it takes flat, such as 28x28 or 3x32x32",
    )
    how = (
        "the mean that images were normalised with, for brightness from 0 to 1: one number per "
        "channel"
    )
    parser.add_argument("--mean", metavar="M", type=float, nargs="+", help=how)
    parser.add_argument("--deviation", metavar="D", type=float, nargs="+", help="the same")
    parser.add_argument(
        "--softmax",
        action="store_true",
        help="add a softmax, if it ends in plain sums as PyTorch's cross-entropy takes them",
    )


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
        net, remarks = import_net(options.model, **told)
        write_whole(options.out, str(net))
    else:
        model = import_model(options.model, **told)
        net, remarks = model.net, tuple(model.about["remarks"])
        model.save(options.out)
    layers = counted(len(net.layers), "layer")
    print(f"wrote {options.out}: {layers}, {counted(net.count(), 'parameter')}")
    for remark in remarks:
        print(remark)
    return 0


ENTRIES = {
    "export": Verb(EXPORT, EXPORT_EXAMPLES, add_export_arguments, run_export, writes_files=True),
    "import": Verb(IMPORT, IMPORT_EXAMPLES, add_import_arguments, run_import, writes_files=True),
}
