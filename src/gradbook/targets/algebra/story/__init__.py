"""A derivation told part by part: the network, the general lines, forward, backward, the update.

Knows what is said and when. Doesn't know how any format writes it.
"""
