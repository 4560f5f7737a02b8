"""The verbs, a file each: its options, the call of what does the work, the exit code.

They don't know how the work is done or how results look.
"""
