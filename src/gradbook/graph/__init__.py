"""Named values, each an op on earlier ones; their derivatives; and their plain evaluation.

It knows shapes, names and the chain rule; it knows nothing of languages and files.
"""

from gradbook.graph import levels as levels
from gradbook.graph import ops as ops  # these three fill the table of ops
from gradbook.graph import tensors as tensors
