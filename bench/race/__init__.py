"""The engine beside PyTorch and onnxruntime: fair rivals, and turns that other work falls on alike.

It knows nothing of what the figures are shown as, nor of trainings by a recipe of ours.
"""
