// SPDX-License-Identifier: Apache-2.0
#include "mlx_graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace pajamas_mlx {
namespace {

// Tokens of a prompt that go through the layers together.
constexpr std::int64_t kChunkTokens = 512;

mx::Dtype dtype_of(std::string_view name) {
  if (name == "f32") return mx::float32;
  if (name == "f16") return mx::float16;
  if (name == "bf16") return mx::bfloat16;
  throw std::invalid_argument("type " + std::string(name));
}

// A copy of the caller's numbers.
mx::array copy_array(const void* data, const mx::Shape& shape, mx::Dtype dtype) {
  if (dtype == mx::float32) return mx::array(static_cast<const float*>(data), shape, dtype);
  if (dtype == mx::float16) {
    return mx::array(static_cast<const mx::float16_t*>(data), shape, dtype);
  }
  if (dtype == mx::bfloat16) {
    return mx::array(static_cast<const mx::bfloat16_t*>(data), shape, dtype);
  }
  if (dtype == mx::uint8) return mx::array(static_cast<const std::uint8_t*>(data), shape, dtype);
  return mx::array(static_cast<const std::uint32_t*>(data), shape, dtype);
}

Rope make_rope(const pj_backend_rope& rope, std::int64_t pairs) {
  const std::vector<float> radians(rope.radians, rope.radians + pairs);
  return {mx::array(radians.data(), {static_cast<int>(pairs)}, mx::float32),
          static_cast<float>(rope.magnitude)};
}

mx::array columns(const mx::array& x, int begin, int end) {
  return mx::slice(x, {0, begin}, {x.shape(0), end});
}

mx::array softcap(const mx::array& x, float cap) {
  return mx::multiply(mx::tanh(mx::multiply(x, mx::array(1.0F / cap))), mx::array(cap));
}

}  // namespace

Graph::Graph(const pj_backend_numbers& numbers)
    : p_(numbers),
      has_window_(numbers.has_window, numbers.has_window + numbers.layers),
      has_rope_(numbers.has_rope, numbers.has_rope + numbers.layers),
      rope_(make_rope(numbers.rope, numbers.rotated / 2)),
      local_rope_(make_rope(numbers.local_rope, numbers.rotated / 2)),
      dtype_(mx::default_device() == mx::Device::cpu ? mx::float32 : mx::bfloat16),
      cache_(static_cast<std::size_t>(numbers.layers)) {}

void Graph::add_tensor(const pj_backend_tensor& tensor) {
  mx::Shape shape(tensor.dims, tensor.dims + tensor.rank);
  const mx::Dtype type = dtype_of(tensor.type);
  if (tensor.mode == nullptr) {
    Matrix plain{mx::astype(copy_array(tensor.data, shape, type), dtype_), {}, {}, {}};
    mx::eval(plain.weights);
    tensors_.insert_or_assign(tensor.name, std::move(plain));
    return;
  }
  const bool is_affine = std::string_view(tensor.mode) == "affine";
  mx::Shape words = shape;
  words.back() = shape.back() * tensor.bits / 32;
  mx::Shape groups = shape;
  groups.back() = shape.back() / tensor.group_size;
  Matrix matrix{copy_array(tensor.data, words, mx::uint32),
                copy_array(tensor.scales, groups, is_affine ? type : mx::uint8),
                {},
                tensor.mode,
                tensor.bits,
                tensor.group_size};
  if (is_affine) matrix.biases = copy_array(tensor.biases, groups, type);
  tensors_.insert_or_assign(tensor.name, std::move(matrix));
}

const Matrix* Graph::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const Matrix& Graph::get(const std::string& name) const {
  const Matrix* const found = find(name);
  if (found == nullptr) throw std::invalid_argument("there is no tensor '" + name + "'");
  return *found;
}

std::string Graph::in_layer(std::int64_t layer, const char* name) const {
  return "blk." + std::to_string(layer) + "." + name;
}

mx::array Graph::linear(const mx::array& x, const std::string& name) const {
  const Matrix& m = get(name + ".weight");
  mx::array out = m.scales ? mx::quantized_matmul(x, m.weights, *m.scales, m.biases, true,
                                                  m.group_size, m.bits, m.mode)
                           : mx::matmul(x, mx::transpose(m.weights));
  const Matrix* const bias = find(name + ".bias");
  if (bias != nullptr) out = mx::add(out, bias->weights);
  return mx::astype(out, dtype_);
}

mx::array Graph::norm(const mx::array& x, const std::string& name) const {
  return mx::fast::rms_norm(x, get(name + ".weight").weights, p_.rms_eps);
}

mx::array Graph::embed(std::span<const std::int32_t> tokens) const {
  const Matrix& m = get("token_embd.weight");
  const mx::array rows(tokens.data(), {static_cast<int>(tokens.size())}, mx::int32);
  mx::array x = mx::take(m.weights, rows, 0);
  if (m.scales) {
    std::optional<mx::array> biases;
    if (m.biases) biases = mx::astype(mx::take(*m.biases, rows, 0), dtype_);
    mx::array scales = mx::take(*m.scales, rows, 0);
    if (m.biases) scales = mx::astype(scales, dtype_);
    x = mx::dequantize(x, scales, biases, m.group_size, m.bits, m.mode, std::nullopt, dtype_);
  }
  x = mx::astype(x, dtype_);
  return p_.embedding_scale == 1.0F ? x : mx::multiply(x, mx::array(p_.embedding_scale, dtype_));
}

// x: (heads, rows, head_dim)
mx::array Graph::rotate(const mx::array& x, std::int64_t layer, const Batch& batch) const {
  if (has_rope_[static_cast<std::size_t>(layer)] == 0) return x;
  const Rope& rope = has_window_[static_cast<std::size_t>(layer)] != 0 ? local_rope_ : rope_;
  const mx::array angles =
      mx::multiply(mx::expand_dims(batch.positions, 1), mx::expand_dims(rope.radians, 0));
  const mx::array magnitude(rope.magnitude);
  const mx::array cos = mx::astype(mx::multiply(mx::cos(angles), magnitude), dtype_);
  const mx::array sin = mx::astype(mx::multiply(mx::sin(angles), magnitude), dtype_);
  const int heads = x.shape(0);
  const int rows = x.shape(1);
  const int pairs = static_cast<int>(p_.rotated / 2);
  // Pairs are neighbours, or half of the rotated part away from each other.
  const bool is_interleaved = p_.rope_is_interleaved != 0;
  const mx::array turned = mx::slice(x, {0, 0, 0}, {heads, rows, 2 * pairs});
  const mx::array split = is_interleaved ? mx::reshape(turned, {heads, rows, pairs, 2})
                                         : mx::reshape(turned, {heads, rows, 2, pairs});
  const int axis = is_interleaved ? 3 : 2;
  const mx::array a = mx::take(split, 0, axis);
  const mx::array b = mx::take(split, 1, axis);
  const mx::array out_a = mx::subtract(mx::multiply(a, cos), mx::multiply(b, sin));
  const mx::array out_b = mx::add(mx::multiply(a, sin), mx::multiply(b, cos));
  mx::array out = mx::reshape(mx::stack({out_a, out_b}, axis), {heads, rows, 2 * pairs});
  const int head_dim = static_cast<int>(p_.head_dim);
  if (2 * pairs < head_dim) {
    out = mx::concatenate({out, mx::slice(x, {0, 0, 2 * pairs}, {heads, rows, head_dim})}, 2);
  }
  return out;
}

// x: (rows, heads * head_dim) to (heads, rows, head_dim), normed where the family does that.
mx::array Graph::norm_heads(const mx::array& x, const std::string& name, int heads) const {
  const mx::Shape by_head = {x.shape(0), heads, static_cast<int>(p_.head_dim)};
  const bool is_normed = !name.empty() && find(name + ".weight") != nullptr;
  mx::array normed = x;
  if (is_normed && p_.qk_norm_is_per_head == 0) normed = norm(normed, name);
  normed = mx::reshape(normed, by_head);
  if (is_normed && p_.qk_norm_is_per_head != 0) normed = norm(normed, name);
  return mx::transpose(normed, {1, 0, 2});
}

mx::array Graph::attend(const mx::array& queries, const LayerCache& cache, std::int64_t layer,
                        const Batch& batch) const {
  const int kv_heads = static_cast<int>(p_.kv_heads);
  const int group = static_cast<int>(p_.heads / p_.kv_heads);
  const int head_dim = static_cast<int>(p_.head_dim);
  const int positions = cache.keys->shape(1);
  const mx::array grouped = mx::reshape(queries, {kv_heads, group, batch.rows, head_dim});
  const mx::array keys = mx::transpose(mx::expand_dims(*cache.keys, 1), {0, 1, 3, 2});
  mx::array scores = mx::multiply(mx::matmul(grouped, keys), mx::array(p_.attention_scale, dtype_));
  if (p_.attention_softcap > 0) scores = softcap(scores, p_.attention_softcap);
  const mx::array row = mx::expand_dims(batch.positions, 1);
  const mx::array column = mx::expand_dims(mx::arange(0.0, positions, mx::float32), 0);
  mx::array is_seen = mx::less_equal(column, row);
  if (has_window_[static_cast<std::size_t>(layer)] != 0) {
    const mx::array oldest = mx::subtract(row, mx::array(static_cast<float>(p_.window - 1)));
    is_seen = mx::logical_and(is_seen, mx::greater_equal(column, oldest));
  }
  const mx::array nothing(-std::numeric_limits<float>::infinity());
  const mx::array shares =
      mx::softmax(mx::where(is_seen, mx::astype(scores, mx::float32), nothing), -1);
  const mx::array out = mx::matmul(mx::astype(shares, dtype_), mx::expand_dims(*cache.values, 1));
  const mx::array by_head = mx::reshape(out, {kv_heads * group, batch.rows, head_dim});
  return mx::reshape(mx::transpose(by_head, {1, 0, 2}), {batch.rows, kv_heads * group * head_dim});
}

mx::array Graph::attention(const mx::array& x, std::int64_t layer, const Batch& batch) {
  const int heads = static_cast<int>(p_.heads);
  const int kv_heads = static_cast<int>(p_.kv_heads);
  const int query_width = heads * static_cast<int>(p_.head_dim);
  const int kv_width = kv_heads * static_cast<int>(p_.head_dim);
  const auto name = [&](const char* part) { return in_layer(layer, part); };
  mx::array qkv = mx::array(0.0F);
  if (find(name("attn_qkv.weight")) != nullptr) {
    qkv = linear(x, name("attn_qkv"));
  } else {
    qkv = mx::concatenate(
        {linear(x, name("attn_q")), linear(x, name("attn_k")), linear(x, name("attn_v"))}, 1);
  }
  const mx::array queries =
      rotate(norm_heads(columns(qkv, 0, query_width), name("attn_q_norm"), heads), layer, batch);
  mx::array keys = rotate(
      norm_heads(columns(qkv, query_width, query_width + kv_width), name("attn_k_norm"), kv_heads),
      layer, batch);
  mx::array values =
      norm_heads(columns(qkv, query_width + kv_width, query_width + 2 * kv_width), "", kv_heads);
  LayerCache& cache = cache_[static_cast<std::size_t>(layer)];
  if (cache.keys && batch.first > 0) {
    keys = mx::concatenate({*cache.keys, keys}, 1);
    values = mx::concatenate({*cache.values, values}, 1);
  }
  cache = {keys, values};
  return linear(attend(queries, cache, layer, batch), name("attn_output"));
}

mx::array Graph::activate(const mx::array& gate, const mx::array& up) const {
  if (p_.activation_is_gelu == 0) {
    return mx::multiply(mx::multiply(gate, mx::sigmoid(gate)), up);
  }
  const mx::array cube = mx::multiply(mx::multiply(gate, gate), gate);
  const mx::array inner =
      mx::multiply(mx::add(gate, mx::multiply(cube, mx::array(0.044715F, dtype_))),
                   mx::array(0.7978845608F, dtype_));  // sqrt(2 / pi)
  const mx::array share =
      mx::multiply(mx::add(mx::tanh(inner), mx::array(1.0F, dtype_)), mx::array(0.5F, dtype_));
  return mx::multiply(mx::multiply(gate, share), up);
}

// suffix: "", or "_shexp" of a shared expert.
mx::array Graph::gated_ffn(const mx::array& x, std::int64_t layer, const char* suffix) const {
  const auto name = [&](const char* part) { return in_layer(layer, part) + suffix; };
  mx::array up = linear(x, name("ffn_up"));
  if (find(name("ffn_gate") + ".weight") != nullptr) {
    return linear(activate(linear(x, name("ffn_gate")), up), name("ffn_down"));
  }
  const int width = up.shape(1) / 2;  // gate and up in one
  return linear(activate(columns(up, 0, width), columns(up, width, 2 * width)), name("ffn_down"));
}

// x: (rows, choices or 1, 1, cols); experts: (rows, choices).
mx::array Graph::expert_linear(const mx::array& x, const std::string& name,
                               const mx::array& experts) const {
  const Matrix& m = get(name + ".weight");
  const mx::array out =
      m.scales ? mx::gather_qmm(x, m.weights, *m.scales, m.biases, std::nullopt, experts, true,
                                m.group_size, m.bits, m.mode)
               : mx::gather_mm(x, mx::swapaxes(m.weights, -1, -2), std::nullopt, experts);
  return mx::astype(out, dtype_);
}

mx::array Graph::mixture(const mx::array& x, std::int64_t layer) const {
  const auto name = [&](const char* part) { return in_layer(layer, part); };
  const int used = static_cast<int>(p_.experts_used);
  const mx::array shares =
      mx::softmax(mx::astype(linear(x, name("ffn_gate_inp")), mx::float32), -1);
  const mx::array order = mx::argsort(mx::negative(shares), -1);
  const mx::array experts = mx::astype(columns(order, 0, used), mx::uint32);
  mx::array weights = mx::take_along_axis(shares, experts, -1);
  if (p_.experts_renormalize != 0) weights = mx::divide(weights, mx::sum(weights, -1, true));

  const mx::array wide = mx::expand_dims(x, std::vector<int>{1, 2});
  const mx::array activated = activate(expert_linear(wide, name("ffn_gate_exps"), experts),
                                       expert_linear(wide, name("ffn_up_exps"), experts));
  const mx::array parts = mx::squeeze(expert_linear(activated, name("ffn_down_exps"), experts), 2);
  mx::array out = mx::sum(mx::multiply(parts, mx::astype(mx::expand_dims(weights, 2), dtype_)), 1);
  if (find(name("ffn_up_shexp.weight")) != nullptr) {
    const mx::array gate = mx::sigmoid(linear(x, name("ffn_gate_inp_shexp")));
    out = mx::add(out, mx::multiply(gated_ffn(x, layer, "_shexp"), gate));
  }
  return out;
}

mx::array Graph::add_half(const mx::array& x, mx::array out, const std::string& post_norm) const {
  if (p_.norm_is_post != 0) out = norm(out, post_norm);
  if (p_.residual_scale != 1.0F) out = mx::multiply(out, mx::array(p_.residual_scale, dtype_));
  return mx::add(x, out);
}

mx::array Graph::layer(const mx::array& x, std::int64_t index, const Batch& batch) {
  const auto name = [&](const char* part) { return in_layer(index, part); };
  const auto before = [&](const mx::array& in, const char* part) {
    return p_.norm_is_pre != 0 ? norm(in, name(part)) : in;
  };
  const mx::array middle =
      add_half(x, attention(before(x, "attn_norm"), index, batch), name("post_attention_norm"));
  const mx::array input = before(middle, "ffn_norm");
  return add_half(middle, p_.experts > 0 ? mixture(input, index) : gated_ffn(input, index, ""),
                  name("post_ffw_norm"));
}

mx::array Graph::logits(const mx::array& normed) const {
  mx::array out = linear(normed, find("output.weight") != nullptr ? "output" : "token_embd");
  if (p_.logit_scale != 1.0F) out = mx::multiply(out, mx::array(1.0F / p_.logit_scale, dtype_));
  return p_.final_softcap > 0 ? softcap(out, p_.final_softcap) : out;
}

void Graph::forward(std::span<const std::int32_t> tokens, std::int64_t first,
                    const std::uint8_t* outputs, float* out) {
  const auto known = std::ranges::mismatch(cached_, tokens.first(static_cast<std::size_t>(first)));
  const std::int64_t start = known.in1 - cached_.begin();
  cached_.resize(static_cast<std::size_t>(start));
  for (LayerCache& cache : cache_) {
    if (!cache.keys || cache.keys->shape(1) == start) continue;
    const mx::Shape end = {cache.keys->shape(0), static_cast<int>(start), cache.keys->shape(2)};
    cache = {mx::slice(*cache.keys, {0, 0, 0}, end), mx::slice(*cache.values, {0, 0, 0}, end)};
  }
  const auto count = static_cast<std::int64_t>(tokens.size());
  for (std::int64_t at = start; at < count; at += kChunkTokens) {
    const std::int64_t rows = std::min(kChunkTokens, count - at);
    const auto part = tokens.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(rows));
    const Batch batch{
        at, static_cast<int>(rows),
        mx::arange(static_cast<double>(at), static_cast<double>(at + rows), mx::float32)};
    mx::array x = embed(part);
    for (std::int64_t index = 0; index < p_.layers; ++index) x = layer(x, index, batch);
    std::vector<mx::array> made = {x};
    for (const LayerCache& cache : cache_) {
      made.push_back(*cache.keys);
      made.push_back(*cache.values);
    }
    mx::eval(made);
    cached_.insert(cached_.end(), part.begin(), part.end());
    const mx::array normed = norm(x, "output_norm");
    for (std::int64_t row = std::max(at, first); row < at + rows; ++row) {
      const std::uint8_t kind = outputs[row - first];
      if (kind == PJ_OUTPUT_NOTHING) continue;
      const int index = static_cast<int>(row - at);
      mx::array wanted = mx::slice(normed, {index, 0}, {index + 1, normed.shape(1)});
      if (kind == PJ_OUTPUT_LOGITS) wanted = logits(wanted);
      wanted = mx::contiguous(mx::astype(wanted, mx::float32));
      mx::eval(wanted);
      std::memcpy(out, wanted.data<float>(), wanted.nbytes());
      out += wanted.size();
    }
  }
}

}  // namespace pajamas_mlx
