"""The whole file: the class, its weights, the transforms, and a `__main__` that scores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from math import prod
from textwrap import fill

from gradbook.formats.torch.training import TorchTraining, training_source
from gradbook.formats.torch.write import (
    WIDEST,
    class_name,
    function_source,
    module_source,
    state_dict,
)
from gradbook.graph.node import Array
from gradbook.layers.losses import HALF_SURE
from gradbook.net.trained import TrainedNet

WEIGHTS, TRAINED = "_weights.safetensors", "_trained.safetensors"  # after the file's name


def torch_files(
    trained: TrainedNet, stem: str, data: str = "", training: TorchTraining | None = None
) -> dict[str, bytes | str]:
    """The module and its weights, by what follows the file's name.

    `data` is the name of a data set that comes with gradbook, if it was trained on one.
    """
    from safetensors.numpy import save

    source = torch_source(trained, stem, data, training)
    return {".py": source, WEIGHTS: save(state_dict(trained))}


def torch_source(
    trained: TrainedNet, stem: str, data: str = "", training: TorchTraining | None = None
) -> str:
    """The text of the module."""
    parts = [
        module_source(trained),
        _loading(trained),
        _prepared(trained),
        _answers(trained),
    ]
    if trained.reads_bytes and not trained.classes:
        parts.append(_pictures(trained, "named pictures"))
    elif trained.reads_bytes:
        parts += [
            _pictures(trained, "pictures"),
            *([_images_for(data)] if data else []),
            _score(trained),
        ]
    else:
        rows = "rows" if trained.filling is None else "rows with holes"
        parts.append(function_source(rows if trained.columns else "rows in order"))
    if training:
        parts.append(training_source(trained, training))
    parts.append(_main(trained, stem, bool(data), training))
    body = "\n\n".join(parts)
    constants = _constants(trained, stem)
    head = [_docstring(trained, stem, bool(data), training), _imports(constants + body)]
    return "\n".join([*head, constants, "", body])


def _docstring(trained: TrainedNet, stem: str, data: bool, training: TorchTraining | None) -> str:
    name = stem if re.fullmatch(r"[\w.-]+", stem) else "FILE"
    what = f"The network {trained.net.name}" if _is_plain(trained.net.name) else "A network"
    usage = [(f"python {name}.py FOLDER", "score pictures, one folder for each class")]
    if trained.reads_bytes and not trained.classes:
        usage = [(f"python {name}.py PICTURE …", "print the prediction for each picture")]
    if not trained.reads_bytes:
        rows = "with these headings" if trained.columns else f"of {prod(trained.input)} numbers"
        usage = [(f"python {name}.py ROWS.csv", f"predict the rows of a table {rows}")]
    if data:
        usage.insert(0, (f"python {name}.py", "score the test images that come with gradbook"))
    if training:
        usage.append((f"python {name}.py --train", "train it again first; also with a FOLDER"))
    widest = max(len(command) for command, _ in usage)
    lines = "\n".join(f"    {command:<{widest}}  {does}" for command, does in usage)
    about = f"{what} in PyTorch, with its trained weights beside it.\n\nUsage:\n{lines}\n"
    if training and training.leaves_out:
        less = f"The training loop leaves out these parts of the recipe: {training.leaves_out}."
        about += "\n" + fill(less, WIDEST) + "\n"
    return f'"""{about}"""\n'


def _is_plain(name: str) -> bool:
    return bool(name) and re.fullmatch(r"[\w .,-]+", name) is not None


STANDARD = {  # what the text begins to speak of, and where that comes from
    "csv.": "import csv",
    "math.": "import math",
    "sys.": "import sys",
    "ArgumentParser(": "from argparse import ArgumentParser",
    "Path(": "from pathlib import Path",
}
OTHERS = {
    "np.": "import numpy as np",
    "torch.": "import torch",
    "F.": "import torch.nn.functional as F",
    "Image.": "from PIL import Image",
    "load_file(": "from safetensors.torch import load_file",
    "nn.": "from torch import nn",
}


def _imports(body: str) -> str:
    """Of all that the text speaks of."""
    groups = (
        "\n".join(line for word, line in known.items() if _speaks(body, word))
        for known in (STANDARD, OTHERS)
    )
    text = "\n\n".join(groups) + "\n"
    both = "import load_file, save_file" if "save_file(" in body else "import load_file"
    return text.replace("import load_file", both)


def _speaks(body: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}", body) is not None


def _constants(trained: TrainedNet, stem: str) -> str:
    scaling, columns = trained.scaling, trained.columns.items()
    channels = "channel, from 0 to 1" if trained.reads_bytes else "column, and of each word"
    lines = [f"WEIGHTS = Path(__file__).with_name({_quoted(stem + WEIGHTS)})"]
    if trained.classes:
        lines.append(f"CLASSES = {_tuple(map(_quoted, trained.classes))}")
    else:
        lines.append(f"TARGETS = {_tuple(map(_quoted, trained.targets))}  # what is predicted")
    if trained.columns:
        items = (f"{_quoted(name)}: {_tuple(map(_quoted, words), 4)}" for name, words in columns)
        lines.append("# of each column its words; one of numbers has none")
        lines.append("COLUMNS = {\n" + "".join(f"    {item},\n" for item in items) + "}")
    lines.append(f"# of each {channels}")
    for name, array in (("MEAN", scaling.mean), ("DEVIATION", scaling.deviation)):
        values = _of_channels(trained, array)
        lines.append(f"{name} = {_tuple(map(repr, values.tolist()))}")
    if trained.filling is not None:
        lines.append("# of each, what stands for a missing number, which is NaN")
        lines.append(f"MISSING = {_tuple(map(repr, trained.filling.tolist()))}")
    return "\n".join(lines) + "\n"


def _of_channels(trained: TrainedNet, array: Array) -> Array:
    """One number for each of the images' channels, also where they come in flat."""
    if trained.reads_bytes and len(trained.input) != 3:
        channels = trained.picture[0] if trained.picture else 1
        return array.reshape(channels, -1)[:, 0]
    return array


def _quoted(word: str) -> str:
    """A string as it is written in double quotes."""
    return json.dumps(word, ensure_ascii=False) if word.isprintable() else ascii(word)


def _tuple(items: Iterable[str], indent: int = 0) -> str:
    found, margin = list(items), " " * indent
    line = f"({', '.join(found)}{',' * (len(found) == 1)})"
    if len(line) <= WIDEST - len("DEVIATION = ") or not found:
        return line
    return "(\n" + "".join(f"{margin}    {item},\n" for item in found) + f"{margin})"


def _loading(trained: TrainedNet) -> str:
    return function_source("load", network=class_name(trained))


def _prepared(trained: TrainedNet) -> str:
    shape = ", ".join(map(str, trained.input))
    laid_out = f".reshape(-1, {shape})" if len(trained.input) == 2 else ""
    if not trained.reads_bytes:
        filled = "    rows = torch.where(rows.isnan(), torch.tensor(MISSING), rows)\n"
        filled = "" if trained.filling is None else filled
        made = "(rows - torch.tensor(MEAN)) / torch.tensor(DEVIATION)"
        made = f"({made}){laid_out}" if laid_out else made
        return f'''def prepared(rows):
    """The numbers of a table's columns as the network takes them."""
{filled}    return {made}
'''
    made = "(images / 255 - mean) / deviation"
    if len(trained.input) < 3:
        made = f"({made}){laid_out or '.flatten(1)'}"
    return f'''def prepared(images):
    """Bytes (images, channels, rows, columns) as the network takes them."""
    mean, deviation = (torch.tensor(x).view(-1, 1, 1) for x in (MEAN, DEVIATION))
    return {made}
'''


def _answers(trained: TrainedNet) -> str:
    what = "images" if trained.reads_bytes else "rows"
    if not trained.classes:
        deviation, mean = trained.spread
        spread = "" if trained.spread == (1.0, 0.0) else f" * {deviation!r} + {mean!r}"
        return f'''@torch.no_grad()
def answers(network, {what}):
    """What is predicted for each: ({what}, numbers)."""
    return network(prepared({what})){spread}
'''
    return f'''@torch.no_grad()
def probabilities(network, {what}):
    """How sure the network is of each class: ({what}, classes)."""
    outputs = network(prepared({what}))
    return {_finished(trained)}
'''


def _surest(trained: TrainedNet, sure: str) -> str:
    """The class that these probabilities say, those of one image or of many."""
    if trained.net.outputs == 1:
        return f"({sure}[..., 1] >= {HALF_SURE})"
    return f"{sure}.argmax(-1)"


def _finished(trained: TrainedNet) -> str:
    if trained.net.outputs == 1:
        return "torch.cat([1 - outputs, outputs], dim=1)"
    match trained.net.ending:
        case "softmax":
            return "outputs"
        case "log softmax":
            return "outputs.exp()"
        case "sigmoid":
            return "outputs / outputs.sum(1, keepdim=True)"
        case _:
            return "F.softmax(outputs, dim=1)"


def _pictures(trained: TrainedNet, kind: str) -> str:
    channels, rows, columns = trained.picture or (1, 1, prod(trained.input))
    mode = '"L"' if channels == 1 else '"RGB"'
    axes = "[:, None]" if channels == 1 else ".permute(0, 3, 1, 2)"
    return function_source(kind, mode=mode, axes=axes, rows=rows, columns=columns)


def _images_for(name: str) -> str:
    return function_source("images for", name=_quoted(name))


def _score(trained: TrainedNet) -> str:
    return function_source("score", surest=_surest(trained, "sure"))


def _main(trained: TrainedNet, stem: str, data: bool, training: TorchTraining | None) -> str:
    if not trained.reads_bytes or not trained.classes:
        return _main_of_rows(trained)
    optional = ', nargs="?"' if data else ""
    lines = [
        'if __name__ == "__main__":',
        "    parser = ArgumentParser(description=__doc__.splitlines()[0])",
        f'    parser.add_argument("folder"{optional}, help="pictures, a folder for each class")',
    ]
    if training:
        lines.append(
            '    parser.add_argument("--train", action="store_true", help="train it again first")'
        )
    lines.append("    options = parser.parse_args()")
    lines.append("    network = load()")
    if training:
        lines += [
            "    if options.train:",
            f"        network = {class_name(trained)}()",
            "        initialise(network)",
            f"        train(network, *{_images('training', data)})",
            f"        trained = WEIGHTS.with_name({_quoted(stem + TRAINED)})",
            *_saved(trained),
        ]
    lines += [
        f"    images, labels = {_images('test', data)}",
        "    right = score(network, images, labels)",
        '    print(f"{right:.2%} of {len(images):,} images are classified correctly")',
    ]
    return "\n".join(lines) + "\n"


def _saved(trained: TrainedNet) -> Iterator[str]:
    """Tensors that are one in the module are written one by one: the file knows no others."""
    if any(own.again and own.layer.statistics for own in trained.layers):
        yield "        state = {n: x.clone() for n, x in network.state_dict().items()}"
        yield "        save_file(state, trained)"
    else:
        yield "        save_file(network.state_dict(), trained)"


def _images(part: str, data: bool) -> str:
    return f'images_for("{part}", options.folder)' if data else "pictures(options.folder)"


def _main_of_rows(trained: TrainedNet) -> str:
    missing = "name a table: a file with commas" + " and a line of headings" * bool(trained.columns)
    given = "pictures(sys.argv[1:])" if trained.reads_bytes else "rows(sys.argv[1])"
    lines = [
        'if __name__ == "__main__":',
        "    if not sys.argv[1:]:",
        f'        sys.exit("{"name pictures" if trained.reads_bytes else missing}")',
    ]
    if trained.classes:
        lines += [
            "    for row in probabilities(load(), rows(sys.argv[1])):",
            f"        print(CLASSES[int({_surest(trained, 'row')})], float(row.max()))",
        ]
    else:
        lines += [
            f"    for numbers in answers(load(), {given}).tolist():",
            "        print(*numbers)",
        ]
    return "\n".join(lines) + "\n"
