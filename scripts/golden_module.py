#!/usr/bin/env python3
"""Writes the TorchScript module that tests run: tests/golden/counting_module.pt.

    python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 && .venv/bin/python scripts/golden_module.py

It has what modules of others have: weights, a convolution for which oneDNN makes machine code, a state with a method that
forgets it, an argument beside the samples, and a dictionary as its answer.
"""

import pathlib

import torch
from torch import Tensor, nn

FILE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "counting_module.pt"


class CountingModule(nn.Module):
    """Scores of [1, 1600] samples: how loud they are, and a hundredth for each call since the last reset."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, kernel_size=5, stride=2, padding=2, groups=2, bias=False)
        nn.init.constant_(self.conv.weight, 1.0 / 25.0)
        self.calls = 0

    @torch.jit.export
    def reset_states(self):
        self.calls = 0

    def forward(self, samples: Tensor, rate: int) -> dict[str, Tensor]:
        if rate != 16000:
            raise ValueError(f"the rate is {rate}, not 16000")
        self.calls += 1
        maps = samples.abs().reshape(1, 1, 40, 40).repeat(1, 2, 1, 1)
        loud = self.conv(maps).mean(dim=[1, 2, 3])
        calls = torch.full_like(loud, self.calls / 100.0)
        return {"embedding": maps, "scores": torch.stack([loud, calls], dim=1)}


if __name__ == "__main__":
    torch.jit.save(torch.jit.script(CountingModule().eval()), FILE)
    print(f"{FILE}: {FILE.stat().st_size} bytes")
