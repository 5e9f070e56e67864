"""The bundle's network as a Keras user would write it: channels last, as TensorFlow computes on processors."""

import keras
from keras import layers

from bundle import Bundle


def network(bundle: Bundle) -> keras.Model:
    """`[batch, frames, mel_bands]` normalised log-mel to `[batch, labels]` scores, with the bundle's weights."""
    windows = keras.Input((bundle.frames, bundle.mel_bands))
    columns = layers.Reshape((bundle.frames, bundle.mel_bands, 1))(windows)
    for index, block in enumerate(bundle.network["blocks"]):
        # padded in frequency, not in time
        columns = layers.ZeroPadding2D((0, 1))(columns)
        columns = layers.Conv2D(block["channels"], 3, use_bias=False, name=f"conv{index}")(columns)
        columns = layers.BatchNormalization(epsilon=1e-5, name=f"norm{index}")(columns)
        columns = layers.ReLU()(columns)
        columns = layers.MaxPooling2D((block["time_pool"], block["band_pool"]))(columns)
    _, features, bands, channels = columns.shape
    # the projection's weights want the bands of a channel side by side
    stacked = layers.Reshape((features, channels * bands))(layers.Permute((1, 3, 2))(columns))
    projected = layers.Dense(bundle.network["projection"], "relu", name="projection")(stacked)
    hidden = bundle.network["lstm_hidden"]
    states = layers.LSTM(hidden, return_sequences=True, name="lstm")(projected)
    if bundle.has_attention():
        weights = layers.Dense(1, use_bias=False, name="attention")(states)
        pooled = layers.Dot(axes=1)([layers.Softmax(axis=1)(weights), states])
        pooled = layers.Reshape((hidden,))(pooled)
    else:
        pooled = layers.GlobalAveragePooling1D()(states)
    scores = layers.Dense(bundle.labels, "sigmoid", name="output")(pooled)
    model = keras.Model(windows, scores)
    for layer in model.layers:
        values = weights_of(bundle, layer.name)
        if values:
            layer.set_weights(values)
    return model


def weights_of(bundle: Bundle, layer: str) -> list:
    """The bundle's weights of a layer, in Keras' order and layouts; empty for a layer that has none."""
    weights = bundle.weights
    if layer.startswith("conv"):
        kernel = weights[f"block{layer.removeprefix('conv')}.conv.weight"]
        return [kernel.transpose(3, 2, 1, 0)]  # [out, in, bands, frames] -> [frames, bands, in, out]
    if layer.startswith("norm"):
        norm = f"block{layer.removeprefix('norm')}.norm."
        return [weights[norm + name] for name in ("weight", "bias", "running_mean", "running_var")]
    if layer == "lstm":
        # the gates stand in the same order: in, forget, cell, out
        bias = weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"]
        return [weights["lstm.weight_ih_l0"].T, weights["lstm.weight_hh_l0"].T, bias]
    if layer == "attention":
        return [weights["attention.weight"].T]
    if layer in ("projection", "output"):
        return [weights[f"{layer}.weight"].T, weights[f"{layer}.bias"]]
    return []
