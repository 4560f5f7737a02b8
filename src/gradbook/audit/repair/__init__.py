"""Which formula is to blame for a wrong claim, and the smallest edit that puts it right.

It doesn't know how a finding is shown.
"""
