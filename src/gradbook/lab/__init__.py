"""Experiments: a training step run many times over, recorded and judged.

Knows what to try, what to keep of it and what it says. Knows no options and no width of a
terminal, and no language in which a graph is written.
"""

LOG_NAMES = ("tensorboard", "mlflow", "wandb")
"""Whose logs there are, to be listed without loading any."""
