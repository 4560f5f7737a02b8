"""ONNX models are read and written by one table of ONNX operators.

Knows ONNX's operators and what the `onnx` package requires. Doesn't know how a network was trained
or on what it will run.
"""

LEAST_OPSET, USUAL_OPSET = 11, 13  # versions of ONNX's operators; the least has sums without a bias
