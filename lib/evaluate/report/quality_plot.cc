// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/quality_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/human_units.h"
#include "evaluate/report/axis.h"
#include "evaluate/report/html_text.h"

namespace pajamas::report {
namespace {

// Pixels of the drawing, which scales to the page.
constexpr double kWidth = 500;
constexpr double kHeight = 360;
constexpr double kLeft = 52;
constexpr double kRight = 488;
constexpr double kTop = 14;
constexpr double kBottom = 310;
constexpr double kCharWidth = 8.3;  // of a label, about
constexpr double kLabelHeight = 15;
constexpr std::size_t kLabelCharacters = 22;

struct Point {
  double size_bytes = 0;
  double value = 0;
  std::string label;
  std::string title;
  std::string_view format;
};

// A value of the original that all points are compared with.
struct Reference {
  double value = 0;
  std::string label;
};

struct Plot {
  std::string_view value_name;
  std::string note;
  std::vector<Point> points;
  std::optional<Reference> reference;
  bool is_log = false;
};

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  [[nodiscard]] bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Where a label can stand beside its point, best first.
struct Placement {
  std::string_view anchor;
  double dx = 0;
  double dy = 0;
};
constexpr auto kPlacements = std::to_array<Placement>({{"start", 9, 4.5},
                                                       {"end", -9, 4.5},
                                                       {"middle", 0, -10},
                                                       {"middle", 0, 20},
                                                       {"start", 7, -8},
                                                       {"start", 7, 17},
                                                       {"end", -7, -8},
                                                       {"end", -7, 17},
                                                       {"middle", 0, -24},
                                                       {"middle", 0, 34}});

Box box_of(const Placement& placement, double x, double y, double width) {
  double left = x + placement.dx;
  if (placement.anchor == "end") left -= width;
  if (placement.anchor == "middle") left -= width / 2;
  const double bottom = y + placement.dy + 3;
  return {left, bottom - kLabelHeight, left + width, bottom};
}

// Puts each label where it covers no other label, point or edge, as far as that is possible.
class Labels {
 public:
  void block(const Box& box) { taken_.push_back(box); }

  const Placement& place(double x, double y, double width) {
    const Placement* chosen = &kPlacements.front();
    for (const Placement& placement : kPlacements) {
      const Box box = box_of(placement, x, y, width);
      const bool is_inside =
          box.left >= kLeft && box.right <= kWidth && box.top >= 0 && box.bottom <= kBottom;
      if (!is_inside) continue;
      chosen = &placement;
      if (std::ranges::none_of(taken_, [&](const Box& other) { return box.overlaps(other); })) {
        break;
      }
    }
    taken_.push_back(box_of(*chosen, x, y, width));
    return *chosen;
  }

 private:
  std::vector<Box> taken_;
};

// Forms as well as colours tell formats apart.
std::string mark(std::string_view format, double x, double y) {
  if (format == "mlx") {
    return fmt::format(
        "<rect class=\"mark mlx\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" "
        "height=\"10\" rx=\"1.5\"/>",
        x - 5, y - 5);
  }
  if (format == "gguf") {
    return fmt::format("<circle class=\"mark gguf\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5.5\"/>", x, y);
  }
  return fmt::format("<path class=\"mark other\" d=\"M{:.1f} {:.1f}l6.5 11h-13z\"/>", x, y - 7);
}

std::string axes(const Axis& x, const Axis& y, const ByteUnit& unit) {
  std::string svg;
  const auto out = std::back_inserter(svg);
  for (const Tick& tick : y.ticks()) {
    const double at = y.place(tick.value);
    fmt::format_to(out, "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>", kLeft, at, kRight);
    fmt::format_to(out, "<text class=\"tick\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                   kLeft - 8, at + 4.5, tick.label);
  }
  for (const Tick& tick : x.ticks()) {
    const double at = x.place(tick.value);
    fmt::format_to(out, "<path class=\"axis\" d=\"M{:.1f} {}v5\"/>", at, kBottom);
    fmt::format_to(out,
                   "<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                   at, kBottom + 20, tick.label);
  }
  fmt::format_to(out,
                 "<path class=\"axis\" d=\"M{} {}H{}\"/><text class=\"name\" x=\"{}\" y=\"{}\" "
                 "text-anchor=\"middle\">File size ({})</text>",
                 kLeft, kBottom, kRight, (kLeft + kRight) / 2, kHeight - 8, unit.name);
  return svg;
}

Axis value_axis(const Plot& plot) {
  std::vector<double> values;
  for (const Point& point : plot.points) values.push_back(point.value);
  if (plot.reference) values.push_back(plot.reference->value);
  if (plot.is_log) std::erase_if(values, [](double value) { return value <= 0; });
  if (values.empty()) values = {1};
  const auto [least, most] = std::ranges::minmax(values);
  if (plot.is_log) return Axis::logarithmic(least, most > least ? most : 10 * least);
  const double margin = most > least ? (most - least) * 0.04 : std::max(std::abs(most), 1.0) * 0.1;
  return Axis::linear(least - margin, most + margin);
}

std::string reference_line(const Reference& reference, const Axis& y, Labels& labels) {
  const double at = y.place(reference.value);
  const double width = kCharWidth * static_cast<double>(count_characters(reference.label));
  labels.block({kRight - width, at - 20, kRight, at + 2});
  return fmt::format(
      "<path class=\"reference\" d=\"M{} {:.1f}H{}\"/><text class=\"reference-label\" x=\"{}\" "
      "y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
      kLeft, at, kRight, kRight, at - 6, escape(reference.label));
}

std::string draw(const Plot& plot) {
  double most_bytes = 1;
  for (const Point& point : plot.points) most_bytes = std::max(most_bytes, point.size_bytes);
  const ByteUnit unit = byte_unit_for(most_bytes);
  Axis x = Axis::linear(0, 1.05 * most_bytes / unit.bytes);
  x.set_pixels(kLeft, kRight);
  Axis y = value_axis(plot);
  y.set_pixels(kBottom, kTop);

  std::string svg;
  const auto out = std::back_inserter(svg);
  fmt::format_to(out,
                 "<figure class=\"plot\"><figcaption>{}</figcaption><svg viewBox=\"0 0 {} {}\" "
                 "role=\"img\" aria-label=\"{} against file size\">",
                 plot.value_name, kWidth, kHeight, plot.value_name);
  svg += axes(x, y, unit);
  Labels labels;
  if (plot.reference) svg += reference_line(*plot.reference, y, labels);
  const auto place = [&](const Point& point) {
    return std::pair(x.place(point.size_bytes / unit.bytes), y.place(point.value));
  };
  for (const Point& point : plot.points) {
    const auto [px, py] = place(point);
    labels.block({px - 7, py - 7, px + 7, py + 7});
  }
  for (const Point& point : plot.points) {
    const auto [px, py] = place(point);
    const std::string label = shorten(point.label, kLabelCharacters);
    const double width = kCharWidth * static_cast<double>(count_characters(label));
    const Placement& at = labels.place(px, py, width);
    fmt::format_to(out,
                   "<g class=\"point\"><title>{}</title>{}<text class=\"label\" x=\"{:.1f}\" "
                   "y=\"{:.1f}\" text-anchor=\"{}\">{}</text></g>",
                   escape(point.title), mark(point.format, px, py), px + at.dx, py + at.dy,
                   at.anchor, escape(label));
  }
  fmt::format_to(out, "</svg><p class=\"note\">{}</p></figure>", plot.note);
  return svg;
}

// The points of a quantity; models that do not have it, or not as a number, are left out.
std::vector<Point> points_of(const Validation& validation, std::string_view quantity,
                             const std::function<double(const ModelQuality&)>& value_of) {
  std::vector<Point> points;
  for (const ModelQuality& model : validation.quantized) {
    const double value = value_of(model);
    if (!std::isfinite(value) || model.size_bytes == 0) continue;
    points.push_back(
        {.size_bytes = static_cast<double>(model.size_bytes),
         .value = value,
         .label = short_name(validation, model),
         .title = fmt::format("{}: {}, {} {}", model.name, format_bytes(model.size_bytes), quantity,
                              format_number(value)),
         .format = model.format});
  }
  return points;
}

double perplexity_of(const ModelQuality& model) {
  return model.perplexity.empty() ? NAN : model.perplexity.front().perplexity;
}

std::string legend(const Validation& validation) {
  std::string html;
  const auto has = [&](std::string_view format) {
    return std::ranges::any_of(validation.quantized,
                               [&](const ModelQuality& model) { return model.format == format; });
  };
  if (!has("mlx") || !has("gguf")) return html;
  for (const auto& [format, name] : {std::pair("gguf", "GGUF"), std::pair("mlx", "MLX")}) {
    html += fmt::format(
        "<span class=\"key\"><svg width=\"14\" height=\"14\" aria-hidden=\"true\">"
        "{}</svg>{}</span>",
        mark(format, 7, 7), name);
  }
  return "<p class=\"legend\">" + html + "</p>";
}

}  // namespace

std::string short_name(const Validation& validation, const ModelQuality& model) {
  const auto same = std::ranges::count(validation.quantized, model.method, &ModelQuality::method);
  return model.method.empty() || same > 1 ? model.name : model.method;
}

std::string quality_plots(const Validation& validation) {
  std::string html;
  const auto kl = points_of(validation, "mean KL", [](const ModelQuality& model) {
    return model.divergence ? model.divergence->kl.mean : NAN;
  });
  if (!kl.empty()) {
    std::string note = "Lower is closer to the original, whose divergence is 0";
    if (validation.original.size_bytes > 0) {
      note += " at " + format_bytes(validation.original.size_bytes);
    }
    html += draw({.value_name = "Mean KL divergence (nats)",
                  .note = note + ". Logarithmic scale.",
                  .points = kl,
                  .is_log = true});
  }
  const auto perplexity = points_of(validation, "perplexity", perplexity_of);
  if (!perplexity.empty()) {
    Plot plot{.value_name = "Perplexity", .note = "Lower is better.", .points = perplexity};
    const double original = perplexity_of(validation.original);
    if (std::isfinite(original)) {
      plot.reference = {original, "original " + format_fixed(original, 2)};
      plot.note += " The dashed line is the original.";
    }
    // A model that has lost its way would press all others onto the axis.
    const auto most = std::ranges::max(perplexity, {}, &Point::value).value;
    const auto least = std::ranges::min(perplexity, {}, &Point::value).value;
    plot.is_log = least > 0 && most > 8 * least;
    html += draw(plot);
  }
  if (html.empty()) return html;
  return legend(validation) + "<div class=\"plots\">" + html + "</div>";
}

}  // namespace pajamas::report
