"""The sheets, one file each, and how they look.

Knows what is written where on a sheet. Doesn't know how a value is computed or when the file is
complete.
"""
