"""A trained network as an ONNX model, which most runtimes and compilers for networks read.

Knows ONNX's operators and what the `onnx` package asks for. Doesn't know how the network was
trained, or on what it will run.
"""

LEAST_OPSET, USUAL_OPSET = 11, 13  # versions of ONNX's operators; the least has sums without a bias
