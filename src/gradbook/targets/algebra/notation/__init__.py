"""Formulas and documents as structure: forms, the notation of each op, chains of partials.

Doesn't know how any format writes them, or in which order a derivation is told.
"""
