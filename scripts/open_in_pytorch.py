#!/usr/bin/env python3
"""Opens a bundle's weights in PyTorch and scores the first window of a recording with them, as tympan does.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy scipy
    .venv/bin/python scripts/open_in_pytorch.py models/mine clip.wav [TYMPAN]

The network is an ordinary torch.nn.Module afterwards: look into its layers, fine-tune it, export it. The recording is a
WAV at the model's own rate (`ffmpeg -i clip.mp3 -ac 1 -ar 16000 clip.wav`). With the path of tympan, the scores are
compared with its own, and the script fails when one differs by more than 0.001. For networks of every kind that tympan
trains: conv1d, cnn, lstm, crnn, mobile and mobilenet. A bundle's verifier has its share where tympan asks it.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """A convolution without bias, batch norm, ReLU and max pooling: padded over bands, unpadded over time."""

    def __init__(self, before, spec, over_bands):
        super().__init__()
        channels = spec["channels"]
        kernel, padding = (3, (1, 0)) if over_bands else ((1, spec["kernel"]), 0)
        self.conv = nn.Conv2d(before, channels, kernel, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d((spec.get("band_pool", 1), spec["time_pool"]))

    def forward(self, x):
        return self.pool(torch.relu(self.norm(self.conv(x))))


class Convolution(nn.Module):
    """A convolution without bias, and batch norm: padded over bands; over time only where a window is seen whole."""

    def __init__(self, before, channels, kernel, is_whole, stride=(1, 1), groups=1):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2 if is_whole else 0)
        self.conv = nn.Conv2d(before, channels, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, x):
        return self.norm(self.conv(x))


class Squeeze(nn.Module):
    """Squeeze and excitation: a gate for each channel, of every column or of the whole window."""

    def __init__(self, channels, squeezed, is_whole):
        super().__init__()
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)
        self.over = (2, 3) if is_whole else 2

    @staticmethod
    def over_channels(layer, x):
        """A linear layer as a 1x1 convolution, which runtimes compute faster than a layer between two transpositions."""
        return functional.conv2d(x, layer.weight[..., None, None], layer.bias)

    def forward(self, x):  # [windows, channels, bands, columns]
        means = x.mean(self.over, keepdim=True)  # [windows, channels, 1, columns or 1]
        squeezed = torch.relu(self.over_channels(self.fc1, means))
        return x * torch.sigmoid(self.over_channels(self.fc2, squeezed))


class InvertedResidual(nn.Module):
    """Wider by 1x1, depthwise, squeeze and excitation, narrower by 1x1; the input is added where shapes allow it."""

    def __init__(self, before, spec, is_whole):
        super().__init__()
        channels, expanded = spec["channels"], spec["expanded"]
        kernel, stride = ((spec["band_" + it], spec["time_" + it]) for it in ("kernel", "stride"))
        self.activation = {"relu": functional.relu, "hard_swish": functional.hardswish}[spec["activation"]]
        if expanded != before:
            self.expand = Convolution(before, expanded, (1, 1), is_whole)
        self.depthwise = Convolution(expanded, expanded, kernel, is_whole, stride, groups=expanded)
        if spec["squeeze"]:
            self.squeeze = Squeeze(expanded, spec["squeeze"], is_whole)
        self.project = Convolution(expanded, channels, (1, 1), is_whole)
        self.is_residual = stride == (1, 1) and channels == before
        self.edge = 0 if is_whole else kernel[1] // 2  # columns at each end that have no output

    def forward(self, x):
        y = self.activation(self.expand(x)) if hasattr(self, "expand") else x
        y = self.activation(self.depthwise(y))
        if hasattr(self, "squeeze"):
            y = self.squeeze(y)
        y = self.project(y)
        return y + x[..., self.edge : x.shape[3] - self.edge] if self.is_residual else y


class Network(nn.Module):
    """A bundle's network; its modules have the names that the tensors have in weights.safetensors."""

    def __init__(self, manifest):
        super().__init__()
        spec, bands = manifest["network"], manifest["front_end"]["mel_bands"]
        self.kind, self.steps = spec["kind"], spec.get("frames_per_step", 1)
        self.is_softmax = manifest["activation"] == "softmax"
        self.is_mobile, is_whole = self.kind in ("mobile", "mobilenet"), self.kind == "mobilenet"
        self.over_bands = self.kind in ("cnn", "crnn") or self.is_mobile
        width, before = bands * self.steps, 1 if self.over_bands else bands
        if self.is_mobile:
            self.stem = Convolution(1, spec["stem"], (3, 3), is_whole, stride=(2, 2))
            before = spec["stem"]
        for index, block in enumerate(spec.get("blocks", [])):
            kind, way = (InvertedResidual, is_whole) if self.is_mobile else (Block, self.over_bands)
            setattr(self, f"block{index}", kind(before, block, way))
            before = block["channels"]
            bands //= block.get("band_pool", 1)
            width = before * bands if self.over_bands else before
        if self.is_mobile:
            self.last = Convolution(before, spec["last"], (1, 1), is_whole)
            width = spec["last"]
        self.blocks = [getattr(self, f"block{i}") for i in range(len(spec.get("blocks", [])))]
        if "projection" in spec:
            self.projection = nn.Linear(width, spec["projection"])
            width = spec["projection"]
        if "lstm_hidden" in spec:
            self.lstm = nn.LSTM(width, spec["lstm_hidden"], batch_first=True)
            width = spec["lstm_hidden"] + (width if self.is_mobile else 0)
        if spec.get("pooling") == "attention":
            self.attention = nn.Linear(width, 1, bias=False)
        self.output = nn.Linear(width, len(manifest["labels"]))

    def forward(self, x):  # [windows, frames, bands], normalised
        x = x.transpose(1, 2)  # [windows, bands, frames]
        if self.over_bands:
            x = x.unsqueeze(1)  # [windows, 1, bands, frames]
        elif self.blocks:
            x = x.unsqueeze(2)  # the bands are channels: [windows, bands, 1, frames]
        if self.is_mobile:
            x = functional.hardswish(self.stem(x))
        for block in self.blocks:
            x = block(x)
        if self.is_mobile:
            x = functional.hardswish(self.last(x)).mean(2)  # over bands: [windows, channels, columns]
        elif x.dim() == 4:
            x = x.flatten(1, 2)  # channels and bands side by side
        x = x.transpose(1, 2)  # [windows, time, features]
        if self.steps > 1:
            x = x[:, : x.shape[1] // self.steps * self.steps].reshape(x.shape[0], -1, x.shape[2] * self.steps)
        if hasattr(self, "projection"):
            x = torch.relu(self.projection(x))
        if hasattr(self, "lstm"):
            states, _ = self.lstm(x)
            x = torch.cat([states, x], 2) if self.is_mobile else states
        weight = torch.softmax(self.attention(x), 1) if hasattr(self, "attention") else 1 / x.shape[1]
        logits = self.output((weight * x).sum(1))
        return torch.softmax(logits, 1) if self.is_softmax else torch.sigmoid(logits)


def load(folder):
    """Manifest and network of a bundle, ready to score."""
    manifest = tomllib.loads((folder / "model.toml").read_text())
    network = Network(manifest)
    missing, unexpected = network.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    return manifest, network.eval()


def scores_of(folder, window):
    """The bundle's scores of a window: [labels]. Where an event is likely enough, its verifier has a share in them."""
    manifest, network = load(folder)
    scores, verifier = network(window)[0], manifest.get("verifier")
    events = [label not in manifest.get("non_events", []) for label in manifest["labels"]]
    if verifier and scores[events].max() >= verifier["candidate"]:
        second = load(folder / "verifier")[1](window)[0]
        scores = scores ** (1 - verifier["share"]) * second ** verifier["share"]
    return scores


def mel_filters(front_end):
    """The triangles of librosa.filters.mel, its norm "slaney" or None, htk or not: [bands, bins]."""
    low, high = front_end["mel_low_hz"], front_end["mel_high_hz"]
    if front_end["mel_scale"] == "htk":
        to_mel = lambda hz: 2595 * np.log10(1 + hz / 700)
        to_hz = lambda mel: 700 * (10 ** (mel / 2595) - 1)
    else:
        step = np.log(6.4) / 27
        to_mel = lambda hz: np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) / step)
        to_hz = lambda mel: np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * step))
    edges = to_hz(np.linspace(to_mel(low), to_mel(high), front_end["mel_bands"] + 2))
    bins = np.fft.rfftfreq(front_end["fft_size"], 1 / front_end["sample_rate_hz"])
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = (edges[2:] - edges[:-2])[:, None] / 2
    return np.maximum(0, np.minimum(rise, fall)) / (area if front_end["mel_norm"] == "slaney" else 1)


def first_window(samples, manifest):
    """Samples -> the network's input: [1, frames, bands]."""
    front_end, normaliser = manifest["front_end"], manifest["normaliser"]
    size, hop, frames = front_end["fft_size"], front_end["frame_hop_samples"], manifest["window"]["frames"]
    length = front_end["taper_samples"]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    taper = np.pad(taper, ((size - length) // 2, size - length - (size - length) // 2))  # zeros on both sides
    cut = np.stack([samples[k * hop : k * hop + size] for k in range(frames)])
    power = np.abs(np.fft.rfft(cut * taper)) ** 2
    level = 10 * np.log10(np.maximum(power @ mel_filters(front_end).T, front_end["log_floor"]))
    level = (level - np.array(normaliser["mean"])) / np.array(normaliser["deviation"])
    return torch.tensor(level, dtype=torch.float32).unsqueeze(0)


def main():
    import scipy.io.wavfile

    folder, recording = Path(sys.argv[1]), sys.argv[2]
    manifest = tomllib.loads((folder / "model.toml").read_text())
    rate, samples = scipy.io.wavfile.read(recording)
    assert rate == manifest["front_end"]["sample_rate_hz"] and samples.ndim == 1, "mono at the model's rate, please"
    samples = samples / 32768 if samples.dtype == np.int16 else samples
    with torch.no_grad():
        scores = scores_of(folder, first_window(samples.astype(np.float64), manifest)).numpy()
    best = np.argsort(-scores)[:5]
    for label in best:
        print(f"{manifest['labels'][label]:<20} {scores[label]:.4f}")
    if len(sys.argv) > 3:
        command = [sys.argv[3], "classify", "--format", "jsonl", "--model", str(folder), recording]
        first = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0])
        apart = max(abs(it["score"] - scores[manifest["labels"].index(it["label"])]) for it in first["scores"])
        print(f"tympan's own scores are at most {apart:.6f} away")
        sys.exit(int(apart > 1e-3))


if __name__ == "__main__":
    main()
