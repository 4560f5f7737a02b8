"""Named values, each an op on earlier ones; their derivatives; and their plain evaluation.

Knows shapes, names and the chain rule, and no language and no file.
"""

from gradbook.graph import ops as ops  # these two fill the table of ops
from gradbook.graph import tensors as tensors
