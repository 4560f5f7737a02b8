"""ONNX models: which layers of ours their nodes are.

Knows ONNX's operators as others write them; says all that has no layer here at once.
"""
