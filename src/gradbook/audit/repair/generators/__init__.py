"""Where a mistake may stand: each generator proposes hypotheses about one kind of place.

It doesn't know which of them is chosen.
"""
