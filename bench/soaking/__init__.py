"""Mixed use of gradbook by the hour: what is done and interrupted, what lives long, what is left.

It knows nothing of how gradbook does any of it: only commands, signals, files and processes.
"""
