"""What a training is asked for, and for one that is resumed, where it stands."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from gradbook.data.dataset import Dataset
from gradbook.errors import UsageError
from gradbook.lab import checkpoint as checkpoints
from gradbook.lab.checkpoint import Checkpoint
from gradbook.lab.material import Material, placed
from gradbook.lab.recipe import Recipe
from gradbook.lab.recipe import recipe as recipe_of
from gradbook.lab.run_folder import RunFolder
from gradbook.net import Net
from gradbook.net.plain import whole

What = Recipe | Net | str | os.PathLike[str]


@dataclass(frozen=True)
class Asked:
    """A recipe and what takes the place of its own; nothing where nothing was said."""

    recipe: What | None
    changes: str
    data: Dataset | str | os.PathLike[str] | None
    seed: int | None
    held_back: bool | None

    def of(self, usual: What) -> Recipe:
        """The whole recipe; `usual` is changed where none was named."""
        found = recipe_of(usual if self.recipe is None else self.recipe, self.changes)
        if self.seed is not None:
            seed = whole("the seed", self.seed, 0)
            found = replace(found, net=replace(found.net, seed=seed))
        if self.held_back is not None:
            fold = (found.held_back or 0) if self.held_back else None
            found = replace(found, held_back=fold)
        if isinstance(self.data, Dataset):
            return replace(found, data=self.data.name)
        return placed(found if self.data is None else replace(found, data=str(self.data)))


def resumed(kept: RunFolder | None, asked: Asked) -> Recipe:
    """The recipe of the run in the folder, which all that is asked for must agree with."""
    if kept is None:
        raise UsageError("nothing to resume: name the folder of the run")
    found = kept.recipe()
    seed = found.net.seed if asked.seed is None else asked.seed
    if replace(asked, seed=seed).of(found) != found:
        raise UsageError(
            f"{kept.path} holds another run than this would be: resume it without changes, "
            "or name another folder"
        )
    return found


def stands_at(
    kept: RunFolder, recipe: Recipe, made: Material
) -> tuple[Checkpoint | None, list[str]]:
    """The checkpoint to go on from, if there is one, and what is to be said about it."""
    found, remarks = checkpoints.newest(kept.checkpoints, str(recipe))
    if found and found.mark != made.mark:
        raise UsageError(
            f"the images of {recipe.data} are others than when {kept.path} was begun: "
            "put them back, or begin a new run"
        )
    return found, remarks
