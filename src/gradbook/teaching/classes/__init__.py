"""The folder of a class: makes exercises, collects and marks books, writes feedback and grades.

It doesn't know how a book is judged. Every file is written whole or not at all, so that a killed
run can simply be repeated.
"""
