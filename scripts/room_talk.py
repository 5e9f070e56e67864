#!/usr/bin/env python3
"""Makes a recording of people who talk in a room, with sounds over it, and lists when each sound begins.

    scripts/room_talk.py talk.wav --speech FOLDER --response RESPONSE --noise ROOM --sounds CLIP... [--minutes 35] [--seed 7]

The recordings of FOLDER follow each other in random order, each at -30 dBFS, with pauses of 0.1 to 0.6 s; the sounds come over them
at equal distances, their first two seconds at -20 dBFS; all of it goes through the room's impulse response, and the room's own noise
is added at -58 dBFS. Play it into a sound server to try the daemon, or give it to `tympan classify`.

Needs numpy, scipy and soundfile.
"""

import argparse
import pathlib
from math import gcd

import numpy as np
import soundfile
from scipy.signal import fftconvolve, resample_poly

RATE = 16_000
SUFFIXES = (".flac", ".ogg", ".wav")


def load(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    divisor = gcd(rate, RATE)
    return resample_poly(samples.mean(axis=1), RATE // divisor, rate // divisor)


def at_level(samples, level_dbfs, measured=None):
    rms = np.sqrt(np.mean(np.square(samples if measured is None else measured)) + 1e-12)
    return samples * 10 ** (level_dbfs / 20) / rms


def talk(recordings, length, random):
    mixed, place = np.zeros(length), 0
    while True:
        for path in random.permutation(recordings):
            speech = at_level(load(path), -30)
            if place + len(speech) > length:
                return mixed
            mixed[place : place + len(speech)] += speech
            place += len(speech) + int(RATE * random.uniform(0.1, 0.6))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--speech", type=pathlib.Path, required=True)
    parser.add_argument("--response", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--sounds", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=35)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    length = int(options.minutes * 60 * RATE)
    recordings = sorted(str(path) for path in options.speech.rglob("*") if path.suffix in SUFFIXES)
    if not recordings:
        parser.error(f"there are no recordings in {options.speech}")
    mixed = talk(recordings, length, np.random.default_rng(options.seed))
    begins = []
    for index, path in enumerate(options.sounds):
        sound = load(path)
        sound = sound[np.argmax(np.abs(sound) > 0.02 * np.abs(sound).max()) :]
        sound = at_level(sound, -20, measured=sound[: 2 * RATE])
        begin = length * (2 * index + 1) // (2 * len(options.sounds))
        sound = sound[: length - begin]
        mixed[begin : begin + len(sound)] += sound
        begins.append((begin / RATE, path.stem))
    response = load(options.response)
    in_room = fftconvolve(mixed, response / np.sqrt(np.sum(np.square(response))))[:length]
    in_room += np.resize(at_level(load(options.noise), -58), length)
    soundfile.write(options.output, np.clip(in_room, -1, 1), RATE, subtype="PCM_16")
    for begin, name in begins:
        print(f"{begin:.1f} s  {name}")


if __name__ == "__main__":
    main()
