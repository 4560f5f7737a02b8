"""The verbs, one file each: its options, the call that does the work, the exit code.

They don't know how the work is done or how results look.
"""
