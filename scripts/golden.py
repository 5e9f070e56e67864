#!/usr/bin/env python3
"""Writes the reference values that the front end is held against: tests/golden/mel_*.json, made with librosa.

    python3 -m venv .venv && .venv/bin/pip install librosa==0.11.0 && .venv/bin/python scripts/golden.py

The tests read only what is stored, so this is run again only when a setting is added. The test signal is not stored:
a test computes it from the formula in `signal` (f64 throughout, the noise exact, the sines to the last bit or two).
"""

import json
import math
import pathlib

import librosa
import numpy as np
import scipy
import soxr

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"

# name, sample_rate_hz, fft_samples, taper_samples, hop_samples, mel_bands, low_hz, high_hz, scale, norm
SETTINGS = [
    ("speech_slaney", 16000, 1024, 1024, 320, 64, 50.0, 8000.0, "slaney", "slaney"),
    ("short_htk", 16000, 512, 400, 160, 64, 20.0, 8000.0, "htk", "none"),
    ("librosa_default", 22050, 2048, 2048, 512, 128, 0.0, 11025.0, "slaney", "slaney"),
    ("wide_htk", 44100, 2048, 1024, 441, 40, 0.0, 22050.0, "htk", "slaney"),
]
FRAMES = 10
AMIN = 1e-10

# Steady tones (hertz, amplitude), a chirp and noise; the second half of the signal is 60 dB quieter.
TONES = [(97.0, 0.30), (440.0, 0.25), (1234.5, 0.15), (3050.0, 0.10), (6400.0, 0.05)]
CHIRP = {"from_hz": 200.0, "hz_per_second": 9000.0, "amplitude": 0.20}
NOISE = {"multiplier": 1664525, "increment": 1013904223, "seed": 20240607, "amplitude": 0.02}
QUIET = 0.001

FORMULA = (
    "for i in 0..samples, all in f64: t = i / sample_rate_hz; "
    "state = (state * multiplier + increment) mod 2^32, before each sample, beginning with seed; "
    "noise = state / 2^31 - 1; "
    "x = sum(amplitude * sin(2 * pi * hz * t)) over tones, in order "
    "+ chirp.amplitude * sin(2 * pi * (from_hz * t + 0.5 * hz_per_second * t * t)) "
    "+ noise.amplitude * noise; "
    "x = x * quiet if i >= samples / 2 (integer division); "
    "the sample is x rounded to f32"
)


def signal(sample_rate_hz, samples):
    state = NOISE["seed"]
    out = np.empty(samples, dtype=np.float32)
    for i in range(samples):
        t = i / sample_rate_hz
        state = (state * NOISE["multiplier"] + NOISE["increment"]) % 2**32
        x = 0.0
        for hz, amplitude in TONES:
            x += amplitude * math.sin(2.0 * math.pi * hz * t)
        x += CHIRP["amplitude"] * math.sin(
            2.0 * math.pi * (CHIRP["from_hz"] * t + 0.5 * CHIRP["hz_per_second"] * t * t)
        )
        x += NOISE["amplitude"] * (state / 2.0**31 - 1.0)
        if i >= samples // 2:
            x *= QUIET
        out[i] = np.float32(x)
    return out


def rounded(values, digits=9):
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, dtype=np.float64).ravel()]


def reference(name, rate, fft, taper, hop, bands, low, high, scale, norm):
    samples = fft + (FRAMES - 1) * hop
    x = signal(rate, samples)
    mel = {
        "sr": rate,
        "n_fft": fft,
        "n_mels": bands,
        "fmin": low,
        "fmax": high,
        "htk": scale == "htk",
        "norm": None if norm == "none" else norm,
    }
    bank = librosa.filters.mel(**mel, dtype=np.float64)  # [bands, fft / 2 + 1]
    # f64 in, f64 out: what is stored is the value, not librosa's own f32 rounding of it.
    power = librosa.feature.melspectrogram(
        y=x.astype(np.float64), hop_length=hop, win_length=taper, window="hann", center=False, power=2.0,
        dtype=np.float64, **{k: v for k, v in mel.items()},
    )  # [bands, frames]
    assert power.shape == (bands, FRAMES), power.shape
    log_mel_db = librosa.power_to_db(power, ref=1.0, amin=AMIN, top_db=None)
    window = scipy.signal.get_window("hann", taper, fftbins=True)
    strongest = [(band, int(np.argmax(bank[band]))) for band in np.linspace(0, bands - 1, 5).astype(int)]
    return {
        "made_by": "scripts/golden.py",
        "versions": {
            "librosa": librosa.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "soxr": soxr.__version__,
        },
        "tolerance": "log_mel_db: 1e-3 dB absolute (numpy in f32 throughout stays below 5e-5); filter bank and taper: 1e-6 relative",
        "front_end": {
            "sample_rate_hz": rate,
            "fft_samples": fft,
            "taper": "hann, periodic; centred in the fft when shorter, zeros on both sides",
            "taper_samples": taper,
            "hop_samples": hop,
            "padding": "none: frame k begins at sample k * hop_samples",
            "mel_bands": bands,
            "low_hz": low,
            "high_hz": high,
            "mel_scale": scale,
            "mel_norm": norm,
            "power": 2.0,
            "log": "10 * log10(max(power, amin))",
            "amin": AMIN,
        },
        "signal": {
            "samples": samples,
            "tones": [{"hz": hz, "amplitude": amplitude} for hz, amplitude in TONES],
            "chirp": CHIRP,
            "noise": NOISE,
            "quiet": QUIET,
            "formula": FORMULA,
            "first_samples": rounded(x[:8]),
            "last_samples": rounded(x[-8:]),
        },
        "taper": {"first": rounded(window[:4], 12), "middle": float(window[taper // 2]), "sum": float(window.sum())},
        "filter_bank": {
            "sums": rounded(bank.sum(axis=1)),
            "probes": [{"band": int(b), "bin": k, "weight": float(f"{bank[b, k]:.9g}")} for b, k in strongest],
        },
        "frames": FRAMES,
        "log_mel_db": [rounded(log_mel_db[:, frame], 8) for frame in range(FRAMES)],
    }


def dump(value):
    """JSON with one line an entry, and one line a frame."""
    lines = []
    for key, entry in value.items():
        if key == "log_mel_db":
            rows = ",\n".join(" " * 4 + json.dumps(row) for row in entry)
            lines.append(f'  "{key}": [\n{rows}\n  ]')
        else:
            lines.append(f'  "{key}": ' + json.dumps(entry, indent=2).replace("\n", "\n  "))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for setting in SETTINGS:
        path = FOLDER / f"mel_{setting[0]}.json"
        path.write_text(dump(reference(*setting)))
        print(f"{path.relative_to(FOLDER.parent.parent)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
