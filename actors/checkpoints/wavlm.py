"""WavLM's attention through torch's fused kernel. transformers 5 computes all weights only to average them away.

The fused kernel is several times faster, and takes the mask of padded frames without a deprecation warning a layer.
"""

from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def use_fused_attention(backbone: nn.Module) -> None:
    """Replace the attention of every WavLM layer in `backbone`; other backbones are left as they are."""
    for layer in backbone.modules():
        if hasattr(layer, "torch_multi_head_self_attention"):
            layer.__dict__["torch_multi_head_self_attention"] = MethodType(_attend, layer)


def _attend(
    layer: Any, states: torch.Tensor, mask: torch.Tensor | None, position_bias: torch.Tensor
) -> tuple[torch.Tensor, None]:
    """softmax(QKᵀ/√d + bias)V, per head.

    Args:
        layer: transformers' WavLMAttention.
        states: (n, frames, hidden).
        mask: (n, frames), true where a frame is valid; None: all are.
        position_bias: Gated bias of relative positions, (n · heads, frames, frames).
    """
    count, frames, hidden = states.shape
    bias = position_bias.view(count, layer.num_heads, frames, frames)
    if mask is not None:
        bias = bias.masked_fill(mask[:, None, None, :].logical_not(), -torch.inf)
    query, key, value = (
        project(states).view(count, frames, layer.num_heads, layer.head_dim).transpose(1, 2)
        for project in (layer.q_proj, layer.k_proj, layer.v_proj)
    )
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
    return layer.out_proj(mixed.transpose(1, 2).reshape(count, frames, hidden)), None
