"""A page on this machine alone: who may ask, how much, and a process for whatever is asked.

And the answers of a page that has Python itself.

Doesn't know how anything is judged, explained or shown: it asks those who do.
"""
