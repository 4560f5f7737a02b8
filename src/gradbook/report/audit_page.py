"""Findings in one or many books as one page."""
