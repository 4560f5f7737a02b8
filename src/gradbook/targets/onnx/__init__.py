"""A trained network as an ONNX model, which most runtimes and compilers for networks read.

Knows ONNX's operators and what the `onnx` package asks for. Doesn't know how the network was
trained, or on what it will run.
"""
