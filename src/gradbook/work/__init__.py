"""Where work runs: in processes of this machine, or on a cluster of others.

Knows processes, machines, deaths and second tries. Does not know what a task is for.
"""
