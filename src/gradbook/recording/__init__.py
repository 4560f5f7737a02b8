"""A stranger's program as a graph: NumPy's protocols, numbers that remember, places in source.

Knows neither trainings nor audits nor cells.
"""
