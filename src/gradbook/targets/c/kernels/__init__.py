"""Which hand-written loop computes a heavy op, and its sizes on this machine.

Knows one op at a time; not the step around it.
"""
