"""A stranger's workbook, read within bounds: its package, sheets, cells, who refers to whom, and its cells computed anew; it doesn't know what a training is."""
