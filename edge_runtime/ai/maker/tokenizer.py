"""The pieces of the demonstration model: SentencePiece, 1,024 of them, learnt from its own made-up text.

Digits are split one by one, and every byte has a piece, so that any number and any character can be copied.
"""

from __future__ import annotations

import io
import itertools
from typing import Any, Final

from edge_runtime.ai.maker.corpus import samples
from edge_runtime.ai.maker.sample import END, TURN

PIECES: Final = 1_024
REQUIRED: Final = "".join(map(chr, range(0x21, 0x7F))) + "áéíóúñü¿¡àâçèêëîïôùûœ°µ\u2013\u2019"
"""Characters with a piece of their own: a form can only be kept in words that pieces can spell, codes among them."""
TEXTS: Final = 4_000
"""Samples that the pieces are learnt from."""
PAD, EOS, BOS, UNK = range(4)


def train(seed: int) -> bytes:
    """The model file of a tokenizer; the same seed gives the same bytes."""
    import sentencepiece

    written = io.BytesIO()
    texts = itertools.islice(samples(seed), TEXTS)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=((one.asked + one.completion()).replace(END, "") for one in texts),
        model_writer=written,
        model_type="bpe",
        vocab_size=PIECES,
        byte_fallback=True,
        split_digits=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        pad_id=PAD,
        eos_id=EOS,
        bos_id=BOS,
        unk_id=UNK,
        pad_piece="<pad>",
        eos_piece="<eos>",
        bos_piece="<bos>",
        unk_piece="<unk>",
        required_chars=REQUIRED,
        user_defined_symbols=[TURN, END, "\n"],
        hard_vocab_limit=False,
        max_sentence_length=16_384,
        character_coverage=0.9995,
        minloglevel=2,
        num_threads=1,
    )
    return written.getvalue()


def load(model: bytes) -> Any:  # noqa: ANN401 sentencepiece says nothing of its types
    """A tokenizer from its file."""
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_proto=model)
