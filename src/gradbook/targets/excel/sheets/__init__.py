"""The sheets, one file each, and their appearance.

Knows the place of everything on a sheet. Doesn't know how a value is computed or when the file is
complete.
"""
