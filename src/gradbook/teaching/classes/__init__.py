"""The folder of a class: exercises made, books collected and marked, feedback and grades written.

Doesn't know how a book is judged; whatever is written here comes whole, so that a run that was
killed is simply run again.
"""
