"""The lines in general: the whole network in vectors and matrices, forward and backward."""

from gradbook.targets.algebra.general.error import sample_error
from gradbook.targets.algebra.general.lines import backward, forward
from gradbook.targets.algebra.general.place import delta, parameter_symbol

__all__ = ["backward", "delta", "forward", "parameter_symbol", "sample_error"]
