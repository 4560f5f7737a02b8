"""Finished runs looked at: what one of them can show, and several side by side.

It doesn't know how they were trained, or how results look.
"""
