"""The workbook as an OpenDocument spreadsheet: a second writer of what the sheets say.

It takes what the sheets tell any writer, and knows nothing of networks.
"""
