"""Layers that are done together in ways of their own, of which C is written in both formats."""

OF_IMAGES = [
    "conv 4 3x3 pad 1; maxpool 2; batchnorm; relu; flatten; dense 3; log softmax",
    "conv 4 3x3 pad 1; relu; maxpool 2; batchnorm; conv 4 3x3; flatten; dense 3; softmax",
    "conv 4 3x3 stride 2; gelu; maxpool 2; flatten; dense 3; softmax",
    "conv 4 3x3 pad 1; relu; concat back 2; conv 3 3x3 pad 1; concat back 4 0 3; gelu; "
    "avgpool 2; flatten; dense 3; softmax",
    "depthwise 3x3 pad 1; conv 6 1x1; relu; conv 6 3x3 groups 2 pad 1; add back 1; relu; "
    "avgpool 2; flatten; dense 3; softmax",
    "flatten; dense 8; leaky relu 0.1; dense 3; sigmoid; loss binary cross-entropy",
    "conv 4 3x3 pad 1; groupnorm 2; relu; maxpool 2; flatten; dense 6; groupnorm 2; tanh;"
    "dense 3; softmax",
    "conv 4 3x3 pad 1; relu; conv 4 3x3 pad 1; groupnorm 4; add back 2; silu; avgpool 2;"
    "flatten; dense 3; softmax",
    "conv 4 3x3 pad 1; relu; conv 2 1x1; relu; go back 2; conv 3 3x3 pad 1; tanh; "
    "concat back 3 0; go back 6; maxpool 3 stride 1 pad 1; conv 5 1x1; add back 3; avgpool 2; "
    "flatten; dense 3; softmax",
    "conv 3 3x3; relu; flatten; dense 4; tanh; go back 3; flatten; dense 2; concat back 3 0; "
    "dense 3; softmax",
    "conv 4 3x3; placenorm; layernorm; relu; maxpool 2; flatten; dense 8; layernorm; silu;"
    "dense 3; softmax",
    "layernorm; conv 6 3x3 pad 1; relu; conv 6 3x3 pad 1; groupnorm 3; add back 2; gelu;"
    "flatten; dense 3; softmax",
    "conv 4 3x3; relu; avgpool all; flatten; dense 2; relu; dense 4; sigmoid; multiply back 6; "
    "conv 4 1x1; tanh; multiply back 2; flatten; dense 3; softmax",
    "conv 8 3x3; rmsnorm; relu; conv 4 3x3; rmsnorm plain; tanh; flatten; dense 5; "
    "rmsnorm; dense 3; softmax",
    "conv 4 3x3 stride 2; relu; convtranspose 6 3x3 stride 2 pad 1 groups 2; tanh; conv 2 1x1; "
    "upsample 2x3; convtranspose 3 2x3 stride 1x2 pad same dilation 2x1; avgpool 2; flatten; "
    "dense 3; softmax",
]
