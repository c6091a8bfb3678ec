#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the example model: a Llama-style decoder of 2.6 million weights that tells stories of
llamas in pajamas.

    python3 examples/train_tiny_model.py --output examples/tiny-storyteller

Writes a Hugging Face folder (config.json, generation_config.json, model.safetensors in BF16,
tokenizer.json, tokenizer_config.json). The text comes from pajama_stories.py, so nothing is
downloaded. Needs PyTorch (Debian's python3-torch is enough) and the packages `tokenizers` and
`safetensors`.
"""

import argparse
import json
import math
import pathlib
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import pajama_stories

BOS, EOS, HEADER, HEADER_END, EOT = SPECIAL_TOKENS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
]

# The pre-tokenizer pattern of Llama 3, so that readers that know that tokenizer split text the same
# way.
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 256,
    "initializer_range": 0.02,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "num_key_value_heads": 2,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": 1024,
}


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    size = CONFIG["vocab_size"] - len(SPECIAL_TOKENS)
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    assert tokenizer.get_vocab_size() == size, tokenizer.get_vocab_size()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{BOS} $A",
                pair=f"{BOS} $A {BOS} $B:1",
                special_tokens=[(BOS, tokenizer.token_to_id(BOS))],
            ),
        ]
    )
    return tokenizer


def write_folder(folder, tokenizer):
    """Everything but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    token = tokenizer.token_to_id
    config = dict(CONFIG, bos_token_id=token(BOS), eos_token_id=token(EOT))
    generation = {
        "bos_token_id": token(BOS),
        "do_sample": False,
        "eos_token_id": [token(EOS), token(EOT)],
        "max_new_tokens": 200,
    }
    added = {
        str(token(name)): {
            "content": name,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for name in SPECIAL_TOKENS
    }
    tokenizer_config = {
        "added_tokens_decoder": added,
        "bos_token": BOS,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": EOT,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": CONFIG["max_position_embeddings"],
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    for name, content in (
        ("config.json", config),
        ("generation_config.json", generation),
        ("tokenizer_config.json", tokenizer_config),
    ):
        (folder / name).write_text(json.dumps(dict(sorted(content.items())), indent=2) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))


def render_chat(turns):
    return "".join(f"{HEADER}{role}{HEADER_END}\n\n{text}{EOT}" for role, text in turns)


def encode_document(tokenizer, document):
    text = document + EOS if isinstance(document, str) else render_chat(document)
    return tokenizer.encode(text).ids


class Model(torch.nn.Module):
    """Parameter names and shapes are those of LlamaForCausalLM in a Hugging Face folder."""

    def __init__(self):
        super().__init__()
        hidden, ffn, head = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["head_dim"]
        heads, kv_heads = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
        shapes = {
            "self_attn.q_proj": (heads * head, hidden),
            "self_attn.k_proj": (kv_heads * head, hidden),
            "self_attn.v_proj": (kv_heads * head, hidden),
            "self_attn.o_proj": (hidden, heads * head),
            "mlp.gate_proj": (ffn, hidden),
            "mlp.up_proj": (ffn, hidden),
            "mlp.down_proj": (hidden, ffn),
        }
        self.weights = {
            "model.embed_tokens.weight": torch.randn(CONFIG["vocab_size"], hidden) * 0.02,
            "model.norm.weight": torch.ones(hidden),
        }
        for layer in range(CONFIG["num_hidden_layers"]):
            prefix = f"model.layers.{layer}."
            for name, (rows, cols) in shapes.items():
                self.weights[f"{prefix}{name}.weight"] = (
                    torch.randn(rows, cols) / math.sqrt(cols) * 0.7
                )
            for name in ("input_layernorm", "post_attention_layernorm"):
                self.weights[f"{prefix}{name}.weight"] = torch.ones(hidden)
        for weight in self.weights.values():
            weight.requires_grad_(True)

    def linear(self, x, name):
        return F.linear(x.bfloat16(), self.weights[name + ".weight"].bfloat16())

    def norm(self, x, name):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"])
        return x * scale * self.weights[name + ".weight"]

    def attention(self, x, prefix, cos, sin, mask):
        batch, length, _ = x.shape
        head, kv_heads = CONFIG["head_dim"], CONFIG["num_key_value_heads"]
        repeat = CONFIG["num_attention_heads"] // kv_heads

        def split(name):
            return (
                self.linear(x, prefix + name).view(batch, length, -1, head).transpose(1, 2).float()
            )

        def rotate(t):
            first, second = t.chunk(2, -1)
            return t * cos + torch.cat((-second, first), -1) * sin

        q, k, v = rotate(split("q_proj")), rotate(split("k_proj")), split("v_proj")
        k, v = (t.repeat_interleave(repeat, 1).bfloat16() for t in (k, v))
        scores = (q.bfloat16() @ k.transpose(-1, -2)).float() / math.sqrt(head) + mask
        out = (scores.softmax(-1).bfloat16() @ v).transpose(1, 2).reshape(batch, length, -1)
        return self.linear(out, prefix + "o_proj").float()

    def forward(self, ids):
        length, head = ids.shape[1], CONFIG["head_dim"]
        frequency = CONFIG["rope_theta"] ** (-torch.arange(0, head, 2).float() / head)
        angle = torch.outer(torch.arange(length).float(), torch.cat((frequency, frequency)))
        angle[:, head // 2 :] = angle[:, : head // 2]
        cos, sin = angle.cos(), angle.sin()
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = F.embedding(ids, self.weights["model.embed_tokens.weight"])
        for layer in range(CONFIG["num_hidden_layers"]):
            prefix = f"model.layers.{layer}."
            x = x + self.attention(
                self.norm(x, prefix + "input_layernorm"), prefix + "self_attn.", cos, sin, mask
            )
            h = self.norm(x, prefix + "post_attention_layernorm")
            gate, up = (
                self.linear(h, prefix + "mlp.gate_proj").float(),
                self.linear(h, prefix + "mlp.up_proj").float(),
            )
            x = x + self.linear(F.silu(gate) * up, prefix + "mlp.down_proj").float()
        return self.linear(self.norm(x, "model.norm"), "model.embed_tokens").float()


def orthogonalize(matrix):
    """Newton-Schulz iteration that pushes all singular values of a matrix towards one."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.t() if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.t()
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.t() if tall else x).float()


class Optimizer:
    """Momentum with orthogonalized updates (Muon) for the layers' matrices, Adam for the rest."""

    def __init__(self, weights, matrix_rate=0.02, other_rate=0.004):
        self.matrices = [w for name, w in weights.items() if ".layers." in name and w.dim() == 2]
        self.momenta = [torch.zeros_like(w) for w in self.matrices]
        self.matrix_rate = matrix_rate
        self.adam = torch.optim.Adam(
            [w for name, w in weights.items() if ".layers." not in name or w.dim() == 1],
            lr=other_rate,
            betas=(0.9, 0.98),
        )
        self.other_rate = other_rate

    @torch.no_grad()
    def step(self, scale):
        for group in self.adam.param_groups:
            group["lr"] = self.other_rate * scale
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        for weight, momentum in zip(self.matrices, self.momenta):
            momentum.mul_(0.95).add_(weight.grad)
            update = orthogonalize(weight.grad + 0.95 * momentum)
            rate = self.matrix_rate * scale * math.sqrt(max(1.0, weight.shape[0] / weight.shape[1]))
            weight.mul_(1.0 - 0.05 * rate).sub_(update, alpha=rate)
            weight.grad = None


def batches(tokenizer, seed, batch, length):
    """Endless batches of whole documents packed one after another."""
    stream, need = [], batch * (length + 1)
    while True:
        for document in pajama_stories.documents(seed, 1000):
            stream += encode_document(tokenizer, document)
            if len(stream) >= need:
                yield torch.tensor(stream[:need]).view(batch, length + 1)
                stream = stream[need:]
        seed += 1


def loss_of(model, rows):
    logits = model(rows[:, :-1])
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


def save_weights(model, folder):
    tensors = {
        name: weight.detach().bfloat16().contiguous() for name, weight in model.weights.items()
    }
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})


@torch.no_grad()
def generate(model, tokenizer, prompt, limit=120):
    ids = tokenizer.encode(prompt).ids
    stop = {tokenizer.token_to_id(EOS), tokenizer.token_to_id(EOT)}
    start = len(ids)
    while len(ids) - start < limit and ids[-1] not in stop:
        ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return tokenizer.decode(ids[start:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--length", type=int, default=384)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    sample = [
        encoded
        for document in pajama_stories.documents(7, 5000)
        for encoded in ([document] if isinstance(document, str) else [text for _, text in document])
    ]
    tokenizer = train_tokenizer(sample)
    write_folder(options.output, tokenizer)
    model = Model()
    print(f"{sum(w.numel() for w in model.weights.values())} weights", flush=True)
    optimizer = Optimizer(model.weights)
    held_out = next(batches(tokenizer, 10**6, options.batch, options.length))
    start = time.time()
    for step, rows in enumerate(batches(tokenizer, 1000, options.batch, options.length)):
        if step == options.steps:
            break
        loss = loss_of(model, rows)
        loss.backward()
        progress = step / options.steps
        optimizer.step(min(1.0, (step + 1) / 50) * min(1.0, (1.0 - progress) / 0.6))
        if step % 50 == 0:
            with torch.no_grad():
                print(
                    f"step {step} loss {loss.item():.4f} held out {loss_of(model, held_out).item():.4f} "
                    f"{time.time() - start:.0f} s",
                    flush=True,
                )
        if step % 200 == 199:
            save_weights(model, options.output)
    save_weights(model, options.output)

    # What was written speaks, not what was trained: the weights are read back as they were rounded.
    for name, weight in load_file(str(options.output / "model.safetensors")).items():
        model.weights[name] = weight.float()
    with torch.no_grad():
        print(f"held out {loss_of(model, held_out).item():.4f} after rounding to BF16")
    for prompt in (
        "Once upon a time",
        "One evening Olive the llama",
        render_chat([("user", "Hello!")]),
        render_chat([("user", "Tell me a story about Pablo.")]),
    ):
        if prompt.startswith(HEADER):
            prompt += f"{HEADER}assistant{HEADER_END}\n\n"
        print(f"--- {prompt!r}\n{generate(model, tokenizer, prompt)}")


if __name__ == "__main__":
    main()
