"""A stranger's workbook, read within bounds: sheets, cells, who refers to whom, values anew.

It doesn't know what a training is.
"""
