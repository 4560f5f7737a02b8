"""The command: options, exit codes and the terminal, one file per verb.

It knows how to ask for a piece of work and how to show what came of it, and
nothing of how the work is done.
"""
