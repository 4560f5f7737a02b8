"""The whole file: the class, its weights, the transforms, and a `__main__` that scores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from math import prod
from textwrap import fill

from gradbook.data.dataset import BELOW, BEYOND, FAR, WIDE
from gradbook.formats.torch.training_loop import TorchTraining, training_source
from gradbook.formats.torch.write import (
    WIDEST,
    class_name,
    function_source,
    module_source,
    state_dict,
)
from gradbook.layers.card import AnswerKind
from gradbook.layers.losses import HALF_SURE
from gradbook.net.trained import TrainedNet, with_tokens

WEIGHTS, TRAINED = "_weights.safetensors", "_trained.safetensors"  # appended to the file's stem


def torch_files(
    trained: TrainedNet, stem: str, data: str = "", training: TorchTraining | None = None
) -> dict[str, bytes | str]:
    """Return the module and its weights, by the ending to append to the file's stem.

    `data` names one of gradbook's data sets, if the network was trained on it.
    """
    from safetensors.numpy import save

    trained = with_tokens(trained)
    source = torch_source(trained, stem, data, training)
    return {".py": source, WEIGHTS: save(state_dict(trained))}


def torch_source(
    trained: TrainedNet, stem: str, data: str = "", training: TorchTraining | None = None
) -> str:
    """Return the text of the module."""
    parts = [
        module_source(trained),
        function_source("load", network=class_name(trained)),
        _prepared(trained),
        _answers(trained),
    ]
    if trained.reads_bytes:
        parts.append(_pictures(trained))
        if trained.classes:
            parts += [function_source("images for", name=_quoted(data))] if data else []
            parts.append(function_source("score", surest=_surest(trained, "sure")))
    else:
        parts.append(rows_source(trained, "torch.tensor"))
    if training:
        parts.append(training_source(trained, training))
    parts.append(_main(trained, stem, bool(data), training))
    body = "\n\n".join(parts)
    named = constants(trained, stem + WEIGHTS)
    head = [_docstring(trained, stem, bool(data), training), imports(named + body)]
    return "\n".join([*head, named, "", body])


def _docstring(trained: TrainedNet, stem: str, data: bool, training: TorchTraining | None) -> str:
    commands = [("FOLDER", "score pictures, one folder for each class")]
    if trained.reads_bytes and not trained.classes:
        commands = [("PICTURE …", "print the prediction for each picture")]
    if not trained.reads_bytes:
        commands = [("ROWS.csv", predicts_rows(trained))]
    if data:
        commands.insert(0, ("", "score the test images that come with gradbook"))
    if training:
        commands.append(("--train", "train it again first; also with a FOLDER"))
    less = ""
    if training and training.leaves_out:
        less = f"The training loop leaves out these parts of the recipe: {training.leaves_out}."
    return docstring(trained, "PyTorch", stem, commands, less)


def rows_source(trained: TrainedNet, tensor: str) -> str:
    """Return the function that reads a table into a `tensor`."""
    if not trained.columns:
        return function_source("rows in order", tensor=tensor)
    filled, worded = trained.filling is not None, any(trained.columns.values())
    end = "" if filled else '"""'
    return function_source("rows", tensor=tensor, filled=filled, worded=worded, end=end)


def predicts_rows(trained: TrainedNet) -> str:
    """Describe what the program does with a table."""
    what = f"tokens, from 0 to {trained.tokens - 1}" if trained.tokens else "numbers"
    rows = "with these headings" if trained.columns else f"of {prod(trained.input)} {what}"
    return f"predict the rows of a table {rows}"


def docstring(
    trained: TrainedNet, language: str, stem: str, commands: Sequence[tuple[str, str]], more: str
) -> str:
    """Describe the program and its commands: the arguments of each, and what it does."""
    plain = re.fullmatch(r"[\w .,-]+", trained.net.name)
    what = f"The network {trained.net.name}" if plain else "A network"
    name = stem if re.fullmatch(r"[\w.-]+", stem) else "FILE"
    usage = [(f"python {name}.py {arguments}".rstrip(), does) for arguments, does in commands]
    widest = max(len(command) for command, _ in usage)
    lines = "\n".join(f"    {command:<{widest}}  {does}" for command, does in usage)
    about = f"{what} in {language}, with its trained weights beside it.\n\nUsage:\n{lines}\n"
    about += f"\n{fill(more, WIDEST)}\n" if more else ""
    return f'"""{about}"""\n'


STANDARD = {  # how each import is recognised in the text
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


def imports(body: str) -> str:
    """Return the imports that the text needs."""
    groups = (
        "\n".join(
            line for word, line in table.items() if re.search(rf"(?<![\w.]){re.escape(word)}", body)
        )
        for table in (STANDARD, OTHERS)
    )
    text = "\n\n".join(groups) + "\n"
    functions = "import load_file, save_file" if "save_file(" in body else "import load_file"
    return text.replace("import load_file", functions)


def constants(trained: TrainedNet, weights: str) -> str:
    scaling, columns = trained.scaling, trained.columns.items()
    channels = "channel, from 0 to 1" if trained.reads_bytes else "column, and of each word"
    lines = [f"WEIGHTS = Path(__file__).with_name({_quoted(weights)})"]
    if trained.classes:
        lines.append(f"CLASSES = {_tuple(map(_quoted, trained.classes))}")
    else:
        lines.append(f"TARGETS = {_tuple(map(_quoted, trained.targets))}  # what is predicted")
    if trained.columns:
        items = (f"{_quoted(name)}: {_tuple(map(_quoted, words), 4)}" for name, words in columns)
        lines.append("# of each column its words; one of numbers has none")
        lines.append("COLUMNS = {\n" + "".join(f"    {item},\n" for item in items) + "}")
    lines += [] if trained.tokens else [f"# of each {channels}"]
    for name, array in (("MEAN", scaling.mean), ("DEVIATION", scaling.deviation)):
        if trained.tokens:
            break
        values = array
        if trained.reads_bytes and len(trained.input) != 3:  # flat images have channels as well
            values = array.reshape(trained.picture[0] if trained.picture else 1, -1)[:, 0]
        lines.append(f"{name} = {_tuple(map(repr, values.tolist()))}")
    if trained.filling is not None:
        lines.append("# of each, what stands for a missing number, which is NaN")
        lines.append(f"MISSING = {_tuple(map(repr, trained.filling.tolist()))}")
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """Write a string in double quotes."""
    return json.dumps(word, ensure_ascii=False) if word.isprintable() else ascii(word)


def _tuple(items: Iterable[str], indent: int = 0) -> str:
    texts, margin = list(items), " " * indent
    line = f"({', '.join(texts)}{',' * (len(texts) == 1)})"
    if len(line) <= WIDEST - len("DEVIATION = ") or not texts:
        return line
    return "(\n" + "".join(f"{margin}    {item},\n" for item in texts) + f"{margin})"


def _prepared(trained: TrainedNet) -> str:
    if trained.tokens:
        return prepared_tokens(trained, "torch.as_tensor(rows)")
    laid_out = ".flatten(1)" if trained.reads_bytes and len(trained.input) == 1 else ""
    if len(trained.input) == 2 or (len(trained.input) == 3 and not trained.reads_bytes):
        laid_out = f".reshape(-1, {', '.join(map(str, trained.input))})"
    prepared = "(images / 255 - mean) / deviation"
    if not trained.reads_bytes:
        prepared = "(rows - torch.tensor(MEAN)) / torch.tensor(DEVIATION)"
    prepared = f"({prepared}){laid_out}" if laid_out else prepared
    kind = "images" if trained.reads_bytes else "rows"
    values = {"checked": checked(trained, "torch"), "prepared": prepared}
    return checked_range(trained) + function_source(
        f"prepared {kind}", filled=trained.filling is not None, **values
    )


def checked(trained: TrainedNet, library: str) -> str:
    """Return the lines that refuse samples of another shape, or surely on another scale.

    Like `predict`, they take flat samples, and images with their channels last.
    """
    count = prod(trained.input)
    size = trained.input
    if trained.reads_bytes:
        size = trained.picture or (1, 1, count)
    last = (*size[1:], size[0])
    shapes = {(count,), size, trained.input}
    if len(size) == 3 and size[0] == 1:
        shapes |= {size[1:], last}
    what, data = ("images", "") if trained.reads_bytes else ("rows", ", dtype=torch.float32")
    converted = {"torch": f"torch.as_tensor({what}{data})", "np": f"np.asarray({what})"}
    return function_source(
        "checks",
        what=what,
        converted=converted[library],
        turned={"torch": "permute(0, 3, 1, 2)", "np": "transpose(0, 3, 1, 2)"}[library]
        if last not in shapes and len(size) == 3
        else "",
        last=last,
        shapes=_tuple(map(str, sorted(shapes))),
        size=", ".join(map(str, size)),
        shape=", ".join(map(str, size if trained.reads_bytes else (count,))),
        range=trained.range,
        bytes=f"{library}.uint8",
    ).rstrip("\n")


def checked_range(trained: TrainedNet) -> str:
    """Return the function that refuses another scale, if that of the training is known."""
    if trained.range is None:
        return ""
    least, most = trained.range
    size = max(1.0, abs(least), abs(most))
    return (
        function_source(
            "check range",
            what="images" if trained.reads_bytes else "rows",
            largest=FAR * size,
            positive=least >= 0,
            least=-BELOW * size,
            wide=size >= WIDE,
            mean=least >= 0 and size >= WIDE,
            most=size,
            beyond=BEYOND,
            far=FAR,
            range=f"{least:g} to {most:g}",
        )
        + "\n\n"
    )


def prepared_tokens(trained: TrainedNet, tokens: str) -> str:
    """Return the function that takes rows of tokens."""
    (steps,) = trained.input
    return function_source("prepared tokens", steps=steps, last=trained.tokens - 1, tokens=tokens)


def _answers(trained: TrainedNet) -> str:
    what = "images" if trained.reads_bytes else "rows"
    if trained.classes:
        return function_source("probabilities", what=what, finished=_finished(trained))
    deviation, mean = trained.spread
    spread = "" if trained.spread == (1.0, 0.0) else f" * {deviation!r} + {mean!r}"
    return function_source("answers", what=what, spread=spread)


def _surest(trained: TrainedNet, sure: str) -> str:
    """Write the class with the highest probability, for one image or for many."""
    if trained.net.outputs == 1:
        return f"({sure}[..., 1] >= {HALF_SURE})"
    return f"{sure}.argmax(-1)"


def _finished(trained: TrainedNet) -> str:
    if trained.net.outputs == 1:
        return "torch.cat([1 - outputs, outputs], dim=1)"
    match trained.net.answer_kind:
        case AnswerKind.SHARES:
            return "outputs"
        case AnswerKind.LOGARITHMS:
            return "outputs.exp()"
        case AnswerKind.CHANCES:
            return "outputs / outputs.sum(1, keepdim=True)"
        case _:
            return "F.softmax(outputs, dim=1)"


def _pictures(trained: TrainedNet) -> str:
    channels, rows, columns = trained.picture or (1, 1, prod(trained.input))
    return function_source(
        "pictures",
        classes=trained.classes,
        argument="folder" if trained.classes else "files",
        mode='"L"' if channels == 1 else '"RGB"',
        axes="[:, None]" if channels == 1 else ".permute(0, 3, 1, 2)",
        rows=rows,
        columns=columns,
    )


def _main(trained: TrainedNet, stem: str, data: bool, training: TorchTraining | None) -> str:
    """Shared tensors are written one by one, since the file format doesn't share any."""
    if not trained.reads_bytes or not trained.classes:
        return _main_of_rows(trained)
    shares = any(layer.again and layer.layer.statistics for layer in trained.layers)

    def images(part: str) -> str:
        return f'images_for("{part}", options.folder)' if data else "pictures(options.folder)"

    return function_source(
        "main",
        optional=', nargs="?"' if data else "",
        trains=training,
        network=class_name(trained),
        training=images("training"),
        trained=_quoted(stem + TRAINED),
        shares=training and shares,
        state="state" if shares else "network.state_dict()",
        test=images("test"),
    )


def _main_of_rows(trained: TrainedNet) -> str:
    table = "name a table: a file with commas" + " and a line of headings" * bool(trained.columns)
    return function_source(
        "main of rows",
        missing="name pictures" if trained.reads_bytes else table,
        classes=trained.classes,
        surest=_surest(trained, "row"),
        read="pictures" if trained.reads_bytes else "rows",
        all=":" if trained.reads_bytes else "",
    )
