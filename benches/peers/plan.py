"""What is compared with what: the rows of the table, and what tympan is to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A job of a side, as the table names it, and how often a round calls it."""

    side: str
    job: str
    words: str
    calls: int = 30

    @property
    def key(self) -> tuple[str, str]:
        return (self.side, self.job)


@dataclass(frozen=True)
class Group:
    """Rows that do the same work; all are compared with the first one."""

    title: str
    words: str
    rows: list[Row]
    # how far the answers may be from those of tympan, in `unit`
    tolerance: float
    unit: str


@dataclass(frozen=True)
class Aim:
    """How many times faster than the fastest of `peers` the first row of the group is to be."""

    words: str
    group: int
    peers: list[tuple[str, str]]
    times: float


GROUPS = [
    Group(
        "One more hop of the sliding window",
        "The window is there as normalised log-mel frames; its scores are wanted. tympan convolves the frames that are "
        "new (*incremental*) or, as all others, the whole window (*from scratch*).",
        [
            Row("tympan", "hop", "**tympan, incremental**"),
            Row("tympan", "window", "tympan, from scratch"),
            Row("onnxruntime", "window", "ONNX Runtime"),
            Row("openvino", "window", "OpenVINO"),
            Row("torch", "eager", "PyTorch, eager"),
            Row("torch", "compiled", "`torch.compile`"),
            Row("torch", "compiled_frozen", "`torch.compile`, weights frozen"),
            Row("torch", "frozen", "TorchScript, frozen"),
            Row("torch", "optimised", "TorchScript, `optimize_for_inference`"),
            Row("keras", "function", "Keras in a `tf.function`"),
            Row("keras", "predict", "Keras `predict`", 8),
        ],
        1e-4,
        "of a score",
    ),
    Group(
        "A mel frame, of many",
        "Five seconds of sound in one call; a frame's share of the time.",
        [
            Row("tympan", "frames", "**tympan**", 10),
            Row("torchaudio", "frames", "torchaudio", 10),
            Row("librosa", "frames_kept_bank", "librosa, its filter bank kept", 10),
            Row("librosa", "frames", "librosa, `melspectrogram`", 10),
        ],
        0.01,
        "dB",
    ),
    Group(
        "A mel frame, live",
        "The frames of one hop in one call; a frame's share of the time. tympan gets the samples that are new, the others "
        "also those before that the frames reach back to.",
        [
            Row("tympan", "frames_of_hop", "**tympan**"),
            Row("torchaudio", "frames_of_hop", "torchaudio"),
            Row("librosa", "frames_of_hop_kept_bank", "librosa, its filter bank kept"),
            Row("librosa", "frames_of_hop", "librosa, `melspectrogram`"),
        ],
        0.01,
        "dB",
    ),
    Group(
        "All of it: from samples to scores",
        "Once a hop. tympan gets the samples that are new, librosa and Keras those of the whole window, as a notebook "
        "would do it live.",
        [
            Row("tympan", "pipeline", "**tympan**"),
            Row("keras", "pipeline", "librosa, then Keras `predict`", 8),
        ],
        1e-4,
        "of a score",
    ),
]

AIMS = [
    Aim("a hop, against the faster of ONNX Runtime and OpenVINO", 0,
        [("onnxruntime", "window"), ("openvino", "window")], 4),
    Aim("a hop, against frozen TorchScript", 0, [("torch", "frozen")], 10),
    Aim("a hop, against Keras `predict`", 0, [("keras", "predict")], 100),
    Aim("a mel frame, against torchaudio", 1, [("torchaudio", "frames")], 2),
    Aim("a mel frame, against librosa's `melspectrogram`", 1, [("librosa", "frames")], 3),
]
