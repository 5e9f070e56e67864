#!/usr/bin/env python3
"""Makes weights that training can start from of a checkpoint of EfficientAT's mn04, which you download.

    scripts/start_weights.py mn04_as_mAP_432.pt start.safetensors --network mobile
    tympan train --network mobile --start start.safetensors …

The checkpoint (Schmid et al., MIT) was trained on the 527 sounds of AudioSet; its trunk becomes that of tympan's network
`mobilenet`, or of `mobile`, whose later blocks have no kernel over time: there each kernel is summed over time, which is what
it does to a sound that does not change. Beside the tensors, `normaliser.mean` and `normaliser.deviation` bring the decibels of
tympan's front end to what the network saw in training, where samples had been pre-emphasised at 32 kHz and were scaled
otherwise.

Once called, the script makes a virtual environment of its own in the user's cache folder, with the packages below, and
goes on in it.
"""

import argparse
import cmath
import math
import pathlib

from audioset_bundle import DEVIATION, EMPHASIS, MEAN, RATE, in_own_environment

PACKAGES = ["torch==2.13.0", "safetensors==0.8.0", "numpy==2.4.6"]

BLOCKS = 15

# The front end of `mobile` and `mobilenet`: mel bands between these frequencies, from samples at half the checkpoint's rate.
BANDS = 101
HIGH_HZ = 7477.0

# Natural logarithms of powers, as the checkpoint has them, in decibels.
DECIBELS = 10 / math.log(10)


def normaliser():
    """Mean and deviation of each band in decibels, such that the network sees what it was trained on."""

    def mel(hz):
        return 2595 * math.log10(1 + hz / 700)

    means = []
    for band in range(BANDS):
        centre = 700 * (10 ** (mel(HIGH_HZ) * (band + 1) / (BANDS + 1) / 2595) - 1)
        emphasis = abs(1 - EMPHASIS * cmath.exp(-2j * math.pi * centre / RATE)) ** 2
        # twice the samples in a frame at twice the rate: four times the power
        means.append(MEAN * DECIBELS - 10 * math.log10(4 * emphasis))
    return means, [DEVIATION * DECIBELS] * BANDS


def tensors(checkpoint, summed):
    """The trunk's tensors by tympan's names; kernels of the blocks from `summed` on are summed over time."""
    named = {}

    def convolution(name, source, over_time=True):
        weight = checkpoint[f"{source}.0.weight"]
        named[f"{name}.conv.weight"] = weight if over_time else weight.sum(3, keepdim=True)
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            named[f"{name}.norm.{statistic}"] = checkpoint[f"{source}.1.{statistic}"]

    convolution("stem", "features.0")
    for index in range(BLOCKS):
        source = f"features.{index + 1}.block"
        layers = sorted({int(name.split(".")[3]) for name in checkpoint if name.startswith(f"{source}.")})
        squeezes = [it for it in layers if f"{source}.{it}.conc_se_layers.0.fc1.weight" in checkpoint]
        convolutions = [it for it in layers if it not in squeezes]
        # the first block expands nothing
        names = ["depthwise", "project"] if len(convolutions) == 2 else ["expand", "depthwise", "project"]
        for name, layer in zip(names, convolutions):
            over_time = name != "depthwise" or index < summed
            convolution(f"block{index}.{name}", f"{source}.{layer}", over_time)
        for layer in squeezes:
            for linear in ("fc1", "fc2"):
                for values in ("weight", "bias"):
                    source_name = f"{source}.{layer}.conc_se_layers.0.{linear}.{values}"
                    named[f"block{index}.squeeze.{linear}.{values}"] = checkpoint[source_name]
    convolution("last", "features.16")
    return named


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("checkpoint", type=pathlib.Path, help="mn04_as_mAP_432.pt")
    arguments.add_argument("out", type=pathlib.Path, help="the safetensors file to write")
    arguments.add_argument("--network", choices=["mobile", "mobilenet"], required=True)
    arguments = arguments.parse_args()
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError:
        in_own_environment(PACKAGES)

    checkpoint = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    named = tensors(checkpoint, summed={"mobile": 7, "mobilenet": BLOCKS}[arguments.network])
    mean, deviation = normaliser()
    named["normaliser.mean"] = torch.tensor(mean)
    named["normaliser.deviation"] = torch.tensor(deviation)
    save_file({name: tensor.float().contiguous() for name, tensor in named.items()}, arguments.out)
    print(f"{arguments.out}: {len(named)} tensors")


if __name__ == "__main__":
    main()
