"""Trainings told to programs that watch runs, through the libraries of those; into files alone.

It doesn't know how a training goes, and sends nothing anywhere.
"""

LOG_NAMES = ("tensorboard", "mlflow", "wandb")
"""Whose logs there are, to be listed without loading any."""
