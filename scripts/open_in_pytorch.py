#!/usr/bin/env python3
"""Opens a bundle's weights in PyTorch and scores the first window of a recording with them, as tympan does.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors numpy scipy
    .venv/bin/python scripts/open_in_pytorch.py models/mine clip.wav [TYMPAN]

The network is an ordinary torch.nn.Module afterwards: look into its layers, fine-tune it, export it. The recording is a
WAV at the model's own rate (`ffmpeg -i clip.mp3 -ac 1 -ar 16000 clip.wav`). With the path of tympan, the scores are
compared with its own, and the script fails when one differs by more than 0.001. For networks of the kinds conv1d, cnn,
lstm and crnn.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import torch
from safetensors.torch import load_file
from torch import nn


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


class Network(nn.Module):
    """A bundle's network; its modules have the names that the tensors have in weights.safetensors."""

    def __init__(self, manifest):
        super().__init__()
        spec, bands = manifest["network"], manifest["front_end"]["mel_bands"]
        self.kind, self.steps = spec["kind"], spec.get("frames_per_step", 1)
        self.is_softmax = manifest["activation"] == "softmax"
        over_bands = self.kind in ("cnn", "crnn")
        width, before = bands * self.steps, 1 if over_bands else bands
        for index, block in enumerate(spec.get("blocks", [])):
            setattr(self, f"block{index}", Block(before, block, over_bands))
            before = block["channels"]
            bands //= block.get("band_pool", 1)
            width = before * bands if over_bands else before
        self.blocks = [getattr(self, f"block{i}") for i in range(len(spec.get("blocks", [])))]
        if "projection" in spec:
            self.projection = nn.Linear(width, spec["projection"])
            width = spec["projection"]
        if "lstm_hidden" in spec:
            self.lstm = nn.LSTM(width, spec["lstm_hidden"], batch_first=True)
            width = spec["lstm_hidden"]
        if spec.get("pooling") == "attention":
            self.attention = nn.Linear(width, 1, bias=False)
        self.output = nn.Linear(width, len(manifest["labels"]))

    def forward(self, x):  # [windows, frames, bands], normalised
        x = x.transpose(1, 2)  # [windows, bands, frames]
        if self.kind in ("cnn", "crnn"):
            x = x.unsqueeze(1)  # [windows, 1, bands, frames]
        elif self.blocks:
            x = x.unsqueeze(2)  # the bands are channels: [windows, bands, 1, frames]
        for block in self.blocks:
            x = block(x)
        if x.dim() == 4:
            x = x.flatten(1, 2)  # channels and bands side by side
        x = x.transpose(1, 2)  # [windows, time, features]
        if self.steps > 1:
            x = x[:, : x.shape[1] // self.steps * self.steps].reshape(x.shape[0], -1, x.shape[2] * self.steps)
        if hasattr(self, "projection"):
            x = torch.relu(self.projection(x))
        if hasattr(self, "lstm"):
            x, _ = self.lstm(x)
        weight = torch.softmax(self.attention(x), 1) if hasattr(self, "attention") else 1 / x.shape[1]
        logits = self.output((weight * x).sum(1))
        return torch.softmax(logits, 1) if self.is_softmax else torch.sigmoid(logits)


def mel_filters(front_end):
    """The triangles of librosa.filters.mel(norm="slaney", htk=False): [bands, bins]."""
    low, high = front_end["mel_low_hz"], front_end["mel_high_hz"]
    to_mel = lambda hz: np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))
    to_hz = lambda mel: np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    edges = to_hz(np.linspace(to_mel(low), to_mel(high), front_end["mel_bands"] + 2))
    bins = np.fft.rfftfreq(front_end["fft_size"], 1 / front_end["sample_rate_hz"])
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def first_window(samples, manifest):
    """Samples -> the network's input: [1, frames, bands]."""
    front_end, normaliser = manifest["front_end"], manifest["normaliser"]
    size, hop, frames = front_end["fft_size"], front_end["frame_hop_samples"], manifest["window"]["frames"]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    cut = np.stack([samples[k * hop : k * hop + size] for k in range(frames)])
    power = np.abs(np.fft.rfft(cut * taper)) ** 2
    level = 10 * np.log10(np.maximum(power @ mel_filters(front_end).T, front_end["log_floor"]))
    level = (level - np.array(normaliser["mean"])) / np.array(normaliser["deviation"])
    return torch.tensor(level, dtype=torch.float32).unsqueeze(0)


def main():
    folder, recording = Path(sys.argv[1]), sys.argv[2]
    manifest = tomllib.loads((folder / "model.toml").read_text())
    network = Network(manifest)
    missing, unexpected = network.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    network.eval()
    rate, samples = scipy.io.wavfile.read(recording)
    assert rate == manifest["front_end"]["sample_rate_hz"] and samples.ndim == 1, "mono at the model's rate, please"
    samples = samples / 32768 if samples.dtype == np.int16 else samples
    with torch.no_grad():
        scores = network(first_window(samples.astype(np.float64), manifest))[0].numpy()
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
