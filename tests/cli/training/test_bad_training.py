"""Trainings that can't be what was meant: one clear line each, exit 2, and no file is left.

What pictures and models can be wrong about is held by `test_predict.py`, what data sets can by
`test_data.py` and `tests/data`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gradbook.lab.models import stored
from gradbook.lab.training.run_folder import LOSSES, RIGHT
from gradbook.lab.training.train import train
from tests.cases import for_each
from tests.cli.desk import RECIPE, laid_out
from tests.lab import made

pytestmark = pytest.mark.witness("cc")

FLAGS = {
    ("--epochs", "0"): "--epochs: 0 is out of range: it must be at least 1",
    ("--epochs", "200000"): "--epochs: epochs 200,000: the most is 100,000",
    ("--batch", "1,000,000"): "--batch: batch 1,000,000: the most is 100,000",
    ("--seed", "-1"): "--seed: -1 is out of range: it must be at least 0",
    ("--seeds", "5000"): "--seeds: 5000 is out of range: it must be at least 1 and at most 1,000",
    ("--seeds", "2", "--seed", "999999999"): "the seed must be at most 999999999, not 1000000000",
    ("--seed", "1000000000"): "--seed: the seed is a whole number of at most 9 digits",
    ("--threads", "0"): "--threads: 0 is out of range: it must be at least 1",
    ("--threads", "65"): "from 1 to 64 threads, not 65",
    (
        "--set",
        "schedule onecycle 0.1",
    ): "--set 'schedule onecycle 0.1': unknown schedule 'onecycle': did you mean",
    ("--set", "warp rot 5"): "--set 'warp rot 5': unknown 'rot'",
    ("--set", "warp crop 40"): "crop 40 of an image with 8 rows and",
    ("--set", "momentum 2"): "--set 'momentum 2': momentum is at least 0 and below 1, not 2.0",
    (
        "--set",
        "loss crossentropie",
    ): "--set 'loss crossentropie': unknown loss 'crossentropie': did you mean",
    ("--set", "loss binary cross-entropy"): "--set 'loss binary cross-entropy': ",
    (
        "--set",
        "hold back 6",
    ): "--set 'hold back 6': there is no fold 6: hold back a fold from 0 to 5, or none",
    ("--network", "refernce"): "called 'refernce': did you mean 'reference'?",
    ("--network", "worked"): "has samples of its own",
    ("--network", "reference"): "the images of made are 1x8x8, but the network takes 1x28x28",
    ("--data", "digts"): "no data set, file or folder is called 'digts': did you mean 'digits'?",
    ("--data", "empty"): "it contains no idx files, tables or folders of pictures",
    ("--data", "digits"): "the images of digits are 1x28x28, but the network takes 1x8x8",
    ("--data", "cut.npz"): "cut.npz",
    (
        "--data",
        "two.npz",
    ): "two has 2 classes, but the network has 4 outputs: end it with 'dense 2'",
    ("--data", "a;b"): "printable characters, without ';' and '#'",
    ("--log", "tensorboard"): "train no longer has --log: in Python, give gb.train(…, listener=…)",
    ("--find-rate",): "train no longer has --find-rate: write --rate find",
    ("--all",): "train no longer has --all: write --set 'test none'",
    ("-o", RECIPE): f"{RECIPE}: {RECIPE} isn't a folder: choose another place",
    ("-o", f"{RECIPE}/run"): f"{RECIPE}/run: {RECIPE} isn't a folder: choose another place",
    ("-o", "run"): "run already contains a run: ",
    ("--seeds", "2", "-o", "run"): "run already contains a run: ",
    ("--resume", "run"): "leave RECIPE out",
}

RECIPES = {
    "quik": "no recipe, network or file is called 'quik': did you mean 'quick'?",
    "nowhere.txt": "no recipe, network or file is called 'nowhere.txt'",
    "": "no recipe, network or file is called ''",
    "empty": "can't read empty: it is a folder",
    "blank.txt": "blank.txt, line 1, column 1: no layers",
    "binary.txt": "binary.txt isn't UTF-8 text",
    "worked": "this network has samples of its own",
    "made.npz": "made.npz isn't UTF-8 text",
    "network flat; conv 8 3x3": "line 1, column 15: ",
    "x" * 2000 + " ": "unknown",
}

RESUMED = {
    ("nowhere",): "no run in nowhere: name the folder with its recipe.txt",
    ("empty",): "no run in empty: name the folder with its recipe.txt",
    (RECIPE,): f"no run in {RECIPE}",
    ("run", "--epochs", "5"): "--resume continues the run as it was begun: leave --epochs out",
    ("run", "--seed", "0"): "leave --seed out",
    ("run", "--set", "hold back 1"): "leave --set out",
    ("run", "-o", "other"): "leave --out out",
    ("run", "--threads", "0"): "--threads: 0 is out of range",
}


@pytest.fixture(scope="module")
def half_done(tmp_path_factory) -> Path:
    """The folder of a run that has no result yet."""
    folder = laid_out(tmp_path_factory.mktemp("half"))
    train(made.recipe(f"data {folder / 'made.npz'}; epochs 2"), folder=folder / "run", threads=1)
    (folder / "run/result.json").unlink()
    return folder / "run"


@pytest.fixture
def desk(tmp_path, half_done) -> Path:
    laid_out(tmp_path)
    shutil.copytree(half_done, tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.txt").write_text("# nothing\n")
    (tmp_path / "binary.txt").write_bytes(bytes(range(128, 256)))
    whole = (tmp_path / "made.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    pixels, labels = made.arrays(60)
    np.savez(tmp_path / "two.npz", x_train=pixels, y_train=labels % 2)
    return tmp_path


@for_each(("words", "said"), FLAGS.items(), ids=[" ".join(k) for k in FLAGS])
def test_a_flag_that_cannot_be_meant(desk, refused, words, said):
    assert said in refused(["train", RECIPE, *words])


@for_each(("recipe", "said"), RECIPES.items(), ids=[k[:40] for k in RECIPES])
def test_a_recipe_that_cannot_be_meant(desk, refused, recipe, said):
    assert said in refused(["train", recipe])


@for_each(("words", "said"), RESUMED.items(), ids=[" ".join(k) for k in RESUMED])
def test_a_run_that_cannot_go_on(desk, refused, words, said):
    assert said in refused(["train", "--resume", *words])


def checkpoints(desk: Path) -> list[Path]:
    return sorted((desk / "run/checkpoints").iterdir())


def test_checkpoints_that_are_all_cut_short(desk, refused):
    for path in checkpoints(desk):
        path.write_bytes(path.read_bytes()[:-7])
    refusal = refused(["train", "--resume", "run"])
    assert refusal.startswith(f"{Path('run/checkpoints')}")
    assert "incomplete" in refusal


MANGLED = {  # what is left of a checkpoint's arrays and of its record, and what is said
    "a weight": (lambda a, r: a.pop("w_layer_0"), "its values aren't this network's"),
    "a shape": (lambda a, r: a.update(w_layer_0=np.ones(3)), "its values aren't this network's"),
    "another's": (lambda a, r: a.update(mine=np.ones(3)), "its values aren't this network's"),
    "the best": (lambda a, r: a.update({"best/b": np.ones(3)}), "its best values aren't this"),
    "losses": (
        lambda a, r: a.update({LOSSES: np.ones(10**5), RIGHT: np.ones(10**5, np.int32)}),
        "it has more losses than an epoch has steps",
    ),
    "answers": (
        lambda a, r: (
            a.update({LOSSES: np.ones(1), RIGHT: np.int32([2**31 - 1])}),
            r.update(step=r["step"] + 1),
        ),
        "there are more right answers than answers",
    ),
    "the step": (lambda a, r: r.update(step=r["step"] + 1), "it isn't where its losses end"),
    "epochs": (
        lambda a, r: r.update(history=[{**r["history"][0], "epoch": k} for k in range(1, 99)]),
        "it has more epochs than its recipe",
    ),
}


@for_each(("mangle", "why"), MANGLED.values(), ids=MANGLED)
def test_checkpoints_that_cannot_be_of_their_run(mangle, why, desk, refused):
    (desk / "run/result.json").unlink(missing_ok=True)
    for path in checkpoints(desk):
        arrays, record = map(dict, stored.read(path, "checkpoint"))
        mangle(arrays, record)
        stored.write(path, arrays, record)
    refusal = refused(["train", "--resume", "run"])
    assert refusal.startswith(
        f"{Path('run/checkpoints')}: none of the checkpoints in it can be used"
    )
    assert why in refusal


def test_checkpoints_of_another_network(desk, refused):
    text = (desk / "run/recipe.txt").read_text("utf-8")
    (desk / "run/recipe.txt").write_text(text.replace("conv 4", "conv 5"), encoding="utf-8")
    assert "(it belongs to another recipe or network than this run" in refused(
        ["train", "--resume", "run"]
    )


def test_a_recipe_of_a_run_that_somebody_broke(desk, refused):
    (desk / "run/recipe.txt").write_text("epochs ten")
    refusal = refused(["train", "--resume", "run"])
    assert refusal.startswith(f"{Path('run/recipe.txt')}, line 1, column 8: ")


def plan(**fields: object) -> str:
    return json.dumps({"recipe": made.TEXT, "seeds": [0], **fields})


@for_each(
    ("text", "why"),
    [
        ("not JSON", "no JSON"),
        ("[]", "a record, not a list of 0"),
        (json.dumps({"recipe": made.TEXT}), "its seeds is missing"),
        (plan(seeds=[]), "its seeds is a list of 1 to 1,000,000, not a list of 0"),
        (plan(seeds=[0, -1]), "its seeds, entry 2 is a whole number from 0 to "),
        (plan(seeds=[0, 0]), "a seed twice"),
        (plan(seeds=["0"]), "its seeds, entry 1 is a whole number from 0 to "),
        (plan(recipe=5), "its recipe is a text of at most 16,777,216 characters, not 5"),
    ],
)
def test_a_plan_of_seeds_that_is_none(desk, refused, text, why):
    (desk / "empty/seeds.json").write_text(text)
    refusal = refused(["train", "--resume", "empty"])
    assert refusal.startswith(f"{Path('empty/seeds.json')}: not the plan of several seeds ({why}")
