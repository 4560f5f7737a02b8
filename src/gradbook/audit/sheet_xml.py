"""Finds and replaces single cells in a worksheet's XML, byte for byte around them."""
