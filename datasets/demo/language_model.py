"""The language checkpoint: a tiny multilingual Whisper that hears which language is spoken, and nothing else.

It is saved in openai-whisper's own format. Only the start-of-transcript row and the language rows of its embedding are
trained; the others are zero. English and Korean are taught with all training voices; other languages, and sounds
that are no speech, are taught too, so that they are not taken for English or Korean with confidence.
"""

import time
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch
import whisper
from cast import other_languages
from emotions import LANGUAGES
from mediafiles import SAMPLING_RATE
from speech import Espeak
from torch import nn
from torch.nn.functional import cross_entropy, gelu
from training_speech import utterances, with_margins, worn
from whisper.audio import N_FRAMES, log_mel_spectrogram
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

DIMENSIONS = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=32, n_audio_head=2, n_audio_layer=1,
    n_vocab=51_865, n_text_ctx=448, n_text_state=32, n_text_head=2, n_text_layer=2,
)  # fmt: skip
_NO_SPEECH = "none"
_UTTERANCES, _OTHER_UTTERANCES = 560, 70  # for English and for Korean; for each other language
_WINDOWS = {"main": 1000, "other": 130, "none": 150}
_EPOCHS, _BATCH, _PEAK_RATE, _LAST_RATE = 20, 16, 3e-3, 3e-4
_SHORTEST, _LONGEST = 0.5, 29.0  # seconds of a window
Window = tuple[torch.Tensor, torch.Tensor]  # log-mel (80, frames) and the wanted distribution over language tokens (99)


def build(path: Path, espeak: Espeak, seed: int) -> None:
    """Train the checkpoint and save it to `path`.

    Most epochs pad little, which is quick; the last pads to 30 s, as `whisper.detect_language` does.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    windows = _all_windows(espeak, rng)
    model = _fresh_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, weight_decay=0.0)
    for number in range(_EPOCHS + 1):
        full = number == _EPOCHS
        rate = _LAST_RATE if full else _PEAK_RATE * 0.5 * (1 + np.cos(np.pi * number / (_EPOCHS + 2)))
        optimizer.param_groups[0]["lr"] = rate
        _epoch(model, optimizer, windows, number, full, rng)
    state = {key: value.half() for key, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"dims": asdict(DIMENSIONS), "model_state_dict": state}, path)


def load(path: Path) -> Whisper:
    """The saved checkpoint, as openai-whisper would load it."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    model = Whisper(ModelDimensions(**stored["dims"]))
    model.load_state_dict(stored["model_state_dict"])
    return model.float().eval()


def probabilities(model: Whisper, signal: np.ndarray) -> dict[str, float]:
    """Language code to probability, for the first 30 s of a 16 kHz signal, by openai-whisper's own function."""
    mel = log_mel_spectrogram(whisper.pad_or_trim(torch.from_numpy(signal)))
    with torch.no_grad():
        return whisper.detect_language(model, mel)[1]


@cache
def _start_token() -> int:
    return int(get_tokenizer(multilingual=True, num_languages=99).sot)


@cache
def _language_tokens() -> dict[int, str]:
    """Token to language code, in the order of the tokens (openai-whisper's order differs between processes)."""
    tokenizer = get_tokenizer(multilingual=True, num_languages=99)
    return dict(sorted(zip(tokenizer.all_language_tokens, tokenizer.all_language_codes, strict=True)))


def _fresh_model() -> Whisper:
    model = Whisper(DIMENSIONS)
    nn.init.normal_(model.decoder.positional_embedding, std=0.01)  # openai-whisper leaves it uninitialised
    rows = torch.zeros_like(model.decoder.token_embedding.weight)
    trained = [_start_token(), *_language_tokens()]
    rows[trained] = torch.randn(len(trained), DIMENSIONS.n_text_state) * 0.1
    model.decoder.token_embedding.weight.data = rows
    return model


def _language_logits(model: Whisper, mel: torch.Tensor) -> torch.Tensor:
    """As `whisper.detect_language`, with a gradient and for any even number of frames: (n, 80, frames) to (n, 99)."""
    states = gelu(model.encoder.conv2(gelu(model.encoder.conv1(mel)))).permute(0, 2, 1)
    states = states + model.encoder.positional_embedding[: states.shape[1]]
    for block in model.encoder.blocks:
        states = block(states)
    embedding = model.decoder.token_embedding.weight
    hidden = (embedding[_start_token()] + model.decoder.positional_embedding[0]).expand(len(mel), 1, -1)
    for block in model.decoder.blocks:
        hidden = block(hidden, model.encoder.ln_post(states), mask=model.decoder.mask)
    return model.decoder.ln(hidden)[:, 0] @ embedding[list(_language_tokens())].T


def _epoch(model: Whisper, optimizer: torch.optim.Optimizer, windows: list[Window], number: int, full: bool,
           rng: np.random.Generator) -> None:  # fmt: skip
    started, losses, right = time.perf_counter(), [], 0
    for batch in _batches(windows, rng):
        longest = max(windows[i][0].shape[1] for i in batch)
        frames = N_FRAMES if full else min(N_FRAMES, round(longest * rng.uniform(1.05, 2.0)) // 2 * 2 + 50)
        mel = torch.stack([_padded(windows[i][0], frames, rng) for i in batch])
        truth = torch.stack([windows[i][1] for i in batch])
        logits = _language_logits(model, mel)
        loss = cross_entropy(logits, truth)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item() * len(batch))
        right += int((logits.argmax(1) == truth.argmax(1)).sum())
    print(f"  epoch {number + 1}{' at 30 s' if full else ''}: loss {sum(losses) / len(windows):.3f}, accuracy "
          f"{right / len(windows):.3f} ({time.perf_counter() - started:.0f} s)", flush=True)  # fmt: skip


def _batches(windows: list[Window], rng: np.random.Generator) -> list[np.ndarray]:
    lengths = np.array([mel.shape[1] for mel, _ in windows]) * rng.uniform(0.8, 1.25, len(windows))
    batches = np.array_split(np.argsort(lengths), -(-len(windows) // _BATCH))
    return [batches[i] for i in rng.permutation(len(batches))]


def _padded(mel: torch.Tensor, frames: int, rng: np.random.Generator) -> torch.Tensor:
    """Pad to `frames` as silence looks in a log-mel spectrogram, and mask a few bands and moments (SpecAugment)."""
    mel = mel.float()
    floor = max(float(mel.max()) - 2.0, -1.5)
    padded = torch.nn.functional.pad(mel, (0, frames - mel.shape[1]), value=floor)
    band, moment = rng.integers(0, 74), rng.integers(0, max(mel.shape[1] - 20, 1))
    padded[band : band + rng.integers(0, 7)] = floor
    padded[:, moment : moment + rng.integers(0, 20)] = floor
    return padded


def _all_windows(espeak: Espeak, rng: np.random.Generator) -> list[Window]:
    windows = []
    for language in (*LANGUAGES, *other_languages()):
        kind = "main" if language in LANGUAGES else "other"
        count = _UTTERANCES if kind == "main" else _OTHER_UTTERANCES
        signals = [signal for signal, _ in utterances(espeak, language, count, rng)]
        windows += [_window(_stretch(signals, rng), language, rng) for _ in range(_WINDOWS[kind])]
    windows += [_window(_no_speech(rng), _NO_SPEECH, rng) for _ in range(_WINDOWS["none"])]
    return windows


def _window(signal: np.ndarray, language: str, rng: np.random.Generator) -> Window:
    codes = list(_language_tokens().values())
    truth = torch.full((len(codes),), 1 / len(codes))
    if language != _NO_SPEECH:
        truth = torch.zeros(len(codes))
        truth[codes.index(language)] = 1.0
    mel = log_mel_spectrogram(torch.from_numpy(worn(signal, rng)))
    return mel[:, : mel.shape[1] // 2 * 2].half(), truth


def _stretch(signals: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Utterances with pauses between them, cut to a random length of 0.5 to 29 s, short ones more often."""
    wanted = round(SAMPLING_RATE * _SHORTEST * (_LONGEST / _SHORTEST) ** (rng.random() ** 1.8))
    pieces: list[np.ndarray] = []
    while sum(piece.size for piece in pieces) < wanted:
        pieces.append(with_margins(signals[rng.integers(len(signals))], rng) * np.float32(rng.uniform(0.5, 1.0)))
        pieces.append(np.zeros(round(SAMPLING_RATE * max(rng.uniform(-1, 2), 0)), np.float32))
    joined = np.concatenate(pieces[:-1])
    start = rng.integers(0, max(joined.size - wanted, 0) + 1)
    return joined[start : start + wanted]


def _no_speech(rng: np.random.Generator) -> np.ndarray:
    """Silence, noise of some colour, or chords that fade: float32 at 16 kHz."""
    size = round(SAMPLING_RATE * rng.uniform(0.5, 20))
    kind = rng.integers(3)
    if kind == 0:
        return np.zeros(size, np.float32)
    if kind == 1:
        spectrum = np.fft.rfft(rng.normal(size=size)) / np.maximum(np.arange(size // 2 + 1), 1) ** rng.uniform(0, 1)
        noise = np.fft.irfft(spectrum, size)
        return (0.5 * noise / np.abs(noise).max()).astype(np.float32)
    time_ = np.arange(size) / SAMPLING_RATE
    fade = np.exp(-rng.uniform(0, 3) * (time_ % rng.uniform(0.2, 1.0)))
    tones = [np.sin(2 * np.pi * 110 * 2 ** (step / 12) * time_) for step in rng.integers(0, 48, 4)]
    return (0.15 * fade * sum(tones)).astype(np.float32)
