"""What the learning rate does: trials, a verdict on each, the largest rate that trains.

It doesn't know images or engines: small networks are trained by the reference.
"""
