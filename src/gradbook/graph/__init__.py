"""Named values, each an op on earlier ones, with their derivatives and their plain evaluation.

Knows shapes, names and the chain rule; knows nothing of languages and files.
"""

from gradbook.graph import levels as levels
from gradbook.graph import ops as ops  # these three fill the table of ops
from gradbook.graph import tensors as tensors
