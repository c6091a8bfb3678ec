// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/error_heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "evaluate/report/html_text.h"
#include "evaluate/report/quality_plot.h"
#include "evaluate/report/tabs.h"
#include "evaluate/report/worst_tensors.h"

namespace pajamas::report {
namespace {

constexpr double kLabelWidth = 150;
constexpr double kRowHeight = 26;
constexpr double kHeaderHeight = 40;
constexpr double kOutsideWidth = 64;
constexpr double kNumberWidth = 44;  // a cell that is as wide shows its number
constexpr std::size_t kRowLabelCharacters = 20;
constexpr int kMostLayers = 512;  // a name may say any number

struct Rgb {
  double red = 0;
  double green = 0;
  double blue = 0;
};

// Viridis (matplotlib, CC0) at five places: even in lightness, and the same to the colour-blind.
constexpr std::array<Rgb, 5> kViridis = {
    {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}};

Rgb colour_at(double share) {
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(kViridis.size() - 1);
  const std::size_t left = std::min(static_cast<std::size_t>(at), kViridis.size() - 2);
  const double part = at - static_cast<double>(left);
  const Rgb& a = kViridis[left];
  const Rgb& b = kViridis[left + 1];
  return {a.red + part * (b.red - a.red), a.green + part * (b.green - a.green),
          a.blue + part * (b.blue - a.blue)};
}

std::string hex(const Rgb& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", static_cast<int>(std::lround(colour.red)),
                     static_cast<int>(std::lround(colour.green)),
                     static_cast<int>(std::lround(colour.blue)));
}

bool is_light(const Rgb& colour) {
  return 0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue > 140;
}

// The ratios of all models, in steps of 5 dB.
struct Scale {
  double least = 0;
  double most = 0;

  [[nodiscard]] Rgb colour_of(double snr_db) const {
    return colour_at((snr_db - least) / (most - least));
  }
};

// "ffn_up" of "blk.3.ffn_up.weight".
std::string kind_of(const TensorError& tensor) {
  std::string_view name = tensor.name;
  if (tensor.layer >= 0) name.remove_prefix(std::min(name.find('.', 4), name.size() - 1) + 1);
  if (name.ends_with(".weight")) name.remove_suffix(7);
  return std::string(name);
}

// Rows in the order in which a layer computes; what is not named here follows by name.
std::size_t rank_of(std::string_view kind) {
  constexpr auto kOrder = std::to_array<std::string_view>({"token_embd",
                                                           "attn_norm",
                                                           "attn_qkv",
                                                           "attn_q",
                                                           "attn_q_norm",
                                                           "attn_k",
                                                           "attn_k_norm",
                                                           "attn_v",
                                                           "attn_output",
                                                           "post_attention_norm",
                                                           "ffn_norm",
                                                           "ffn_gate_inp",
                                                           "ffn_gate_inp_shexp",
                                                           "ffn_gate",
                                                           "ffn_up",
                                                           "ffn_down",
                                                           "ffn_gate_exps",
                                                           "ffn_up_exps",
                                                           "ffn_down_exps",
                                                           "ffn_gate_shexp",
                                                           "ffn_up_shexp",
                                                           "ffn_down_shexp",
                                                           "post_ffw_norm",
                                                           "output_norm",
                                                           "output"});
  return static_cast<std::size_t>(std::ranges::find(kOrder, kind) - kOrder.begin());
}

struct KindOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::pair(rank_of(a), a) < std::pair(rank_of(b), b);
  }
};

bool is_exact(const TensorError& tensor) { return std::isinf(tensor.snr_db) && tensor.snr_db > 0; }

using KindSet = std::set<std::string, KindOrder>;

// What all maps share: the same rows and columns, so that they can be compared.
struct Frame {
  KindSet kinds;          // of layers, that any model changed
  KindSet outside_kinds;  // the same outside the layers
  KindSet exact_kinds;    // that no model changed
  int layers = 0;
  double cell_width = 0;
  Scale scale;
};

double cell_width_for(int layers) {
  if (layers <= 10) return 64;
  if (layers <= 18) return 46;
  return layers <= 40 ? 22 : 14;
}

Frame frame_of(const Validation& validation) {
  Frame frame;
  double least = INFINITY;
  double most = -INFINITY;
  KindSet all;
  for (const ModelQuality& model : validation.quantized) {
    for (const TensorError& tensor : model.tensors) {
      const std::string kind = kind_of(tensor);
      all.insert(kind);
      if (tensor.layer < kMostLayers) frame.layers = std::max(frame.layers, tensor.layer + 1);
      if (is_exact(tensor)) continue;
      (tensor.layer < 0 ? frame.outside_kinds : frame.kinds).insert(kind);
      if (!std::isfinite(tensor.snr_db)) continue;
      least = std::min(least, tensor.snr_db);
      most = std::max(most, tensor.snr_db);
    }
  }
  for (const std::string& kind : all) {
    if (!frame.kinds.contains(kind) && !frame.outside_kinds.contains(kind)) {
      frame.exact_kinds.insert(kind);
    }
  }
  if (least > most) least = most = 0;
  frame.scale = {5 * std::floor(least / 5), 5 * std::ceil(most / 5)};
  if (frame.scale.most <= frame.scale.least) frame.scale.most = frame.scale.least + 5;
  frame.cell_width = cell_width_for(frame.layers);
  return frame;
}

std::string cell(const TensorError& tensor, const Scale& scale, double x, double y, double width) {
  const bool is_number = std::isfinite(tensor.snr_db);
  const Rgb colour = is_number ? scale.colour_of(tensor.snr_db) : Rgb{};
  std::string svg =
      is_number ? fmt::format("<g><rect fill=\"{}\"", hex(colour))
                : fmt::format("<g><rect class=\"{}\"", is_exact(tensor) ? "exact" : "broken");
  const auto out = std::back_inserter(svg);
  fmt::format_to(out, " x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>", x, y,
                 width - 1, kRowHeight - 1);
  if (width >= kNumberWidth) {
    const std::string_view tone = is_light(colour) ? "on-light" : "on-dark";
    const std::string text = is_exact(tensor) ? "exact"
                             : is_number      ? format_fixed(tensor.snr_db, 1)
                                              : format_number(tensor.snr_db);
    fmt::format_to(out, "<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
                   is_number ? tone : "on-plain", x + (width - 1) / 2, y + kRowHeight / 2 + 4,
                   text);
  }
  fmt::format_to(out, "<title>{}: {}, SNR {} dB, relative MSE {}, largest error {}</title></g>",
                 escape(tensor.name), escape(tensor.type), format_fixed(tensor.snr_db, 2),
                 format_number(tensor.relative_mse), format_number(tensor.max_error));
  return svg;
}

std::string row_label(const std::string& kind, double y) {
  return fmt::format("<text class=\"row\" x=\"{}\" y=\"{:.1f}\">{}</text>", kLabelWidth - 10,
                     y + kRowHeight / 2 + 4, escape(shorten(kind, kRowLabelCharacters)));
}

std::string layer_numbers(const Frame& frame) {
  const int step = frame.cell_width >= 22 ? (frame.layers > 18 ? 2 : 1) : 5;
  std::string svg = fmt::format("<text class=\"row\" x=\"{}\" y=\"{}\">layer</text>",
                                kLabelWidth - 10, kHeaderHeight - 10);
  for (int layer = 0; layer < frame.layers; layer += step) {
    fmt::format_to(std::back_inserter(svg),
                   "<text class=\"column\" x=\"{:.1f}\" y=\"{}\">{}</text>",
                   kLabelWidth + (layer + 0.5) * frame.cell_width, kHeaderHeight - 10, layer);
  }
  return svg;
}

// Where each kind's row is, and where they end.
struct Rows {
  std::map<std::string, double, KindOrder> of_layers;
  std::map<std::string, double, KindOrder> outside;
  double end = kHeaderHeight;
};

std::string row_labels(const Frame& frame, Rows& rows) {
  std::string svg = frame.kinds.empty() ? "" : layer_numbers(frame);
  const auto add = [&](const KindSet& kinds, std::map<std::string, double, KindOrder>& places) {
    for (const std::string& kind : kinds) {
      places.emplace(kind, rows.end);
      svg += row_label(kind, rows.end);
      rows.end += kRowHeight;
    }
  };
  add(frame.kinds, rows.of_layers);
  if (frame.outside_kinds.empty()) return svg;
  if (!frame.kinds.empty()) rows.end += kRowHeight;
  svg += fmt::format("<text class=\"outside\" x=\"{}\" y=\"{:.1f}\">outside the layers</text>",
                     kLabelWidth, rows.end - 8);
  add(frame.outside_kinds, rows.outside);
  return svg;
}

std::string map_of(const ModelQuality& model, const Frame& frame) {
  Rows rows;
  std::string svg = row_labels(frame, rows);
  for (const TensorError& tensor : model.tensors) {
    const bool is_outside = tensor.layer < 0;
    const auto& places = is_outside ? rows.outside : rows.of_layers;
    const auto row = places.find(kind_of(tensor));
    if (row == places.end() || tensor.layer >= frame.layers) continue;
    const double width = is_outside ? kOutsideWidth : frame.cell_width;
    const double x = kLabelWidth + (is_outside ? 0 : tensor.layer * frame.cell_width);
    svg += cell(tensor, frame.scale, x, row->second, width);
  }
  const double width = kLabelWidth + std::max(frame.layers * frame.cell_width, 2 * kOutsideWidth);
  return fmt::format(
      "<div class=\"scroll\"><svg class=\"heat\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" "
      "aria-label=\"Signal-to-noise ratio by kind of tensor and layer\">{2}</svg>"
      "</div>",
      width, rows.end + 2, svg);
}

std::string colour_key(const Scale& scale) {
  constexpr double kScaleWidth = 240;
  constexpr int kSteps = 48;
  std::string svg;
  const auto out = std::back_inserter(svg);
  for (int step = 0; step < kSteps; ++step) {
    fmt::format_to(out, "<rect fill=\"{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"12\"/>",
                   hex(colour_at((step + 0.5) / kSteps)), 10 + kScaleWidth * step / kSteps,
                   kScaleWidth / kSteps + 0.5);
  }
  const double range = scale.most - scale.least;
  const double tick_step = range > 60 ? 20 : range > 25 ? 10 : 5;
  for (double value = tick_step * std::ceil(scale.least / tick_step); value <= scale.most;
       value += tick_step) {
    const double x = 10 + kScaleWidth * (value - scale.least) / range;
    fmt::format_to(out,
                   "<path class=\"axis\" d=\"M{0:.1f} 12v4\"/><text class=\"tick\" x=\"{0:.1f}\" "
                   "y=\"29\" text-anchor=\"middle\">{1:.0f}</text>",
                   x, value);
  }
  return fmt::format(
      "<p class=\"legend\"><span>more error</span><svg width=\"260\" height=\"34\" "
      "viewBox=\"0 0 260 34\" role=\"img\" aria-label=\"Colours from {:.0f} to "
      "{:.0f} dB\">{}</svg><span>less error</span><span class=\"unit\">SNR in dB"
      "</span></p>",
      scale.least, scale.most, svg);
}

std::string exact_note(const Frame& frame) {
  if (frame.exact_kinds.empty()) return "";
  std::string names;
  for (const std::string& kind : frame.exact_kinds) {
    names += names.empty() ? "" : ", ";
    names += escape(shorten(kind, kRowLabelCharacters));
  }
  return "<p class=\"note\">Not shown, because every file has them exactly: " + names + ".</p>";
}

}  // namespace

std::string error_heat_maps(const Validation& validation) {
  const bool has_errors = std::ranges::any_of(
      validation.quantized, [](const ModelQuality& model) { return !model.tensors.empty(); });
  if (!has_errors) return "";
  const Frame frame = frame_of(validation);
  if (frame.kinds.empty() && frame.outside_kinds.empty()) {
    return "<p class=\"note\">Every tensor is an exact copy.</p>";
  }
  std::vector<Tab> views;
  for (const ModelQuality& model : validation.quantized) {
    if (model.tensors.empty()) continue;
    views.push_back({short_name(validation, model), map_of(model, frame) + worst_tensors(model)});
  }
  return colour_key(frame.scale) + tabs("heat", views) + exact_note(frame);
}

}  // namespace pajamas::report
