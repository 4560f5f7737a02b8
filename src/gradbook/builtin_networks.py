"""The networks included in gradbook, in the text form.

Their names are needed for completion in shells, so nothing else is loaded with them.
"""

from __future__ import annotations

from types import MappingProxyType

WORKED = """\
name worked
input 2                     # two inputs, two hidden units, two outputs
dense 2 no bias
sigmoid
dense 2 no bias
sigmoid
loss half squared error
rate 1
weights 0.15 0.2 0.25 0.3   # w1 … w4, into the hidden units
weights 0.4 0.45 0.5 0.55   # w5 … w8, into the outputs
sample 0.05 0.1 -> 0.5 0.5
"""

MAZUR = """\
name mazur
input 2                     # after Matt Mazur, "A Step by Step Backpropagation Example" (2015)
dense 2 fixed shared bias   # one bias a layer, and he leaves it as it is
sigmoid
dense 2 fixed shared bias
sigmoid
loss half squared error
rate 0.5
weights 0.15 0.2 0.25 0.3
weights 0.4 0.45 0.5 0.55
biases 0.35 0.6
sample 0.05 0.1 -> 0.01 0.99
"""

XOR = """\
name xor
input 2                     # true when just one input is
dense 3
tanh
dense 1
sigmoid
loss binary cross-entropy
rate 1
seed 1
sample 0 0 -> 0
sample 0 1 -> 1
sample 1 0 -> 1
sample 1 1 -> 0
"""

STROKES = """\
name strokes
input 1x4x4                 # is the stroke upright or level? two pictures of 4 by 4
conv 2 3x3 no bias
relu
maxpool 2
flatten
dense 2
softmax
loss cross-entropy
rate 0.5
seed 3
sample 0 1 0 0  0 1 0 0  0 1 0 0  0 1 0 0 -> 1 0
sample 0 0 0 0  1 1 1 1  0 0 0 0  0 0 0 0 -> 0 1
"""

ECHO = """\
name echo
input 4x1                   # which came first? four steps of one number
rnn 3                       # three units read them, and what they were before
dense 1
loss half squared error
rate 0.3
seed 4
sample 1 0 0 0 -> 1
sample 0 1 0 0 -> 0
sample 0 0 1 0 -> 0
sample 0 0 0 1 -> 0
"""

ATTENTION = """\
name attention-by-hand
input 3x2                   # was there a b so far? three tokens, a is 1 0 and b is 0 1
attention causal no bias    # each looks at those before it, and at itself
conv1d 2 1                  # and says so
softmax
loss cross-entropy
rate 0.5
seed 3
sample 1 0  1 0  0 1 -> 1 0  1 0  0 1
sample 1 0  0 1  1 0 -> 1 0  0 1  0 1
sample 0 1  1 0  1 0 -> 0 1  0 1  0 1
"""

COUNTER = """\
name counter
input 3x1                   # how many ones are there? three steps of a 0 or a 1
lstm 1                      # its cell counts
dense 1
loss half squared error
update momentum 0.9
rate 0.3
seed 2
sample 0 0 0 -> 0
sample 0 0 1 -> 1
sample 0 1 0 -> 1
sample 0 1 1 -> 2
sample 1 0 0 -> 1
sample 1 0 1 -> 2
sample 1 1 0 -> 2
sample 1 1 1 -> 3
"""

REFERENCE = """\
name reference
input 1x28x28               # 16,050 parameters; batches of 128
conv 10 3x3 pad 1; batchnorm; relu
conv 20 3x3; batchnorm; relu
maxpool 2
conv 20 3x3; batchnorm; relu; dropout 0.01 channels
conv 20 3x3; batchnorm; relu
conv 16 3x3; batchnorm; relu; dropout 0.01 channels
conv 16 3x3; batchnorm; relu; dropout 0.01 channels
conv 10 3x3; batchnorm; relu
avgpool 3
log softmax
loss cross-entropy
update momentum 0.9
rate 0.01
"""

BLOCKS = """\
name blocks
input 1x28x28               # 19,570 parameters; batches of 64
conv 8 3x3 pad 1 no bias; dropout 0.05; relu; batchnorm
conv 8 3x3 pad 1 no bias; dropout 0.05; relu
maxpool 2                   # the pool comes before the normalising
batchnorm
conv 16 3x3 pad 1 no bias; dropout 0.05; relu; batchnorm
conv 16 3x3 pad 1 no bias; dropout 0.05; relu
maxpool 2
batchnorm
conv 32 3x3 pad 1 no bias; dropout 0.05; relu; batchnorm
conv 32 3x3 pad 1 no bias; dropout 0.05; relu; batchnorm
conv 32 1x1 no bias; dropout 0.05; relu; batchnorm
conv 10 1x1; relu
avgpool 7
log softmax
loss cross-entropy
update momentum 0.9
rate 0.01
"""

FLAT = """\
name flat
input 1x28x28               # 14,522 parameters; batches of 128
conv 16 3x3 pad 1; relu; batchnorm
conv 16 3x3 pad 1; relu; batchnorm
conv 16 3x3 pad 1; relu; batchnorm
maxpool 2
conv 16 3x3 pad 1; relu; batchnorm
conv 16 3x3 pad 1; relu; batchnorm
conv 16 3x3 pad 1; relu; batchnorm
avgpool 3                   # 14 by 14 becomes 4 by 4: the last two rows and columns are left over
flatten
dense 10
log softmax
loss cross-entropy
update momentum 0.9
rate 0.01
"""

MICROGPT = """\
name microgpt
input tokens 16 of 27       # letters; after Andrej Karpathy's microgpt (2026)
embed 16                    # a vector for each
positions                   # and one for each place
rmsnorm plain
rmsnorm plain; attention heads 4 causal no bias; add back 2
rmsnorm plain; conv1d 64 1 no bias; relu; conv1d 16 1 no bias; add back 4
conv1d 27 1 no bias         # at each step, the next letter
softmax
loss cross-entropy
update adam 0.85 0.99
rate 0.01
"""

GESTURES = """\
name gestures
input 128x3                 # 2.56 s of an accelerometer; batches of 32
conv1d 8 7 stride 2; batchnorm; relu
maxpool1d 2
conv1d 16 5; batchnorm; relu
maxpool1d 2
conv1d 16 3; batchnorm; relu; dropout 0.2
avgpool1d all
flatten
dense 5
log softmax
loss cross-entropy
update adam
rate 0.01
"""

KEYWORDS = """\
name keywords
input 7776x1                # 0.97 s of sound; batches of 32
mel 16 frame 256 step 160   # 48 steps of 16 bands, of 8,000 samples a second
conv1d 16 3; batchnorm; relu
maxpool1d 2
conv1d 24 3; batchnorm; relu
maxpool1d 2
conv1d 24 3; batchnorm; relu; dropout 0.2
avgpool1d all
flatten
dense 7
log softmax
loss cross-entropy
update adam
rate 0.01
"""

LESSONS = MappingProxyType(
    {
        "worked": WORKED,
        "mazur": MAZUR,
        "xor": XOR,
        "strokes": STROKES,
        "echo": ECHO,
        "counter": COUNTER,
        "attention-by-hand": ATTENTION,
    }
)
"""Small enough to be written out value by value, with samples included."""

DIGITS = MappingProxyType({"reference": REFERENCE, "blocks": BLOCKS, "flat": FLAT})
"""Networks that read handwritten digits, which come from outside."""

LETTERS = MappingProxyType({"microgpt": MICROGPT})
"""Networks that read and write letters, which come from outside."""

SIGNALS = MappingProxyType({"gestures": GESTURES, "keywords": KEYWORDS})
"""Networks that classify windows of signals, which are generated."""

SCENES = MappingProxyType(
    {
        "quadrants": """\
name quadrants
input 2                     # two classes in four clouds
dense 4
tanh
dense 2
tanh
dense 1
sigmoid
loss half squared error
rate 2.5
seed 37
""",
        "spiral": """\
name spiral
input 2                     # two arms around each other
dense 8
tanh
dense 8
tanh
dense 1
sigmoid
loss half squared error
update adam
rate 0.1
seed 8
""",
    }
)
"""What `play` opens with 100 points that are drawn by the rule of the same name."""

OPENING = "quadrants"
"""With which the site opens, and the tour of a page that has no such points."""

BUILTIN = MappingProxyType({**LESSONS, **DIGITS, **LETTERS, **SIGNALS})
