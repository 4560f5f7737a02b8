"""Finds the formula that causes a wrong claim, and the smallest edit that corrects it.

It doesn't know how a finding is shown.
"""
