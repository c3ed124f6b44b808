"""The loaded emotion model that reads: texts in, logits out, in the order they came. Owns batching inside one call."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from actors.checkpoints.identity import Examination
from actors.checkpoints.model import batches
from actors.checkpoints.precision import choose_device, choose_precision
from actors.checkpoints.text_network import TextNetwork
from actors.checkpoints.tokens import Tokenizer, Tokens, read_tokenizer
from actors.contract import ModelSpec

_BATCH_TOKENS = {"cpu": 4096}
_GPU_BATCH_TOKENS = 65_536
"""Padded tokens in one pass of the network at most: bounds its memory whatever a caller hands over."""


class TextModel:
    """A `TextEmotionModel` over an encoder of tokens.

    Attributes:
        spec: What it is.
        weight_bytes: Memory of its weights.
    """

    def __init__(self, spec: ModelSpec, network: TextNetwork, tokenizer: Tokenizer, device: torch.device) -> None:
        self.spec = spec
        self.weight_bytes = sum(each.numel() * each.element_size() for each in network.parameters())
        self._network, self._tokenizer, self._device = network, tokenizer, device
        self._budget = _BATCH_TOKENS.get(device.type, _GPU_BATCH_TOKENS)

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score texts of any lengths; see `TextEmotionModel.logits`. An empty text is one without words.

        Raises:
            ValueError: One of them is no text, or they are one text instead of several.
        """
        if isinstance(texts, str):
            raise ValueError("texts is one str, expected a sequence of them: [text]")
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise ValueError(f"text {number} is a {type(text).__name__}, expected str")
        tokens = self._tokenizer([_readable(text) for text in texts]) if texts else []
        result = np.empty((len(texts), len(self.spec.labels)), dtype=np.float32)
        for rows in batches([len(each) for each in tokens], self._budget, equal=False):
            result[rows] = self._score([tokens[row] for row in rows])
        return result

    @torch.inference_mode()
    def _score(self, tokens: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        longest = max(len(each) for each in tokens)
        values = np.full((len(tokens), longest), self._network.padding, dtype=np.int64)
        mask = np.zeros_like(values)
        for row, valid, each in zip(values, mask, tokens, strict=True):
            row[: len(each)] = each
            valid[: len(each)] = 1
        logits = self._network(torch.from_numpy(values).to(self._device), torch.from_numpy(mask).to(self._device))
        scored: npt.NDArray[np.float32] = logits.float().cpu().numpy()
        return scored


def load_reader(found: Examination, device: str, dtype: str) -> TextModel:
    """Build what was found and bring it to a device.

    Raises:
        CheckpointError: Its weights or its tokeniser do not fit.
        ConfigError: There is no such device or precision.
    """
    place = choose_device(device)
    precision = choose_precision(dtype, place)
    network, tokens = found.family.build(found.checkpoint), found.facts.preprocessing
    assert isinstance(network, TextNetwork)  # `load_text` has seen that it reads
    assert isinstance(tokens, Tokens)
    tokenizer = read_tokenizer(tokens, network.rows, found.identity.source)
    network.use(precision)
    network.to(place)
    return TextModel(found.identity.spec(precision), network, tokenizer, place)


def _readable(text: str) -> str:
    """The text with U+FFFD for half characters, which JSON can carry and no tokeniser takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
