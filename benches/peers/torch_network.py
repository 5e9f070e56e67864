"""A bundle's network in PyTorch, as the script for users opens it, and its ONNX file."""

import sys
import warnings
from pathlib import Path

import torch
from torch import nn

from bundle import Bundle

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
import open_in_pytorch  # noqa: E402


def network(bundle: Bundle) -> nn.Module:
    """`[batch, frames, mel_bands]` normalised log-mel to `[batch, labels]` scores: batch norm with its statistics, no
    gradients."""
    _, module = open_in_pytorch.load(bundle.folder)
    return module.requires_grad_(False)


def example(bundle: Bundle) -> torch.Tensor:
    """One window."""
    return torch.zeros(1, bundle.frames, bundle.mel_bands)


def export_onnx(bundle: Bundle, path: Path) -> None:
    """Writes the network for windows one at a time, its LSTM, if it has one, as ONNX's own LSTM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network(bundle), (example(bundle),), path, input_names=["windows"], output_names=["scores"],
            dynamo=False, opset_version=17,
        )


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        export_onnx(Bundle(folder / "bundle"), folder / "network.onnx")
