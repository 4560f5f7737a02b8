"""What `gradbook help networks` says: every line a network can be written with."""

from __future__ import annotations

from gradbook.layers import ACTIVATIONS, KINDS, LOSSES
from gradbook.layers.fields import HELP_COLUMN

LAYERS = "\n".join(line for kind in KINDS for form in kind.forms for line in form.help_lines)
ACTIVATION_LINES = "\n".join(line for card in ACTIVATIONS.values() for line in card.form.help_lines)
LOSS_LINES = "\n".join(
    f"  loss {name}".ljust(HELP_COLUMN) + loss.usage for name, loss in LOSSES.items()
)
WINDOW_USAGE = """\
  A window K is 3x3, rows by columns, and 3 stands for both; so are its steps S and
  the distance D between the rows, and columns, that it reads: 2, or 2x1. Its padding P
  is 1 on all sides, 1x0 for rows and columns, 0x0x1x1 above, left, below and right,
  or 'same': as many places as steps fit into what it reads. The padding of a conv is
  zeros. A pool leaves its padding out, and averages what is left; with 'zeros' an
  average counts the padding in. With 'ceil' a last window may end beyond what is read.
"""
GRAMMAR = f"""\
A network is a few lines of text, one thing a line; ';' may stand for a line's end and
'#' begins a remark.

  input SIZE                 2, or channels x height x width: 1x28x28
{LAYERS}
  again N [back L]           the layers from the last conv or dense on, or the last L, are
                             applied N times in all, one after the other, with the same
                             weights; each use counts as so many layers

  An activation makes of each value x

{ACTIVATION_LINES}

{WINDOW_USAGE}
  BIAS is 'bias' (one for each sum; so it is when nothing is said), 'no bias',
  'shared bias' (one for the layer), 'fixed bias' or 'fixed shared bias' (not trained).

{LOSS_LINES}
                             for targets t and outputs a, summed or averaged over the
                             outputs, and averaged over the samples; with cross-entropy a
                             'smoothing S' spreads that share of each target over all.
                             A network that says none has cross-entropy after softmax, else
                             half squared error; 'gradbook train', which teaches classes,
                             takes binary cross-entropy after sigmoid
  update descent             also 'momentum [M] [nesterov]' and 'adam' or 'adamw'
                             [BETA1 BETA2 [EPSILON]]
  decay NUMBER [KIND …]      the share of themselves that weights, or the KINDs named
                             (weights biases scales shifts), lose per step and unit of η;
                             adamw takes 0.01 for weights where nothing is said
  rate NUMBER                the learning rate η
  weights NUMBER …           start values of w1, w2, … in order; more lines go on
  biases, scales, shifts     likewise for b1 …, and γ1 …, β1 … of normalisations
  seed N                     what weights that are not given are drawn from
  sample NUMBER … -> NUMBER …
                             inputs (channel by channel, row by row), then targets
  data FILE                  samples from a CSV file instead
  name WORDS                 a title

Words of other libraries that mean one thing here are read too: fc and linear as dense, conv2d,
maxpool2d, avgpool2d, bn, sgd as descent, mse, mae, bce and ce as the losses, learning rate as
rate. Capitals don't matter, nor does a colon behind a line's first word: 'Dense: 3'.

The worked example:

  input 2
  dense 2 no bias
  sigmoid
  dense 2 no bias
  sigmoid
  loss half squared error
  weights 0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55
  sample 0.05 0.1 -> 0.5 0.5
"""
