"""What is compared with what: the rows of the table, and what tympan is to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A job of a side, `NETWORK.WORK`, as the table names it, and how often a round calls it."""

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


# as the folders of the comparison are named
NETWORKS = ["crnn", "mobile", "mobilenet"]


def _others(network: str) -> list[Row]:
    """Those that take ONNX files, and PyTorch; each computes a whole window."""
    return [
        Row("onnxruntime", f"{network}.window", "ONNX Runtime"),
        Row("openvino", f"{network}.window", "OpenVINO"),
        Row("torch", f"{network}.eager", "PyTorch, eager"),
        Row("torch", f"{network}.compiled", "`torch.compile`"),
        Row("torch", f"{network}.compiled_frozen", "`torch.compile`, weights frozen"),
        Row("torch", f"{network}.frozen", "TorchScript, frozen"),
        Row("torch", f"{network}.optimised", "TorchScript, `optimize_for_inference`"),
    ]


GROUPS = [
    Group(
        "One more hop of the shipped network's sliding window",
        "The network of `models/esc50` on its own, without its verifier. The window is there as normalised log-mel "
        "frames; its scores are wanted. tympan computes the frames that are new (*incremental*) or, as all others, the "
        "whole window (*from scratch*, by libtorch). The network is not written for Keras.",
        [
            Row("tympan", "mobile.scores", "**tympan, incremental**"),
            Row("tympan", "mobile.reference", "tympan, from scratch"),
            *_others("mobile"),
        ],
        1e-4,
        "of a score",
    ),
    Group(
        "One look of the shipped verifier at a window",
        "The network of `models/esc50/verifier` sees windows whole, so tympan computes all of it as well. It is not "
        "written for Keras.",
        [
            Row("tympan", "mobilenet.scores", "**tympan**"),
            Row("tympan", "mobilenet.reference", "tympan, by libtorch"),
            *_others("mobilenet"),
        ],
        1e-4,
        "of a score",
    ),
    Group(
        "One more hop of a `crnn`",
        "As the first table, with a network of plain convolutions.",
        [
            Row("tympan", "crnn.scores", "**tympan, incremental**"),
            Row("tympan", "crnn.reference", "tympan, from scratch"),
            *_others("crnn"),
            Row("keras", "crnn.function", "Keras in a `tf.function`"),
            Row("keras", "crnn.predict", "Keras `predict`", 8),
        ],
        1e-4,
        "of a score",
    ),
    Group(
        "A mel frame, of many",
        "Five seconds of sound in one call; a frame's share of the time.",
        [
            Row("tympan", "crnn.frames", "**tympan**", 10),
            Row("torchaudio", "crnn.frames", "torchaudio", 10),
            Row("librosa", "crnn.frames_kept_bank", "librosa, its filter bank kept", 10),
            Row("librosa", "crnn.frames", "librosa, `melspectrogram`", 10),
        ],
        0.01,
        "dB",
    ),
    Group(
        "A mel frame, live",
        "The frames of one hop in one call; a frame's share of the time. tympan gets the samples that are new, the others "
        "also those before that the frames reach back to.",
        [
            Row("tympan", "crnn.frames_of_hop", "**tympan**"),
            Row("torchaudio", "crnn.frames_of_hop", "torchaudio"),
            Row("librosa", "crnn.frames_of_hop_kept_bank", "librosa, its filter bank kept"),
            Row("librosa", "crnn.frames_of_hop", "librosa, `melspectrogram`"),
        ],
        0.01,
        "dB",
    ),
    Group(
        "All of it: from samples to scores",
        "Once a hop of the `crnn`. tympan gets the samples that are new, librosa and Keras those of the whole window, "
        "as a notebook would do it live.",
        [
            Row("tympan", "crnn.pipeline", "**tympan**"),
            Row("keras", "crnn.pipeline", "librosa, then Keras `predict`", 8),
        ],
        1e-4,
        "of a score",
    ),
]

AIMS = [
    Aim("a hop of the shipped network, against the faster of ONNX Runtime and OpenVINO", 0,
        [("onnxruntime", "mobile.window"), ("openvino", "mobile.window")], 10),
    Aim("a look of the verifier, against ONNX Runtime", 1, [("onnxruntime", "mobilenet.window")], 1),
    Aim("a hop of the `crnn`, against the faster of ONNX Runtime and OpenVINO", 2,
        [("onnxruntime", "crnn.window"), ("openvino", "crnn.window")], 4),
    Aim("… against frozen TorchScript", 2, [("torch", "crnn.frozen")], 10),
    Aim("… against Keras `predict`", 2, [("keras", "crnn.predict")], 100),
    Aim("a mel frame, against torchaudio", 3, [("torchaudio", "crnn.frames")], 2),
    Aim("a mel frame, against librosa's `melspectrogram`", 3, [("librosa", "crnn.frames")], 3),
]
