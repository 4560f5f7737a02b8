"""Images before a reader: in a page, on cards, on a contact sheet, in a terminal.

Knows arrays of pixels, and knows nothing of where they come from.
"""
