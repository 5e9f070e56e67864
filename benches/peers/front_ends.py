"""Each library's log-mel frames, with the bundle's parameters: a function from samples to `[frames, mel_bands]`."""

from collections.abc import Callable

import numpy as np

from bundle import Bundle

LogMel = Callable[[np.ndarray], np.ndarray]


def _librosa_options(bundle: Bundle) -> tuple[dict, dict]:
    """Of the transform, and of the filter bank."""
    spec = bundle.front_end
    transform = {
        "n_fft": spec["fft_size"], "win_length": spec["taper_samples"],
        "hop_length": spec["frame_hop_samples"], "center": False,
    }
    bank = {
        "sr": spec["sample_rate_hz"], "n_mels": spec["mel_bands"], "fmin": spec["mel_low_hz"],
        "fmax": spec["mel_high_hz"], "htk": spec["mel_scale"] == "htk",
        "norm": "slaney" if spec["mel_norm"] == "slaney" else None,
    }
    return transform, bank


def librosa_frames(bundle: Bundle) -> LogMel:
    """As its documentation shows it. Makes the filter bank with every call."""
    import librosa

    (transform, bank), floor = _librosa_options(bundle), bundle.front_end["log_floor"]

    def log_mel(samples: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(y=samples, **transform, **bank)
        return librosa.power_to_db(mel, ref=1.0, amin=floor, top_db=None).T

    return log_mel


def librosa_frames_kept_bank(bundle: Bundle) -> LogMel:
    """With the filter bank made once, which takes a few lines of one's own."""
    import librosa

    (transform, bank), floor = _librosa_options(bundle), bundle.front_end["log_floor"]
    filters = librosa.filters.mel(n_fft=bundle.front_end["fft_size"], **bank)

    def log_mel(samples: np.ndarray) -> np.ndarray:
        power = np.abs(librosa.stft(samples, **transform)) ** 2
        return librosa.power_to_db(filters @ power, ref=1.0, amin=floor, top_db=None).T

    return log_mel


def torchaudio_frames(bundle: Bundle) -> LogMel:
    import torch
    import torchaudio

    torch.set_num_threads(1)
    spec = bundle.front_end
    mel = torchaudio.transforms.MelSpectrogram(
        spec["sample_rate_hz"], n_fft=spec["fft_size"], win_length=spec["taper_samples"],
        hop_length=spec["frame_hop_samples"], f_min=spec["mel_low_hz"], f_max=spec["mel_high_hz"],
        n_mels=spec["mel_bands"], center=False, mel_scale=spec["mel_scale"],
        norm="slaney" if spec["mel_norm"] == "slaney" else None,
    )
    decibel = torchaudio.transforms.AmplitudeToDB("power", top_db=None)
    decibel.amin = spec["log_floor"]

    def log_mel(samples: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return decibel(mel(torch.from_numpy(samples))).T.numpy()

    return log_mel
