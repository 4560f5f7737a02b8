"""The report in a run's folder: the public `write_report`."""

from __future__ import annotations

import os
from pathlib import Path

from gradbook.data.dataset import Dataset
from gradbook.files import write_whole
from gradbook.lab.training.material import images_of
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.report.run.page import run_page
from gradbook.report.run.seeds import seeds_page


def write_report(
    folder: str | os.PathLike[str], data: Dataset | str | os.PathLike[str] | None = None
) -> Path:
    """Write `report.html` into the folder of a finished run, or of several seeds.

    `data` are the images it was trained on, where they aren't found as its recipe says.
    """
    seeds = SeedsFolder(folder)
    run = seeds.run(seeds.plan()[1][0]) if seeds.holds_seeds else RunFolder(folder)
    dataset = data if isinstance(data, Dataset) else images_of(run.recipe(), data)
    page = seeds_page(seeds, dataset) if seeds.holds_seeds else run_page(run, dataset)
    write_whole(seeds.report_file, page)
    return seeds.report_file
