"""A network that another program trained, as one of ours: its text, or a model.

FILE is an ONNX model, a Keras model in Keras 3's own file (.keras) or what torch.export.save wrote
of a PyTorch module (.pt2). Out of it comes a network in the text form, whose starting weights are
its trained ones, or a model that predict, explain, sheet and export take.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

EXAMPLES = """\
  gradbook import net.onnx -o net.txt            the network with its weights, to read and to train
  gradbook import net.onnx -o net.safetensors --mean 0.1307 --deviation 0.3081
                                                 a model for predict, explain, sheet and export
  gradbook import net.keras -o net.txt           the same of Keras's, without Keras
  gradbook import net.pt2 -o net.txt             and of PyTorch's, without PyTorch
  gradbook explain net.onnx --only "conv1 0,0,1,1" --image 3
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="FILE", help="the network that another program wrote")
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="a .txt or a .safetensors to write"
    )
    how = "what images were normalised by: brightness from 0 to 1, a number for each channel"
    parser.add_argument("--mean", metavar="M", type=float, nargs="+", help=how)
    parser.add_argument("--deviation", metavar="D", type=float, nargs="+", help="the same")
    parser.add_argument("--classes", metavar="NAME", nargs="+", help="what its outputs stand for")
    parser.add_argument(
        "--softmax",
        action="store_true",
        help="end it in softmax, where it ends in plain sums as PyTorch's cross-entropy takes them",
    )


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
    )
    if ending == "txt":
        write_whole(options.out, str(model.net))
    else:
        model.save(options.out)
    layers = counted(len(model.net.layers), "layer")
    print(f"wrote {options.out}: {layers}, {counted(model.parameters, 'parameter')}")
    for remark in model.about["remarks"]:
        print(remark)
    return 0
