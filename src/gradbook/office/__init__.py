"""gradbook inside LibreOffice Calc: menu, marks, sidebar, one step of Undo.

Knows the office's windows and documents, but no rule of an audit, and no word that `report/`
hasn't. `component.py` is what the office loads; everything else is imported when a command runs.
"""
