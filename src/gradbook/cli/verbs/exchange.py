"""The verbs that write and read networks of other programs."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from gradbook.cli.arguments import Verb, open_model, whole_number
from gradbook.errors import UsageError

# Export -----------------------------------------------------------------------

EXPORT = """\
A trained network for other programs: the file's ending says which.

MODEL is the folder of a run, a model.safetensors, or a file that import reads.
"""
EXPORT_EXAMPLES = """\
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


def add_export_arguments(parser: ArgumentParser) -> None:
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


def run_export(options: Namespace) -> int:
    from gradbook.lab.models.exporting import ExportOptions, format_for
    from gradbook.lab.training.run_folder import RunFolder

    known = vars(ExportOptions())
    chosen = {name: value for name, value in vars(options).items() if name in known}
    format_for(options.out, ExportOptions.of(chosen))  # before anything is read
    if RunFolder(options.model).owns(options.out):
        raise UsageError(f"{options.out} is the run's own file: choose another name")
    exported = open_model(options.model).export(options.out, **chosen)
    print(f"wrote {', '.join(map(str, exported.files))}")
    for remark in exported.remarks:
        print(remark)
    return 0


# Import -----------------------------------------------------------------------

IMPORT = """\
A network that another program trained, as one of ours: its text, or a model.

FILE is

  .onnx    what PyTorch, Keras, scikit-learn (skl2onnx) and most others can write: convolutions,
           dense layers, pools, normalisation, activations, branches, and scikit-learn's
           perceptrons, linear and logistic models with their scaler
  .keras   a model in Keras 3's own file
  .pt2     what torch.export.save wrote of a PyTorch module

Out of it comes a network in the text form, whose starting weights are its trained ones, or a
model that predict and export take, and of images explain and sheet too.

A network that takes flat values reads rows of a table as they stand, any other reads images. One
that ends in a softmax or in one sigmoid tells classes apart. Of any other end, such as plain sums,
it is decided and said: several outputs of images are classes, all others numbers.
docs/import.md lists every layer that is read, of each program.
"""
IMPORT_EXAMPLES = """\
  gradbook import net.onnx -o net.txt            the network with its weights, to read and to train
  gradbook import net.onnx -o net.safetensors --mean 0.1307 --deviation 0.3081
                                                 a model for predict, explain, sheet and export
  gradbook import prices.onnx -o prices.safetensors --columns area rooms --target price
                                                 then: gradbook predict prices.safetensors new.csv
  gradbook import net.onnx -o net.safetensors --task numbers
                                                 its sums are no classes
  gradbook import net.onnx -o net.safetensors --classes cat dog
  gradbook import net.keras -o net.txt           the same of Keras's, without Keras
  gradbook import net.pt2 -o net.txt             and of PyTorch's, without PyTorch
  gradbook explain net.onnx --only "conv1 0,0,1,1" --image 3
"""


def add_import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="FILE", help="the network that another program wrote")
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="a .txt or a .safetensors to write"
    )
    parser.add_argument(
        "--task", choices=("numbers", "classes"), help="what its outputs are, where it's otherwise"
    )
    parser.add_argument("--classes", metavar="NAME", nargs="+", help="what its outputs stand for")
    parser.add_argument(
        "--target",
        metavar="NAME",
        nargs="+",
        help="what it predicts: of several numbers a name each",
    )
    parser.add_argument(
        "--columns",
        metavar="NAME",
        nargs="+",
        help="of a table: the columns it reads, in its order",
    )
    parser.add_argument(
        "--images",
        metavar="CxHxW",
        type=_size,
        help="the images whose values it takes flat, such as 28x28 or 3x32x32",
    )
    how = "what images were normalised by: brightness from 0 to 1, a number for each channel"
    parser.add_argument("--mean", metavar="M", type=float, nargs="+", help=how)
    parser.add_argument("--deviation", metavar="D", type=float, nargs="+", help="the same")
    parser.add_argument(
        "--softmax",
        action="store_true",
        help="end it in softmax, where it ends in plain sums as PyTorch's cross-entropy takes them",
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
    from gradbook.lab.models.importing import import_model

    ending = options.out.lower().rpartition(".")[2]
    if ending not in ("txt", "safetensors"):
        raise UsageError(f"{options.out}: end it in .txt for the text or .safetensors for a model")
    model = import_model(
        options.model,
        mean=options.mean,
        deviation=options.deviation,
        classes=options.classes,
        softmax=options.softmax,
        task=options.task,
        target=options.target,
        columns=options.columns,
        images=options.images,
    )
    if ending == "txt":
        write_whole(options.out, str(model.net))
    else:
        model.save(options.out)
    layers = counted(len(model.net.layers), "layer")
    print(f"wrote {options.out}: {layers}, {counted(model.net.count(), 'parameter')}")
    for remark in model.about["remarks"]:
        print(remark)
    return 0


ENTRIES = {
    "export": Verb(EXPORT, EXPORT_EXAMPLES, add_export_arguments, run_export),
    "import": Verb(IMPORT, IMPORT_EXAMPLES, add_import_arguments, run_import),
}
