"""A training step as a workbook in which every value is a cell and every step a formula.

Knows cells, formulas, sheets and charts. Knows nothing of what a picture shows, of files that
must come whole, or of other languages.
"""

from gradbook.targets.excel.book import Book
from gradbook.targets.excel.limits import fitting_rates
from gradbook.targets.excel.write import write_book

__all__ = ["Book", "fitting_rates", "write_book"]
