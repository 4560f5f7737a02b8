"""The verbs whose work goes on in a browser.

They don't know how a page is made or what it computes.
"""
