"""What a peer is timed at: the Python twin of `jobs.rs`. Every call takes the next piece of the same sound."""

import time
from pathlib import Path

import numpy as np

from bundle import Bundle
from front_ends import LogMel
from runtimes import Score

# sound that a mel job takes in one call, unless it takes one hop
EXCERPT_SECONDS = 5


class WindowJob:
    """Windows to scores, each from scratch."""

    def __init__(self, score: Score, bundle: Bundle, folder: Path):
        values = np.fromfile(folder / "windows.f32", np.float32)
        self.score = score
        self.inputs = values.reshape(-1, 1, bundle.frames, bundle.mel_bands)
        self.next = 0

    def call(self) -> float:
        window = self.inputs[self.next]
        begun = time.perf_counter_ns()
        self.score(window)
        took = time.perf_counter_ns() - begun
        self.next = (self.next + 1) % len(self.inputs)
        return took

    def answers(self, every: int) -> np.ndarray:
        return np.concatenate([self.score(window) for window in self.inputs[::every]])


class PipelineJob(WindowJob):
    """The samples of a window to its scores."""

    def __init__(self, score: Score, bundle: Bundle, folder: Path):
        sound = np.fromfile(folder / "sound.f32", np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, bundle.window_samples)
        self.score = score
        self.inputs = windows[:: bundle.hop_samples]
        self.next = 0


class FramesJob:
    """Samples to log-mel frames; times are nanoseconds a frame."""

    def __init__(self, log_mel: LogMel, sound: np.ndarray, samples: int, step: int):
        self.log_mel = log_mel
        self.sound = sound
        self.samples = samples
        self.step = step
        self.next = 0

    def call(self) -> float:
        if self.next + self.samples > len(self.sound):
            self.next = 0
        excerpt = self.sound[self.next : self.next + self.samples]
        begun = time.perf_counter_ns()
        frames = self.log_mel(excerpt)
        took = time.perf_counter_ns() - begun
        self.next += self.step
        return took / len(frames)

    def answers(self, _every: int) -> np.ndarray:
        return self.log_mel(self.sound).ravel()


def excerpt_job(log_mel: LogMel, bundle: Bundle, folder: Path) -> FramesJob:
    """Frames of some seconds in one call."""
    sound = np.fromfile(folder / "sound.f32", np.float32)
    samples = EXCERPT_SECONDS * bundle.front_end["sample_rate_hz"]
    return FramesJob(log_mel, sound, samples, samples)


def hop_job(log_mel: LogMel, bundle: Bundle, folder: Path) -> FramesJob:
    """The frames that one hop adds: these libraries want the samples again that were heard before."""
    sound = np.fromfile(folder / "sound.f32", np.float32)
    return FramesJob(log_mel, sound, bundle.hop_with_past_samples, bundle.hop_samples)
