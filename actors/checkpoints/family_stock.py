"""transformers' own `…ForSequenceClassification`: projector, mean over the valid frames, classifier; no activation.

The mean may come first: both layers are affine, and the mean of an affine image is the image of the mean.
Superb's checkpoints sum the hidden states of all layers, weighted, before that (`use_weighted_layer_sum`).
"""

from actors.checkpoints.pooled import PooledFamily

FAMILY = PooledFamily(
    "stock", dense="projector", output="classifier", weighted_layers=True, width_setting="classifier_proj_size"
)
