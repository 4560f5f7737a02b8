"""What one formula may become by a small edit, many alternatives worked at once.

It doesn't know whose fault anything is.
"""
