"""Small checkpoints in FunASR's formats with random weights, written without the package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.support.checkpoints import Tensors, stirred

EMOTION2VEC = (
    "生气/angry", "厌恶/disgusted", "恐惧/fearful", "开心/happy", "中立/neutral", "其他/other", "难过/sad",
    "吃惊/surprised", "<unk>",
)  # fmt: skip
PIECES = (
    "<unk>", "<s>", "</s>", "▁the", "기쁨", "<|en|>", "<|EMO_UNKNOWN|>", "<|HAPPY|>", "<|SAD|>", "<|ANGRY|>",
    "<|NEUTRAL|>", "<|FEARFUL|>", "<|DISGUSTED|>", "<|SURPRISED|>", "<|Speech|>", "<|woitn|>",
)  # fmt: skip
_AUDIO = "modality_encoders.AUDIO."
PREFIX = "d2v_model."
_KERNELS = (10, 3, 3, 3, 3, 2, 2)


def write_emotion2vec(
    folder: Path,
    *,
    tokens: Sequence[str] = EMOTION2VEC,
    seed: int = 0,
    hidden: int = 32,
    normalize: bool = True,
    prefix: str = PREFIX,
    nested: str | None = "model",
) -> Path:
    """Write a fine-tuned emotion2vec as iic/emotion2vec_plus_* have it: config.yaml, model.pt, tokens.txt.

    Args:
        folder: Where to; made if needed.
        tokens: One for each output; those that begin with `unuse` are none.
        seed: Of the weights.
        hidden: Width of the encoder and of its convolutions.
        normalize: Whether signals are normalised.
        prefix: Of the encoder's keys.
        nested: Under which key of model.pt the tensors lie, if any.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    shapes = {prefix + key: shape for key, shape in _emotion2vec_shapes(hidden).items()}
    shapes |= {"proj.weight": (len(tokens), hidden), "proj.bias": (len(tokens),)}
    tensors: Tensors = {key: stirred(key, torch.zeros(shape), generator) for key, shape in shapes.items()}
    torch.save({nested: tensors, "epoch": 3} if nested else tensors, folder / "model.pt")
    (folder / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(_emotion2vec_config(hidden, normalize)))
    (folder / "configuration.json").write_text('{"framework": "pytorch", "task": "emotion-recognition"}')
    return folder


def write_sensevoice(folder: Path, *, pieces: Sequence[str] = PIECES, seed: int = 0, hidden: int = 32) -> Path:
    """Write a SenseVoice as FunAudioLLM/SenseVoiceSmall has it: config.yaml, model.pt, am.mvn, a SentencePiece model.

    Args:
        folder: Where to; made if needed.
        pieces: The vocabulary.
        seed: Of the weights.
        hidden: Width of the encoder; its features are 60 wide (20 bands, 3 frames stacked).
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    shapes = _sensevoice_shapes(hidden, 60, len(pieces))
    torch.save({key: stirred(key, torch.zeros(shape), generator) for key, shape in shapes.items()}, folder / "model.pt")
    (folder / "tiny.bpe.model").write_bytes(sentencepiece_model(pieces))
    shift, scale = ("-8.3 " * 60, "0.15 " * 60)
    (folder / "am.mvn").write_text(
        f"<Nnet>\n<Splice> 60 60\n[ 0 ]\n<AddShift> 60 60\n<LearnRateCoef> 0 [ {shift}]\n"
        f"<Rescale> 60 60\n<LearnRateCoef> 0 [ {scale}]\n</Nnet>\n"
    )
    config = {
        "model": "SenseVoiceSmall", "encoder": "SenseVoiceEncoderSmall", "tokenizer": "SentencepiecesTokenizer",
        "encoder_conf": {
            "output_size": hidden, "attention_heads": 4, "linear_units": 2 * hidden, "num_blocks": 2, "tp_blocks": 1,
            "dropout_rate": 0.1, "attention_dropout_rate": 0.1, "input_layer": "pe", "kernel_size": 11, "sanm_shfit": 0,
            "normalize_before": True, "pos_enc_class": "SinusoidalPositionEncoder", "selfattention_layer_type": "sanm",
        },
        "frontend": "WavFrontend",
        "frontend_conf": {
            "fs": 16000, "window": "hamming", "n_mels": 20, "frame_length": 25, "frame_shift": 10, "lfr_m": 3,
            "lfr_n": 2, "cmvn_file": None,
        },
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def sentencepiece_model(pieces: Sequence[str]) -> bytes:
    """A SentencePiece model with these pieces: field 1 of each is its text, field 2 its score, field 3 its type."""
    message = b""
    for piece in pieces:
        text = piece.encode()
        content = b"\x0a" + bytes([len(text)]) + text + b"\x15\x00\x00\x80\xbf" + b"\x18\x04"
        message += b"\x0a" + bytes([len(content)]) + content
    return message + b"\x12\x02\x08\x01"  # the trainer's settings


def _sensevoice_shapes(hidden: int, width: int, pieces: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (16, width),
        "ctc.ctc_lo.weight": (pieces, hidden),
        "ctc.ctc_lo.bias": (pieces,),
    }
    for norm in ("after_norm", "tp_norm"):
        shapes |= {f"encoder.{norm}.weight": (hidden,), f"encoder.{norm}.bias": (hidden,)}
    for stem, size in (("encoders0.0", width), ("encoders.0", hidden), ("tp_encoders.0", hidden)):
        layers = {
            "self_attn.linear_q_k_v": (3 * hidden, size),
            "self_attn.linear_out": (hidden, hidden),
            "feed_forward.w_1": (2 * hidden, hidden),
            "feed_forward.w_2": (hidden, 2 * hidden),
        }
        for name, shape in layers.items():
            shapes |= {f"encoder.{stem}.{name}.weight": shape, f"encoder.{stem}.{name}.bias": shape[:1]}
        shapes[f"encoder.{stem}.self_attn.fsmn_block.weight"] = (hidden, 1, 11)
        for norm, length in (("norm1", size), ("norm2", hidden)):
            shapes |= {f"encoder.{stem}.{norm}.weight": (length,), f"encoder.{stem}.{norm}.bias": (length,)}
    return shapes


def _emotion2vec_shapes(hidden: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        _AUDIO + "extra_tokens": (1, 10, hidden),
        _AUDIO + "alibi_scale": (1, 1, 4, 1, 1),
        _AUDIO + "project_features.1.weight": (hidden,),
        _AUDIO + "project_features.1.bias": (hidden,),
        _AUDIO + "project_features.2.weight": (hidden, hidden),
        _AUDIO + "project_features.2.bias": (hidden,),
        _AUDIO + "context_encoder.norm.weight": (hidden,),
        _AUDIO + "context_encoder.norm.bias": (hidden,),
        _AUDIO + "decoder.proj.bias": (hidden,),  # of training
    }
    for layer, kernel in enumerate(_KERNELS):
        stem = f"{_AUDIO}local_encoder.conv_layers.{layer}"
        shapes[f"{stem}.0.weight"] = (hidden, hidden if layer else 1, kernel)
        shapes[f"{stem}.2.1.weight"] = shapes[f"{stem}.2.1.bias"] = (hidden,)
    for layer in range(1, 6):
        shapes[f"{_AUDIO}relative_positional_encoder.{layer}.0.weight"] = (hidden, hidden // 4, 19)
        shapes[f"{_AUDIO}relative_positional_encoder.{layer}.0.bias"] = (hidden,)
    for stem in ("blocks.0.", "blocks.1.", _AUDIO + "context_encoder.blocks.0."):
        shapes |= {stem + key: shape for key, shape in _block_shapes(hidden).items()}
    return shapes


def _block_shapes(hidden: int) -> dict[str, tuple[int, ...]]:
    layers = {"attn.qkv": (3, 1), "attn.proj": (1, 1), "mlp.fc1": (4, 1), "mlp.fc2": (1, 4)}
    shapes: dict[str, tuple[int, ...]] = {
        f"{norm}.{part}": (hidden,) for norm in ("norm1", "norm2") for part in ("weight", "bias")
    }
    for name, (rows, columns) in layers.items():
        shapes |= {f"{name}.weight": (rows * hidden, columns * hidden), f"{name}.bias": (rows * hidden,)}
    return shapes


def _emotion2vec_config(hidden: int, normalize: bool) -> dict[str, Any]:
    """config.yaml of the published checkpoints, in the settings that funasr's class reads."""
    audio = {
        "type": "AUDIO", "prenet_depth": 1, "prenet_layerdrop": 0.05, "prenet_dropout": 0.1,
        "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0, "num_extra_tokens": 10, "init_extra_token_zero": True,
        "local_grad_mult": 1.0, "use_alibi_encoder": True, "alibi_scale": 1.0, "learned_alibi": False,
        "alibi_max_pos": None, "learned_alibi_scale": True, "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False, "num_alibi_heads": 4, "model_depth": 2,
        "decoder": {"decoder_dim": 384, "decoder_groups": 16, "decoder_kernel": 7, "decoder_layers": 4},
        "extractor_mode": "layer_norm", "conv_pos_width": 95, "conv_pos_groups": 4, "conv_pos_depth": 5,
        "conv_pos_pre_ln": False,
        "feature_encoder_spec": f"[({hidden}, 10, 5)] + [({hidden}, 3, 2)] * 4 + [({hidden},2,2)] + [({hidden},2,2)]",
    }  # fmt: skip
    model = {
        "loss_beta": 0.0, "loss_scale": None, "depth": 2, "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0,
        "num_heads": 4, "norm_eps": 1e-5, "norm_affine": True, "encoder_dropout": 0.1, "post_mlp_drop": 0.1,
        "attention_dropout": 0.1, "activation_dropout": 0.0, "dropout_input": 0.0, "layerdrop": 0.05,
        "embed_dim": hidden, "mlp_ratio": 4.0, "layer_norm_first": False, "average_top_k_layers": 16,
        "end_of_block_targets": False, "clone_batch": 12, "normalize": normalize, "modalities": {"audio": audio},
    }  # fmt: skip
    return {"model": "Emotion2vec", "model_conf": model, "tokenizer": "CharTokenizer", "scope_map": [PREFIX, "none"]}
