"""What stands in a bundle: its manifest's numbers and its weights, as every peer needs them."""

import tomllib
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


class Bundle:
    """Manifest and weights. `weights` has the names that `src/model` gives them."""

    def __init__(self, folder: Path):
        self.folder = folder
        manifest = tomllib.loads((folder / "model.toml").read_text())
        self.front_end = manifest["front_end"]
        self.network = manifest["network"]
        self.weights = load_file(folder / "weights.safetensors")
        self.labels = len(manifest["labels"])
        self.mel_bands = self.front_end["mel_bands"]
        self.frames = manifest["window"]["frames"]
        self.hop_frames = manifest["window"]["hop_frames"]
        self.mean = np.array(manifest["normaliser"]["mean"], np.float32)
        self.deviation = np.array(manifest["normaliser"]["deviation"], np.float32)
        hop, taper = self.front_end["frame_hop_samples"], self.front_end["fft_size"]
        self.hop_samples = self.hop_frames * hop
        self.window_samples = (self.frames - 1) * hop + taper
        # of the samples that one hop of frames is made of, some were heard before
        self.hop_with_past_samples = (self.hop_frames - 1) * hop + taper

    def has_attention(self) -> bool:
        """Whether states are weighed, or pooled as their mean."""
        return "attention.weight" in self.weights
