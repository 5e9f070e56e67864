#!/usr/bin/env python3
"""Computes tympan's figures again with other people's tools; scripts/outside_metrics.sh installs them and calls this.

    outside_metrics.py sounds FOLDER                  makes up a small dataset, background and unknown sounds
    outside_metrics.py compare FIGURES TABLES EVENTS  FIGURES: what `tympan eval --json` printed; TABLES, EVENTS: what its
                                                      --scores-tsv and --events-tsv wrote
"""

import json
import os
import pathlib
import random
import sys
import wave

import numpy as np

TOLERANCE = 1e-6
RATE = 16_000


def write_wav(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())


def make_sounds(folder):
    """Clips of labels of the shipped model, noise to place them in, and sounds that have no label. Whether the model
    recognises them does not matter here: right and wrong events are counted alike. Several labels, so that each sounds
    for less than a tenth of a scene: above that a detection without end meets PSDS's second scenario."""
    random.seed(1)
    numbers = np.random.default_rng(1)

    def time(seconds):
        return np.arange(int(seconds * RATE)) / RATE

    def hiss(seconds):
        return numbers.standard_normal(int(seconds * RATE)) * 0.1

    def rumble(seconds):
        power = np.fft.rfft(hiss(seconds))
        return np.fft.irfft(power / np.maximum(np.arange(len(power)), 100) * 100)

    def siren(seconds):
        at = time(seconds)
        return 0.3 * np.sin(2 * np.pi * (200 + 500 * at / seconds * (1 + random.random())) * at)

    def alarm(seconds):
        at = time(seconds)
        return 0.3 * np.sin(2 * np.pi * (2_000 + 30 * random.random()) * at) * (at * 4 % 1 < 0.5)

    def clicks(seconds):
        return hiss(seconds) * 4 * np.exp(-(time(seconds) * 2 % 1) * 80)

    def sweep(seconds):
        return siren(seconds)[::-1]

    def beep(seconds):
        at = time(seconds)
        return 0.3 * np.sin(2 * np.pi * (400 + 50 * random.random()) * at) * (at % 1 < 0.7)

    made = {"clips/siren": siren, "clips/clock_alarm": alarm, "clips/mouse_click": clicks, "clips/rain": hiss,
            "clips/crickets": lambda seconds: alarm(seconds) * np.sin(400 * time(seconds)), "clips/engine": rumble,
            "clips/clock_tick": lambda seconds: clicks(seconds) * np.sin(20_000 * time(seconds)),
            "clips/crying_baby": beep, "noise": rumble, "sweeps": sweep, "beeps": beep}
    for name, sound in made.items():
        for number in range(5):
            write_wav(folder / name / f"{number}.wav", sound(4 + number / 5))


class Comparison:
    """A row a figure, and whether all agree."""

    def __init__(self):
        self.failed = 0
        print(f"{'figure':<44} {'tympan':>12} {'others':>12} {'difference':>10}")

    def row(self, name, ours, theirs):
        if ours is None or theirs is None:
            agree, difference = ours is None and theirs is None, "-"
        else:
            agree, difference = abs(ours - theirs) <= TOLERANCE, f"{abs(ours - theirs):.1e}"
        cells = ["-" if value is None else f"{value:.8f}" for value in (ours, theirs)]
        print(f"{name:<44} {cells[0]:>12} {cells[1]:>12} {difference:>10}{'' if agree else '  DIFFERS'}")
        self.failed += not agree


def compare_events(rows, scores, tables, events):
    """Event F-scores, with sed_eval."""
    import sed_eval

    # sed_eval's own reader
    def load(path):
        return sed_eval.io.load_event_list(
            str(path), fields=["filename", "onset", "offset", "event_label"], csv_header=True, delimiter="\t")

    truth, found = load(tables / "ground_truth.tsv"), load(events)
    labels = sorted(truth.unique_event_labels)
    for ours in scores:
        collar, share = ours["collar"]["onset_s"], ours["collar"]["offset_share"]
        metrics = sed_eval.sound_event.EventBasedMetrics(
            event_label_list=labels, evaluate_onset=True, evaluate_offset=share is not None, t_collar=collar,
            percentage_of_length=share or 0.0, event_matching_type="optimal",
            empty_system_output_handling="zero_score")
        for scene in sorted(truth.unique_files):
            metrics.evaluate(truth.filter(filename=scene), found.filter(filename=scene))
        name = f"event F1, {collar} s{', offsets too' if share else ''}"
        micro = metrics.results_overall_metrics()["f_measure"]
        per_label = metrics.results_class_wise_average_metrics()["f_measure"]
        rows.row(f"{name}, micro", ours["micro_f1"], micro["f_measure"])
        rows.row(f"{name}, precision", ours["precision"] or 0.0, micro["precision"])
        rows.row(f"{name}, recall", ours["recall"], micro["recall"])
        rows.row(f"{name}, macro", ours["macro_f1"], per_label["f_measure"])


def compare_psds(rows, streaming, tables):
    """PSDS, with sed_scores_eval, over the labels that have true events: it takes no others."""
    import sed_scores_eval
    from sed_scores_eval.intersection_based import psds

    truth = sed_scores_eval.io.read_ground_truth_events(tables / "ground_truth.tsv")
    durations = sed_scores_eval.io.read_audio_durations(tables / "durations.tsv")
    labels = sorted({label for events in truth.values() for *_, label in events})
    scores = {
        scene: table[["onset", "offset", *labels]]
        for scene, table in sed_scores_eval.io.read_sed_scores(tables / "scores").items()
    }
    scenarios = {
        "psds_1": dict(dtc_threshold=0.7, gtc_threshold=0.7, alpha_ct=0.0, alpha_st=1.0),
        "psds_2": dict(dtc_threshold=0.1, gtc_threshold=0.1, cttc_threshold=0.3, alpha_ct=0.5, alpha_st=1.0),
    }
    for name, scenario in scenarios.items():
        theirs, *_ = psds(
            scores, truth, durations, unit_of_time="hour", max_efpr=100.0, num_jobs=os.cpu_count(), **scenario)
        rows.row(f"PSDS, scenario {name[-1]}", streaming[name], theirs)


def compare_open_set(rows, open_set, tables):
    """AUROC and FPR95, with scikit-learn; OSCR, by its definition."""
    from sklearn.metrics import roc_auc_score, roc_curve

    table = np.genfromtxt(tables / "open_set.tsv", delimiter="\t", skip_header=1, dtype=None, encoding="utf-8")
    sets, scores, correct = (np.array(column) for column in zip(*table))
    for name in ("seen", "unseen"):
        ours = open_set[name]
        if ours is None or not ours["windows"]:
            continue
        chosen = (sets == "known") | (sets == name)
        known, score, right = sets[chosen] == "known", scores[chosen], correct[chosen] == 1
        rows.row(f"AUROC, kinds {name} in training", ours["auroc"], roc_auc_score(known, score))
        false_rate, true_rate, _ = roc_curve(known, score, drop_intermediate=False)
        rows.row(f"FPR95, kinds {name} in training", ours["fpr95"], false_rate[np.argmax(true_rate >= 0.95)])
        levels = np.concatenate([[np.inf], np.unique(score)[::-1]])
        accepted_right = [np.mean(right[known] & (score[known] >= level)) for level in levels]
        accepted_unknown = [np.mean(score[~known] >= level) for level in levels]
        area = np.trapz(accepted_right, accepted_unknown)
        rows.row(f"OSCR, kinds {name} in training", ours["oscr"], area)


def compare_alarms(rows, name, alarms):
    """Upper 95 % bounds of false alarms, with SciPy."""
    from scipy.stats import chi2

    hours = alarms["seconds"] / 3600
    counted = [(name, alarms)] + [(f"{name}, {it['label']}", it) for it in alarms["by_label"]]
    for name, it in counted:
        bound = chi2.ppf(0.95, 2 * it["alarms"] + 2) / 2 / hours if hours else None
        rows.row(f"alarms/h at most, {name}", it["upper_per_hour"], bound)


def main():
    command, *paths = sys.argv[1:]
    paths = [pathlib.Path(path) for path in paths]
    if command == "sounds":
        return make_sounds(*paths)
    figures, tables, events = paths
    report = json.loads(figures.read_text())
    streaming = report["streaming"]
    rows = Comparison()
    compare_events(rows, streaming["event_scores"], tables, events)
    compare_psds(rows, streaming, tables)
    if report["open_set"]:
        compare_open_set(rows, report["open_set"], tables)
    compare_alarms(rows, "scenes", streaming["false_alarms"])
    for kind in [report["unlabelled"]["all"], *report["unlabelled"]["kinds"]] if report["unlabelled"] else []:
        compare_alarms(rows, kind["kind"], kind)
    if rows.failed:
        sys.exit(f"{rows.failed} figures differ by more than {TOLERANCE}")
    print(f"all agree within {TOLERANCE}")


if __name__ == "__main__":
    main()
