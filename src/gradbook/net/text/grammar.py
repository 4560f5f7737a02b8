"""What `gradbook help networks` says: every line a network can be written with."""

GRAMMAR = """\
A network is a few lines of text, one thing a line; ';' may stand for a line's end and
'#' begins a remark.

  input SIZE                 2, or channels x height x width: 1x28x28
  dense N [BIAS]             N weighted sums of all inputs
  conv N KxK [stride S] [pad P] [groups G] [BIAS]
                             N windows of K by K slid over all channels, or with
                             groups each over its own group of channels
  depthwise KxK [stride S] [pad P] [BIAS]
                             one window for each channel: as many groups as channels
  maxpool K [stride S]       the largest value of each K by K window
  avgpool K [stride S]       its average; 'all' for K is one window over everything
  batchnorm [epsilon E]      each channel centred and scaled over the samples
  dropout RATE [channels]    while training, values set to 0 by chance, or whole channels
  flatten                    all values in one line, for dense
  sigmoid, tanh, relu, leaky relu [SLOPE], softplus, identity, softmax, log softmax

  BIAS is 'bias' (one for each sum; so it is when nothing is said), 'no bias',
  'shared bias' (one for the layer), 'fixed bias' or 'fixed shared bias' (not trained).

  loss half squared error    Σ ½(t−a)²; also 'mean squared error',
                             'binary cross-entropy' after sigmoid,
                             'cross-entropy' after softmax, where 'smoothing S' spreads
                             that share of each target over all; averaged over the samples
  update descent             also 'momentum [M] [nesterov]' and 'adam' or 'adamw'
                             [BETA1 BETA2 [EPSILON]]
  decay NUMBER [KIND …]      the share of themselves that weights, or the KINDs named
                             (weights biases scales shifts), lose per step and unit of η;
                             adamw takes 0.01 for weights where nothing is said
  rate NUMBER                the learning rate η
  weights NUMBER …           start values of w1, w2, … in order; more lines go on
  biases, scales, shifts     likewise for b1 …, and γ1 …, β1 … of batchnorm
  seed N                     what weights that are not given are drawn from
  sample NUMBER … -> NUMBER …
                             inputs (channel by channel, row by row), then targets
  data FILE                  samples from a CSV file instead
  name WORDS                 a title

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
