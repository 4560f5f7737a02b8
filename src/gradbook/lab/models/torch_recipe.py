"""What a training loop in PyTorch takes from a recipe, and what of the recipe it leaves out."""

from __future__ import annotations

from gradbook.lab.recipes.recipe import LAST, SETTLING, UNWARPED, Recipe
from gradbook.lab.recipes.schedule import RISE
from gradbook.net.parameters import Bias
from gradbook.targets.torch.training import TorchTraining


def torch_training(recipe: Recipe) -> TorchTraining:
    rates = recipe.schedule
    return TorchTraining(
        epochs=recipe.epochs,
        batch=recipe.batch,
        kind=rates.kind,
        rate=rates.rate,
        factor=rates.factor,
        every=rates.every,
        patience=rates.patience,
        warm=rates.warm or 0.0,
        end=rates.end,
        rise=RISE,
        warp=recipe.warp,
        settling=SETTLING if recipe.statistics == UNWARPED else 0,
        holds_back=recipe.held_back is not None,
        leaves_out=_left_out(recipe),
    )


def left_out(recipe: Recipe) -> tuple[str, ...]:
    """A remark on what the recipe says and the loop doesn't do, if there is anything."""
    found = _left_out(recipe)
    return (f"the training loop leaves out: {found}",) if found else ()


def _left_out(recipe: Recipe) -> str:
    biases = [getattr(layer, "bias", None) for layer in recipe.net.layers]
    said = {
        "class weights": bool(recipe.class_weights),
        f"early stop {recipe.early_stop}": recipe.early_stop is not None,
        f"keep {recipe.keep}": recipe.keep != LAST,
        "shared bias (each output gets its own)": Bias.SHARED in biases,
    }
    return "; ".join(words for words, is_said in said.items() if is_said)
