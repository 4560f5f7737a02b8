from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder, summarise_seeds
from gradbook.report.styled_text import plain
from gradbook.report.training_text import (
    SeedsTable,
    files_lines,
    result_lines,
    seeds_files_lines,
    stopping_lines,
)
from tests.cases import for_each

RESULT = {
    "recipe": "quick",
    "parameters": 13_570,
    "epochs": 3,
    "seconds": 12.34,
    "images_per_second": 20_000.0,
    "validation_accuracy": 0.99,
    "test_accuracy": 0.9943,
    "seed": 0,
}


def said(lines) -> str:
    return plain(list(lines))


def test_a_result_is_told_in_a_sentence():
    assert said(result_lines(RESULT, 120, "10,000 test images", 10_000)) == (
        "\nquick reads 99.43 % of the 10,000 test images correctly, 57 wrong, "
        "after 3 epochs in 12.3 s\n"
    )


def test_one_image_is_told_as_one():
    one = RESULT | {"test_accuracy": 1.0, "epochs": 1}
    assert "100 % of the 1 test image correctly, 0 wrong, after 1 epoch in" in said(
        result_lines(one, 120, "1 test image", 1)
    )


def test_what_was_done_before_has_no_images_to_count():
    assert "99.43 % of the test images correctly, after" in said(
        result_lines(RESULT, 120, "test images")
    )


@for_each("width", range(20, 100, 7))
def test_a_figure_is_never_torn_from_its_unit(width):
    page = said(result_lines(RESULT, width, "10,000 test images", 10_000))
    assert "99.43 %" in page
    assert "12.3 s" in page


@for_each(
    ("step", "where"),
    [
        (0, "before the first step"),
        (1, "after step 1 of 196 in epoch 1"),
        (196, "after 1 epoch"),
        (392, "after 2 epochs"),
        (400, "after step 8 of 196 in epoch 3"),
    ],
)
def test_it_is_said_where_a_training_stopped_and_how_it_goes_on(step, where):
    training = SimpleNamespace(checkpoint=lambda: SimpleNamespace(step=step), steps=196)
    page = said(stopping_lines(training, Path("my runs"), 80))
    assert f"Stopped {where} and saved. Resume with" in page
    assert page.endswith("\n  gradbook train --resume 'my runs'\n")


def test_seeds_of_images_have_as_many_epochs_and_those_of_a_table_as_they_need():
    done = summarise_seeds([RESULT, RESULT | {"seed": 1}], Path("runs"))
    assert (done["epochs"], done["seeds"]) == (RESULT["epochs"], [RESULT["seed"], 1])
    of_a_table = RESULT | {"target": "side"}
    assert "epochs" not in summarise_seeds([of_a_table, of_a_table], Path("runs"))


def test_seeds_are_a_table_with_their_mean_and_the_lowest():
    results = [RESULT, RESULT | {"seed": 1, "test_accuracy": 0.9953, "seconds": 14.34}]
    assert _seeds(results) == [
        "  seed  validation              test  epochs     time",
        "     0     99.00 %           99.43 %       3   12.3 s",
        "     1     99.00 %           99.53 %       3   14.3 s",
        "  mean     99.00 %    99.48 ± 0.07 %           13.3 s",
        "lowest                       99.43 %",
    ]


def _seeds(results):
    table = SeedsTable(results[0])
    lines = [*table.heading(), *map(table.line, results)]
    return said([*lines, *table.summary(summarise_seeds(results, Path("runs")))]).splitlines()


def test_one_seed_has_no_deviation_and_without_validation_there_is_none_to_tell():
    alone = [RESULT | {"validation_accuracy": None}]
    assert "  mean                99.43 ± 0.00 %           12.3 s" in _seeds(alone)


def test_remarks_go_where_they_do_not_fit():
    run = RunFolder("runs/quick")
    assert "look here first" in said(files_lines(run, 80))
    narrow = said(files_lines(run, 40))
    assert "look here first" not in narrow
    assert str(run.report_file) in narrow
    assert max(map(len, narrow.splitlines())) <= 40
    assert str(SeedsFolder("runs/ten").report_file) in said(
        seeds_files_lines(SeedsFolder("runs/ten"), 80)
    )
