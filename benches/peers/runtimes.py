"""Each runtime as a function from one window, `[1, frames, mel_bands]`, to its scores, `[labels]`; on one thread.

A function here imports its runtime itself, so that one that is missing is missing alone.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bundle import Bundle

Score = Callable[[np.ndarray], np.ndarray]


def _scored_by(module) -> Score:
    """A PyTorch module, of whatever making, as a function on arrays."""
    import torch

    def score(window: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.from_numpy(window)).numpy()[0]

    return score


def _torch_network(bundle: Bundle):
    import torch
    import torch_network

    torch.set_num_threads(1)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)
    return torch_network.network(bundle)


def torch_eager(bundle: Bundle, _folder: Path) -> Score:
    return _scored_by(_torch_network(bundle))


def torch_compiled(bundle: Bundle, _folder: Path) -> Score:
    import torch

    return _scored_by(torch.compile(_torch_network(bundle), dynamic=False))


def torch_compiled_frozen(bundle: Bundle, _folder: Path) -> Score:
    """With weights as constants: batch norm folded, weights packed once."""
    import torch

    return _scored_by(torch.compile(_torch_network(bundle), dynamic=False, options={"freezing": True}))


def _frozen(bundle: Bundle):
    import torch
    from torch_network import example

    return torch.jit.freeze(torch.jit.trace(_torch_network(bundle), example(bundle)))


def torch_frozen(bundle: Bundle, _folder: Path) -> Score:
    return _scored_by(_frozen(bundle))


def torch_optimised(bundle: Bundle, _folder: Path) -> Score:
    import torch

    return _scored_by(torch.jit.optimize_for_inference(_frozen(bundle)))


def onnx_runtime(_bundle: Bundle, folder: Path) -> Score:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    file = str(folder / "network.onnx")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda window: session.run(None, {"windows": window})[0][0]


def openvino(_bundle: Bundle, folder: Path) -> Score:
    import openvino

    options = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # else it may take 16-bit numbers, and its scores would not be the others'
        "INFERENCE_PRECISION_HINT": "f32",
        # the process is on one core already
        "ENABLE_CPU_PINNING": False,
    }
    request = openvino.Core().compile_model(folder / "network.onnx", "CPU", options).create_infer_request()

    def score(window: np.ndarray) -> np.ndarray:
        request.infer([window], share_inputs=True)
        # its own buffer, which the next call fills anew
        return request.get_output_tensor().data[0].copy()

    return score


def _keras_network(bundle: Bundle):
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras_network

    return keras_network.network(bundle)


def keras_predict(bundle: Bundle, _folder: Path) -> Score:
    model = _keras_network(bundle)
    return lambda window: model.predict(window, verbose=0)[0]


def keras_function(bundle: Bundle, _folder: Path) -> Score:
    import tensorflow

    model = _keras_network(bundle)
    shape = tensorflow.TensorSpec((1, bundle.frames, bundle.mel_bands), tensorflow.float32)
    function = tensorflow.function(lambda window: model(window, training=False), input_signature=[shape])
    return lambda window: function(window).numpy()[0]


def librosa_and_keras(bundle: Bundle, folder: Path) -> Score:
    """The whole way from a window's samples, as a notebook would go it live."""
    from front_ends import librosa_frames

    log_mel, predict = librosa_frames(bundle), keras_predict(bundle, folder)

    def score(samples: np.ndarray) -> np.ndarray:
        normalised = (log_mel(samples) - bundle.mean) / bundle.deviation
        return predict(normalised[np.newaxis].astype(np.float32))

    return score
