"""The wide list: well-known architectures by name, what makes each, and what it takes.

`python bench/doors.py` prints through which doors each comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from tests.formats.wide import images, sequences
from tests.formats.wide.sequences import LETTERS

DIGIT, PHOTO, SPECTRUM = (1, 28, 28), (3, 32, 32), (1, 49, 10)
ROW, WAVE, PICTURE, SOUND, WORD = (6,), (10, 3), (28, 28), (1, 64), (8,)


@dataclass(frozen=True)
class Architecture:
    """What makes the module, the shape that it takes, and how many tokens there are of those."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    tokens: int = 0


ARCHITECTURES = {
    "LeNet-5": Architecture(images.LeNet, DIGIT),
    "AlexNet": Architecture(images.AlexNet, PHOTO),
    "VGG": Architecture(images.vgg, PHOTO),
    "ResNet": Architecture(images.resnet, PHOTO),
    "ResNeXt": Architecture(images.resnext, PHOTO),
    "DenseNet": Architecture(images.densenet, PHOTO),
    "GoogLeNet (Inception)": Architecture(images.googlenet, PHOTO),
    "SqueezeNet": Architecture(images.squeezenet, PHOTO),
    "MobileNet v1": Architecture(images.mobilenet_v1, PHOTO),
    "MobileNet v2": Architecture(images.mobilenet_v2, PHOTO),
    "MobileNet v3": Architecture(images.mobilenet_v3, PHOTO),
    "EfficientNet (MBConv)": Architecture(images.efficientnet, PHOTO),
    "SE-Net": Architecture(images.se_net, PHOTO),
    "ShuffleNet": Architecture(images.shufflenet, PHOTO),
    "Xception": Architecture(images.xception, PHOTO),
    "ConvNeXt": Architecture(images.convnext, PHOTO),
    "DS-CNN (keywords)": Architecture(images.ds_cnn, SPECTRUM),
    "U-Net, transposed": Architecture(partial(images.UNet, True), DIGIT),
    "U-Net, upsampled": Architecture(partial(images.UNet, False), DIGIT),
    "convolutional autoencoder": Architecture(images.convolutional_autoencoder, DIGIT),
    "autoencoder": Architecture(images.autoencoder, DIGIT),
    "MLP of images": Architecture(images.ImageMlp, DIGIT),
    "MLP of numbers": Architecture(images.number_mlp, ROW),
    "MLP-Mixer": Architecture(images.MlpMixer, DIGIT),
    "ViT, mean": Architecture(partial(sequences.Vit, False), DIGIT),
    "ViT, class token": Architecture(partial(sequences.Vit, True), DIGIT),
    "RNN": Architecture(partial(sequences.Recurrent, nn.RNN, 3, 6), WAVE),
    "GRU of a picture's rows": Architecture(partial(sequences.Recurrent, nn.GRU, 28, 8), PICTURE),
    "LSTM": Architecture(partial(sequences.Recurrent, nn.LSTM, 3, 6), WAVE),
    "LSTM at every step": Architecture(
        partial(sequences.Recurrent, nn.LSTM, 3, 6, every=True), WAVE
    ),
    "LSTM of two layers": Architecture(sequences.FinalState, WAVE),
    "GRU, mean": Architecture(sequences.MeanOfStates, WAVE),
    "LSTM in both directions": Architecture(
        partial(sequences.Recurrent, nn.LSTM, 3, 6, bidirectional=True), WAVE
    ),
    "CNN-LSTM": Architecture(sequences.CnnLstm, WAVE),
    "M5 (sound)": Architecture(sequences.keyword_spotting, SOUND),
    "TCN": Architecture(sequences.Tcn, WAVE),
    "WaveNet": Architecture(sequences.WaveNet, SOUND),
    "PointNet": Architecture(sequences.PointNet, WAVE),
    "encoder (BERT)": Architecture(sequences.Encoder, WAVE),
    "Llama's block": Architecture(sequences.RmsNormEncoder, WAVE),
    "GPT": Architecture(sequences.Gpt, WORD, LETTERS),
    "GPT, tied": Architecture(partial(sequences.Gpt, True), WORD, LETTERS),
    "LSTM of letters": Architecture(sequences.LetterLstm, WORD, LETTERS),
    "bag of words (fastText)": Architecture(sequences.BagOfWords, WORD, LETTERS),
    "TextCNN": Architecture(sequences.TextCnn, WORD, LETTERS),
}
