# SPDX-License-Identifier: Apache-2.0
"""The file types that are compared, and the shape-only models they are compared on."""

# All of these work without an importance matrix.
RECIPES = [
    "F32",
    "F16",
    "BF16",
    "Q4_0",
    "Q4_1",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "Q2_K",
    "Q3_K_S",
    "Q3_K_M",
    "Q3_K_L",
    "Q4_K_S",
    "Q4_K_M",
    "Q5_K_S",
    "Q5_K_M",
    "Q6_K",
    "IQ4_NL",
    "IQ4_XS",
    "TQ1_0",
    "TQ2_0",
    "MXFP4_MOE",
]
# This one does not.
NEEDS_IMATRIX = "Q2_K_S"

# name: arguments of make_fixture. One plain model of each family, and shapes that recipes treat
# otherwise: many layers, rows that blocks of 256 do not fit, a tied head, eight experts, tensors
# that no weight of the source is.
FIXTURES = {
    family: [family]
    for family in (
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "phi3",
        "smollm3",
        "granite",
        "olmo2",
        "mixtral",
        "qwen2_moe",
        "qwen3_moe",
        "llama3",
        "phi3_longrope",
    )
}
FIXTURES |= {
    "llama deep": ["llama", "--layers", "16", "--ffn", "256"],
    "llama odd": ["llama", "--odd"],
    "llama tied": ["llama", "--tied"],
    "llama f16": ["llama", "--dtype", "f16"],
    "llama f32 in shards": ["llama", "--dtype", "f32", "--shards", "3"],
    "llama fp8": ["llama", "--dtype", "fp8"],
    "mixtral of 8": ["mixtral", "--experts", "8"],
}

# What llama.cpp's own greedy text is compared on: enough to diverge in, were there anything to
# diverge over.
STORY_PROMPTS = [
    "Once upon a time",
    "One evening Olive the llama",
    "Biscuit was a sleepy llama who lived",
    '"Good night," said the owl.',
]

# Where several words may follow: what a distribution is compared on.
BRANCHING_PROMPTS = [
    "Once upon a time there was a",
    "One evening Olive the llama put on her",
    "There once lived a llama called",
    "Every night he put on his warm",
    "That night Otto wanted to",
    "Then Lulu closed her eyes and dreamed of",
]
