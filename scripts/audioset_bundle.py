#!/usr/bin/env python3
"""Makes a bundle of 527 sounds (AudioSet's) from a checkpoint of EfficientAT's mn04, which you download.

    scripts/audioset_bundle.py mn04_as_mAP_432.pt class_labels_indices.csv dog.wav models/audioset

The checkpoint and the list of labels come from EfficientAT (Schmid et al., MIT): a state dictionary of PyTorch, no pickled
code. The third argument is any recording of some seconds (WAV, FLAC, Ogg): it becomes the bundle's golden clip, whose
scores, computed here with PyTorch alone, `tympan check --model models/audioset` has to find again.

Once called, the script makes a virtual environment of its own in the user's cache folder, with the packages below, and
goes on in it.
"""

import argparse
import csv
import hashlib
import os
import pathlib
import subprocess
import sys
import venv

PACKAGES = ["torch==2.13.0", "torchvision==0.28.0", "soundfile==0.14.0", "scipy==1.17.1"]

# The front end that the network was trained with; model.toml says the same in tympan's words.
RATE = 32000
FFT = 1024
TAPER = 800
HOP = 320
BANDS = 128
LOW_HZ, HIGH_HZ = 0.0, 15000.0
EMPHASIS = 0.97
LOG_OFFSET = 1e-5
MEAN, DEVIATION = -4.5, 5.0

# A window of 1.94 s every 0.32 s, which is the network's stride in time.
WINDOW_FRAMES, HOP_FRAMES = 192, 32
GOLDEN_SECONDS = 5

# MobileNetV3-Large at a width of 0.4: input, kernel, expanded, output, squeeze, activation, stride, before the width.
WIDTH = 0.4
BLOCKS = [
    (16, 3, 16, 16, False, "RE", 1),
    (16, 3, 64, 24, False, "RE", 2),
    (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2),
    (80, 3, 200, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 480, 112, True, "HS", 1),
    (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2),
    (160, 5, 960, 160, True, "HS", 1),
    (160, 5, 960, 160, True, "HS", 1),
]


def in_own_environment(packages):
    """Goes on in an environment that has the packages; makes it where there is none."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    folder = cache / "tympan" / f"audioset-{name}"
    python = folder / "bin" / "python"
    whole = folder / "whole"
    if not whole.exists():
        print(f"audioset_bundle: installing {', '.join(packages)} into {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        whole.touch()
    os.execv(python, [python, *sys.argv])


def network(torch, labels):
    """The network with names as the checkpoint has them, but for its squeezes."""
    from functools import partial

    from torch import nn
    from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig
    from torchvision.ops.misc import Conv2dNormActivation, SqueezeExcitation

    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
    squeeze = partial(SqueezeExcitation, scale_activation=nn.Sigmoid)
    blocks = [InvertedResidualConfig(*block, 1, WIDTH) for block in BLOCKS]
    first, last = blocks[0].input_channels, blocks[-1].out_channels
    activated = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                activated(1, first, kernel_size=3, stride=2),
                *(InvertedResidual(block, norm, squeeze) for block in blocks),
                activated(last, 6 * last, kernel_size=1),
            )
            # places of what training alone needs are kept, so that numbers are those of the checkpoint
            self.classifier = nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(6 * last, 512),
                nn.Hardswish(),
                nn.Identity(),
                nn.Linear(512, labels),
            )

        def forward(self, mel):
            """[1, 1, bands, frames] to [1, labels]"""
            return self.classifier(self.features(mel))

    return Network().eval()


def fold_batch_norms(torch, model):
    """Batch norms become part of the convolutions before them.

    torch.jit.freeze does so too, but makes constants of the weights. tympan could then not have the module compute with
    64 bits, which it does where a process may not make machine code, as under its systemd unit.
    """
    from torchvision.ops.misc import Conv2dNormActivation

    for block in model.modules():
        if isinstance(block, Conv2dNormActivation):
            block[0] = torch.nn.utils.fusion.fuse_conv_bn_eval(block[0], block[1])
            block[1] = torch.nn.Identity()


def renamed(checkpoint):
    """The checkpoint's tensors by torchvision's names: a squeeze's linear layers are convolutions of one pixel there."""
    tensors = {}
    for name, tensor in checkpoint.items():
        if ".conc_se_layers.0." in name:
            name = name.replace(".conc_se_layers.0.", ".")
            if name.endswith(".weight"):
                tensor = tensor[:, :, None, None]
        tensors[name] = tensor
    return tensors


def mel_filters(torch):
    """Kaldi's triangles, straight in mel: [bands, bins]."""

    def mel(hz):
        return 1127.0 * torch.log1p(hz / 700.0)

    ends = mel(torch.tensor([LOW_HZ, HIGH_HZ], dtype=torch.float64))
    edges = torch.linspace(ends[0], ends[1], BANDS + 2, dtype=torch.float64)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = mel(torch.arange(FFT // 2, dtype=torch.float64) * RATE / FFT)[None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters = torch.clamp(torch.minimum(rising, falling), min=0.0)
    return torch.nn.functional.pad(filters, (0, 1))


def log_mel(torch, samples):
    """All frames that the samples fill: [bands, frames]."""
    frames = torch.as_tensor(samples, dtype=torch.float64).unfold(0, FFT, HOP)
    emphasised = frames.clone()
    emphasised[:, 1:] -= EMPHASIS * frames[:, :-1]
    taper = torch.zeros(FFT, dtype=torch.float64)
    start = (FFT - TAPER) // 2
    taper[start : start + TAPER] = torch.hann_window(TAPER, periodic=False, dtype=torch.float64)
    power = torch.fft.rfft(emphasised * taper).abs() ** 2
    energies = power @ mel_filters(torch).T
    return ((torch.log(energies + LOG_OFFSET) - MEAN) / DEVIATION).T


def golden_clip(path):
    """The first seconds of a recording, one channel at the network's rate, as 16 bits keep them."""
    import numpy as np
    import soundfile
    from scipy.signal import resample_poly

    samples, rate = soundfile.read(path, always_2d=True)
    samples = samples.mean(axis=1)[: GOLDEN_SECONDS * rate]
    samples = np.clip(resample_poly(samples, RATE, rate), -1.0, 1.0 - 2**-15)
    if len(samples) < (WINDOW_FRAMES - 1) * HOP + FFT:
        sys.exit(f"audioset_bundle: {path} is shorter than 2 s; name a longer recording")
    return np.round(samples * 2**15) / 2**15


def manifest(name, module_sha256, labels_name):
    """model.toml."""
    return f"""format_version = 2
runtime = "torchscript"
name = "{name}"
licence = "MIT (EfficientAT); trained on AudioSet, sound of YouTube"
source = "EfficientAT mn04_as (Schmid, Koutini, Widmer, arXiv 2211.04772), written by scripts/audioset_bundle.py"
labels_file = {{ file = "{labels_name}", column = "display_name" }}

[module]
file = "module.pt"
sha256 = "{module_sha256}"

[input]
kind = "log_mel"
layout = "N1FT"
normalise = {{ mean = {MEAN}, deviation = {DEVIATION} }}

[input.window]
frames = {WINDOW_FRAMES}
hop_frames = {HOP_FRAMES}

[input.front_end]
revision = 1
sample_rate_hz = {RATE}
fft_size = {FFT}
taper_samples = {TAPER}
taper = "hann_symmetric"
pre_emphasis = {EMPHASIS}
frame_hop_samples = {HOP}
framing = "uncentred"
mel_bands = {BANDS}
mel_low_hz = {LOW_HZ}
mel_high_hz = {HIGH_HZ}
mel_scale = "kaldi"
mel_norm = "none"
log_scale = "natural_offset"
log_floor = {LOG_OFFSET:.5f}

[output]
activation = "sigmoid"

[thresholds]
default = {{ on = 0.3, off = 0.15 }}

[golden]
clip = "golden.wav"
scores = "golden.csv"
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("checkpoint", type=pathlib.Path, help="mn04_as_mAP_432.pt")
    arguments.add_argument("labels", type=pathlib.Path, help="class_labels_indices.csv")
    arguments.add_argument("clip", type=pathlib.Path, help="a recording, 2 s or longer")
    arguments.add_argument("bundle", type=pathlib.Path, help="the folder to make")
    arguments = arguments.parse_args()
    try:
        import soundfile
        import torch
        import torchvision  # noqa: F401
    except ImportError:
        in_own_environment(PACKAGES)

    with open(arguments.labels, newline="", encoding="utf-8") as file:
        labels = [row["display_name"] for row in csv.DictReader(file)]
    checkpoint = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    model = network(torch, len(labels))
    model.load_state_dict(renamed(checkpoint), strict=True)
    model.requires_grad_(False)
    example = torch.zeros(1, 1, BANDS, WINDOW_FRAMES)
    fold_batch_norms(torch, model)
    module = torch.jit.trace(model, example)

    samples = golden_clip(arguments.clip)
    mel = log_mel(torch, samples).float()
    windows = mel.unfold(1, WINDOW_FRAMES, HOP_FRAMES).permute(1, 0, 2)[:, None]
    with torch.no_grad():
        rows = [torch.sigmoid(module(window[None].contiguous()))[0] for window in windows]

    folder = arguments.bundle
    folder.mkdir(parents=True, exist_ok=True)
    torch.jit.save(module, folder / "module.pt")
    (folder / arguments.labels.name).write_bytes(arguments.labels.read_bytes())
    soundfile.write(folder / "golden.wav", samples, RATE, subtype="PCM_16")
    with open(folder / "golden.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(labels)
        table.writerows([f"{score:.6f}" for score in row.tolist()] for row in rows)
    sha256 = hashlib.sha256((folder / "module.pt").read_bytes()).hexdigest()
    # last, so that a folder with a manifest is whole
    (folder / "model.toml").write_text(manifest(folder.name, sha256, arguments.labels.name))

    mean = torch.stack(rows).mean(0)
    best = mean.topk(3)
    heard = ", ".join(f"{labels[at]} {score:.2f}" for score, at in zip(best.values, best.indices))
    print(f"{folder}: {len(labels)} labels, sha256 {sha256}; {arguments.clip.name}: {heard}")


if __name__ == "__main__":
    main()
