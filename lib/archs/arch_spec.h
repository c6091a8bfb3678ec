// SPDX-License-Identifier: Apache-2.0
// What a family of models is, as data: which classes of config.json belong to it, how its layers
// compute, which weights it has under which names, and which GGUF keys describe it.
//
// Conversion reads the names, shapes, keys and transforms; a runtime builds its graph from the
// attention, ffn and norm fields. A family is one constant in families/; nothing here owns memory
// or changes after the program starts, so everything may be read from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace pajamas {

// A number of the model that a dimension of a tensor equals.
enum class Dim : std::uint8_t {
  kNone,       // no such dimension
  kHidden,     // hidden_size
  kVocab,      // rows of the embedding
  kHeadDim,    // one attention head
  kQuery,      // heads * head_dim
  kKeyValue,   // kv heads * head_dim
  kQkv,        // query and both key and value, fused
  kFfn,        // intermediate_size
  kTwoFfn,     // gate and up, fused
  kExperts,    // number of experts
  kExpertFfn,  // inner size of one expert
  kSharedFfn,  // inner size of the shared expert
};

// How an output tensor is made from source tensors.
enum class Transform : std::uint8_t {
  kCopy,
  kRopeQuery,       // rows of each head from half-split to interleaved pairs, query heads
  kRopeKey,         // the same, key heads
  kStackExperts,    // one source per expert ("{e}" in the name), stacked along a new first axis
  kFirstHalfRows,   // of (experts, 2 * rows, cols): the gate of a fused gate_up
  kSecondHalfRows,  // of the same: the up
  kFlatten,         // a single row (1, n) becomes a vector (n)
};

enum class Presence : std::uint8_t {
  kRequired,
  kOptional,    // written when the source has it
  kUnlessTied,  // the output head: absent when it is the embedding
};

// One output tensor, or one per block. In names "{}" is the block and "{e}" the expert. Rules of a
// group that stand next to each other with the same GGUF name are alternatives: the first whose
// source is there is used.
struct TensorRule {
  std::string_view gguf;
  std::string_view hf;
  std::array<Dim, 3> dims{};  // of the output, outermost first; kNone ends it
  Transform transform = Transform::kCopy;
  Presence presence = Presence::kRequired;
  std::string_view mlx = {};  // empty: the Hugging Face name
};
using TensorGroup = std::span<const TensorRule>;

// A config.json scalar that becomes a GGUF key of the family.
struct KeyRule {
  enum class Type : std::uint8_t { kCount, kFloat };
  std::string_view gguf;    // after "{arch}."
  std::string_view config;  // key in config.json
  Type type = Type::kCount;
  std::optional<double> default_value = {};  // when the config has none; empty: the key is left out
  // Left out as well when the config has this key with this value.
  std::string_view unless_key = {};
  std::int64_t unless_value = 0;
};

// A config value that the family's runtime takes for granted. An array counts as its length.
struct ConfigCheck {
  std::string_view config;
  std::int64_t expected = 0;
  std::string_view reason;
};

enum class QkNorm : std::uint8_t { kNone, kPerHead, kFullWidth };
// Layout of the rotary pairs in a GGUF file's q and k rows.
enum class Rope : std::uint8_t { kInterleaved, kHalves };
enum class SlidingWindow : std::uint8_t {
  kNone,
  kAllLayers,
  kEveryOther,  // layers 0, 2, 4, ...
  kFiveOfSix,   // all but every sixth layer
};
enum class Activation : std::uint8_t { kSilu, kGeluTanh };
enum class NormPlacement : std::uint8_t {
  kPre,         // before attention and before the FFN
  kPreAndPost,  // before and after both
  kPost,        // after both, before the residual is added
};
enum class Tied : std::uint8_t {
  kFromConfig,  // tie_word_embeddings; without it, whether the source has a head
  kAlways,
};

struct AttentionSpec {
  QkNorm qk_norm = QkNorm::kNone;
  bool qkv_bias = false;
  bool fused_qkv = false;
  Rope rope = Rope::kHalves;
  int rope_skipped_every = 0;  // layers 4, 8, ... (from 1) have no rotation when it is 4
  SlidingWindow sliding_window = SlidingWindow::kNone;
  double local_rope_theta = 0;  // of layers with a window, unless a key says it; 0: as the others
  bool logit_softcap = false;
  // The depth at which logits are scaled by hidden / heads in place of the head's size; 0: none.
  std::int64_t scale_by_width_at_layers = 0;
};

struct FfnSpec {
  Activation activation = Activation::kSilu;
  bool fused_gate_up = false;
};

struct MoeSpec {
  bool enabled = false;
  bool renormalize = false;    // the chosen experts' weights are made to sum to one
  bool shared_expert = false;  // gated by a sigmoid of its own router
  std::string_view expert_ffn_key = "intermediate_size";
  std::string_view shared_ffn_key = {};
};

struct NormSpec {
  NormPlacement placement = NormPlacement::kPre;
  bool stored_minus_one = false;  // the source holds w - 1, GGUF holds w
};

// Which rope.* and attention.*_length keys GGUF readers expect.
enum class RopeKeys : std::uint8_t {
  kStandard,         // freq_base and scaling
  kOnlyUnusualBase,  // freq_base, when it is not the 10000 that readers assume
  kOriginalContext,  // freq_base, original_context_length and longrope's attn_factor
};
enum class HeadDimKeys : std::uint8_t { kIfInConfig, kAlways, kNever };

struct GgufKeySpec {
  RopeKeys rope = RopeKeys::kStandard;
  HeadDimKeys head_dim = HeadDimKeys::kIfInConfig;
  bool vocab_size = false;
  bool rope_dimension_count = false;
  bool rope_freqs_tensor = false;  // llama3 rope scaling as rope_freqs.weight
  std::span<const KeyRule> extra = {};
};

// What Hugging Face assumes for keys that a config.json leaves out. Zero: the key is required, or,
// for head_dim, follows from hidden_size / heads.
struct ConfigDefaults {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // zero: as many as heads
  std::int64_t head_dim = 0;
  std::int64_t context_length = 0;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  std::int64_t original_context_length = 0;
};

// What the family knows about its tokenizer that a model folder may not say.
struct TokenizerSpec {
  std::optional<bool> add_space_prefix = {};
  std::string_view fallback_pre_tokenizer = "default";
};

// Modules that mlx-lm's model class keeps in more bits than asked for, by the end of their path.
struct MlxRule {
  std::string_view module_suffix;
  int bits = 8;
  int group_size = 64;
};

struct MlxSpec {
  bool head_when_tied = false;  // mlx-lm wants lm_head even when it is the embedding
  std::span<const MlxRule> rules = {};
};

struct ArchSpec {
  std::string_view name;  // unique, snake_case
  std::span<const std::string_view> hf_class_names;
  std::string_view model_type;  // config.json's
  std::string_view gguf_name;   // general.architecture
  // The model may stand inside a multimodal one: text_config, names with "language_model.".
  bool inside_multimodal = false;

  AttentionSpec attention = {};
  FfnSpec ffn = {};
  MoeSpec moe = {};
  NormSpec norm = {};
  bool embedding_times_sqrt_hidden = false;
  bool final_logit_softcap = false;

  Tied tied = Tied::kFromConfig;
  bool gguf_needs_output = false;  // readers insist on output.weight even when it is the embedding
  bool cut_embedding_to_vocab = false;  // rows beyond vocab_size are padding

  ConfigDefaults defaults = {};
  std::span<const ConfigCheck> checks = {};
  GgufKeySpec keys = {};
  std::span<const TensorGroup> tensors;
  TokenizerSpec tokenizer = {};
  MlxSpec mlx = {};
};

}  // namespace pajamas
