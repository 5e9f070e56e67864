"""The bundle's network as a PyTorch user would write it, and its ONNX file."""

import sys
import warnings
from pathlib import Path

import torch
from torch import nn

from bundle import Bundle

# PyTorch's own for batch norm, which tympan trains with and folds with
NORM_EPSILON = 1e-5


class Network(nn.Module):
    """`[batch, frames, mel_bands]` normalised log-mel to `[batch, labels]` scores."""

    def __init__(self, bundle: Bundle):
        super().__init__()
        layers, channels, bands = [], 1, bundle.mel_bands
        for block in bundle.network["blocks"]:
            pool = (block["band_pool"], block["time_pool"])
            layers += [
                # padded in frequency, not in time
                nn.Conv2d(channels, block["channels"], 3, padding=(1, 0), bias=False),
                nn.BatchNorm2d(block["channels"], eps=NORM_EPSILON),
                nn.ReLU(),
                nn.MaxPool2d(pool),
            ]
            channels, bands = block["channels"], bands // block["band_pool"]
        hidden = bundle.network["lstm_hidden"]
        self.trunk = nn.Sequential(*layers)
        self.projection = nn.Linear(channels * bands, bundle.network["projection"])
        self.lstm = nn.LSTM(bundle.network["projection"], hidden, batch_first=True)
        self.attention = nn.Linear(hidden, 1, bias=False)
        self.output = nn.Linear(hidden, bundle.labels)
        self.load(bundle)

    def load(self, bundle: Bundle) -> None:
        """Takes the bundle's weights; every one of them has its place, and every place is filled."""
        state = {}
        for name, values in bundle.weights.items():
            if name.startswith("block"):
                block, layer, rest = name.split(".", 2)
                index = 4 * int(block.removeprefix("block")) + ["conv", "norm"].index(layer)
                name = f"trunk.{index}.{rest}"
            state[name] = torch.from_numpy(values)
        if not bundle.has_attention():
            # all states weigh the same: their mean
            state["attention.weight"] = torch.zeros_like(self.attention.weight)
        # strict: but for the counters of batches, which scoring does not use, names are exactly the bundle's
        self.load_state_dict(state)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        columns = self.trunk(windows.transpose(1, 2).unsqueeze(1))  # [batch, channels, bands, columns]
        stacked = columns.permute(0, 3, 1, 2).flatten(2)  # [batch, features, channels * bands]
        features = torch.relu(self.projection(stacked))  # [batch, features, projection]
        states = self.lstm(features)[0]  # [batch, features, hidden]
        weights = torch.softmax(self.attention(states), dim=1)  # [batch, features, 1]
        return torch.sigmoid(self.output((weights * states).sum(dim=1)))  # [batch, labels]


def network(bundle: Bundle) -> Network:
    """Ready to score: batch norm with its statistics, no gradients."""
    return Network(bundle).eval().requires_grad_(False)


def export_onnx(bundle: Bundle, path: Path) -> None:
    """Writes the network for windows one at a time, its LSTM as ONNX's own LSTM."""
    example = torch.zeros(1, bundle.frames, bundle.mel_bands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network(bundle), (example,), path, input_names=["windows"], output_names=["scores"],
            dynamo=False, opset_version=17,
        )


if __name__ == "__main__":
    export_onnx(Bundle(Path(sys.argv[1])), Path(sys.argv[2]))
