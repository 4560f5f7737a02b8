"""Where work runs: in processes of this machine, or on a cluster of others.

Knows processes, machines, crashes and retries, but not what a task is for.
"""
