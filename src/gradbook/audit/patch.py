"""Puts changed parts into a workbook's package and copies every other part untouched."""
