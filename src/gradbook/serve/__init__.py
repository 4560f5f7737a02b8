"""Serves a page on this machine alone: access, limits, and a process for each task.

It also has the answers for the page that runs Python itself.

It doesn't know how anything is judged, explained or shown: it calls the modules that do.
"""
