"""The formats that images and tables are read from, one file each, and what is checked of them.

Knows files and what can be wrong with them. Doesn't know which data set a name means.
"""
