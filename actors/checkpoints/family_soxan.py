"""The layout of github.com/m3hrdad/soxan: frames pooled as `config.pooling_mode` says, dense, tanh, out_proj.

transformers loads it without an error into its own class, with a random head. The published code pools over padding
too; the reference is one signal at a time, so here only valid frames count. audeering's dimensional model (arousal,
dominance, valence) has this shape as well.
"""

from actors.checkpoints.pooled import PooledFamily

FAMILY = PooledFamily(
    "soxan", dense="classifier.dense", output="classifier.out_proj", tanh=True, pooling_setting="pooling_mode"
)
