"""A network that another program trained, as one of ours: its text, or a model.

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

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

EXAMPLES = """\
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


def add_arguments(parser: ArgumentParser) -> None:
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


def run(options: Namespace) -> int:
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
