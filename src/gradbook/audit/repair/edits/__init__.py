"""What one formula may become by a small edit, many alternatives worked at once.

Doesn't know whose fault anything is.
"""
