"""The command: options, exit codes and the terminal, one file per verb.

It knows how to ask for a piece of work and how to show the result,
but not how the work is done.
"""
