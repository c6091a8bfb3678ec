# SPDX-License-Identifier: Apache-2.0
"""Texts that tokenizers are compared on: languages, code, emoji, white space, special tokens."""

TEXTS = [
    "",
    " ",
    "\n",
    "a",
    "Once upon a time there was a sleepy llama named Lulu. She'd said: \"It's LATE!\"",
    "In 2026 he paid 1234567.89 for 12 lamps, 3x7=21, and 0.5% more; call 555-0199.",
    "def f(x):\n    return {\"a\": [x, x**2], 'b': None}  # comment\n\n\nif __name__ == '__main__':\n"
    "\tprint(f(3))\r\n",
    "#include <vector>\nstd::vector<int> v{1,2,3};\nfor (auto& x : v) { x <<= 1; }\n",
    "  leading, \t tabs\t\tand   runs   of spaces \n \n\n  before lines   ",
    " " * 100 + "x" + " " * 33,
    "x\r\ny\r\n\r\nz\r\r\n",
    "Fran\u00e7ois a d\u00e9j\u00e0 mang\u00e9 na\u00efve cr\u00e8me br\u00fbl\u00e9e; "
    "\u00dcbergr\u00f6\u00dfe, \u0141\u00f3d\u017a, e\u0301 combining a\u0301\u0302b.",
    "\u041c\u043e\u0441\u043a\u0432\u0430, \u0391\u03b8\u03ae\u03bd\u03b1, "
    "\u05e9\u05dc\u05d5\u05dd, \u0645\u0631\u062d\u0628\u0627",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4 "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u3000\u5168\u89d2\u3000\u30b9",
    "\U0001f999 in \U0001f6cf\ufe0f with \U0001f468\u200d\U0001f469\u200d\U0001f467 and "
    "\U0001f1f5\U0001f1ea!! :-) \U0001f44d\U0001f3fd\U0001f9db\u200d\u2640\ufe0f",
    "\u00a9\u2122 \u2192 \u221e \u00bd \u2460 \u00b2 \u2014 \u2026 \u00ab\u00bb \ud7ff \ufffd "
    "$100 & <tag attr='v'/>",
    "I'll we'VE they're don't 'tis O'Neil's it'S 'LL 'S '\u017f \u2019s d\u2019accord",
    "\u0130stanbul \u03a3\u0391\u03a3 \u00df \ufb01 \ufb00 \u1e9e \u01c5 \u2126 \u212b \uff21",
    "\u03a9\u2248\u00e7\u221a\u222b\u02dc\u00b5\u2264\u2265\u00f7",
    "a\x01b\x7fc\u200bd\ufeffe\u00adf\u2028g\u0085h",
    "a" * 300,
    "ab" * 200 + "-" * 100 + "=" * 77,
    "the quick brown fox. " * 40,
    "<s>hi</s> there <unk> <pad>",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|start_header_id|>user<|end_header_id|>\n\nHello!<|eot_id|> and <|end_of_text|>",
    "text<|endoftext|>more <|endoftext|> text",
    "hello <mask> world  <mask>, [MASK] [CLS] [SEP]",
    "<|user|>\nq<|end|>\n<|assistant|>",
    "1 22 333 4444 55555 666,777.888 \u0661\u0662\u0663 \u2167 0x1F 1e-9",
    "https://example.com/a?b=c&d=%20e#f user@mail.org C:\\path\\file.txt",
    "\\(x^2 + y^2\\) \\[\\sum_{i=0}^{n} \\alpha_i\\] `code` **bold** _it_",
]

# Not valid UTF-8: what a lossy decoder makes of them is what is encoded.
BROKEN = [
    b"\xff",
    b"a\x80b\xc3",
    b"caf\xc3\xa9 \xc3( \xe2\x82 \xf0\x9f\x98 end",
    b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf",
    bytes(range(128, 256)),
]
