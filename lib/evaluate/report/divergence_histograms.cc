// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/divergence_histograms.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "evaluate/report/axis.h"
#include "evaluate/report/html_text.h"
#include "evaluate/report/quality_plot.h"

namespace pajamas::report {
namespace {

constexpr double kHistogramWidth = 330;
constexpr double kHistogramHeight = 190;
constexpr double kPlotLeft = 40;
constexpr double kPlotRight = 322;
constexpr double kPlotTop = 26;
constexpr double kPlotBottom = 148;
constexpr std::size_t kTitleCharacters = 40;
constexpr int kFirstExponent = -8;  // of bin 0, see kDivergenceBins
constexpr std::size_t kBinsPerDecade = 4;

double edge_of(std::size_t bin) {
  return std::pow(10.0,
                  kFirstExponent + static_cast<double>(bin) / static_cast<double>(kBinsPerDecade));
}

// The decades in which any model has positions, and the largest share of a bin.
struct Range {
  std::size_t first = kDivergenceBins;
  std::size_t end = 0;
  double largest_share = 0;
};

double share_of(const DivergenceResult& divergence, std::size_t bin) {
  return static_cast<double>(divergence.histogram.at(bin)) /
         static_cast<double>(std::max<std::int64_t>(1, divergence.positions));
}

Range range_of(const Validation& validation) {
  Range range;
  for (const ModelQuality& model : validation.quantized) {
    if (!model.divergence) continue;
    for (std::size_t bin = 0; bin < kDivergenceBins; ++bin) {
      if (model.divergence->histogram.at(bin) <= 0) continue;
      range.first = std::min(range.first, bin);
      range.end = std::max(range.end, bin + 1);
      range.largest_share = std::max(range.largest_share, share_of(*model.divergence, bin));
    }
  }
  if (range.end == 0) return range;
  range.first = range.first / kBinsPerDecade * kBinsPerDecade;
  range.end = (range.end + kBinsPerDecade - 1) / kBinsPerDecade * kBinsPerDecade;
  return range;
}

struct Axes {
  Axis kl;
  Axis share;
};

std::string scales(const Axes& axes, const Range& range) {
  std::string svg;
  const auto out = std::back_inserter(svg);
  for (const Tick& tick : axes.share.ticks()) {
    const double at = axes.share.place(tick.value);
    fmt::format_to(out,
                   "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text class=\"tick\" x=\"{}\" "
                   "y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                   kPlotLeft, at, kPlotRight, kPlotLeft - 6, at + 4,
                   format_fixed(100 * tick.value, 0));
  }
  const std::size_t decades = (range.end - range.first) / kBinsPerDecade;
  const std::size_t step = decades > 6 ? 2 : 1;  // labels need room
  for (std::size_t decade = 0; decade <= decades; ++decade) {
    const double at = axes.kl.place(edge_of(range.first + decade * kBinsPerDecade));
    fmt::format_to(out, "<path class=\"axis\" d=\"M{:.1f} {}v4\"/>", at, kPlotBottom);
    if (decade % step != 0) continue;
    const int exponent = kFirstExponent + static_cast<int>(range.first / kBinsPerDecade + decade);
    fmt::format_to(out,
                   "<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                   at, kPlotBottom + 18, format_power_of_ten(exponent));
  }
  fmt::format_to(out,
                 "<path class=\"axis\" d=\"M{} {}H{}\"/><text class=\"name\" x=\"{}\" y=\"{}\" "
                 "text-anchor=\"middle\">KL divergence (nats)</text><text class=\"name\" x=\"{}\" "
                 "y=\"{}\" text-anchor=\"end\">%</text>",
                 kPlotLeft, kPlotBottom, kPlotRight, (kPlotLeft + kPlotRight) / 2,
                 kHistogramHeight - 6, kPlotLeft - 6, kPlotTop - 10);
  return svg;
}

std::string quantile_line(const Axes& axes, double value, std::string_view name, double label_y) {
  if (!(value > axes.kl.least()) || !std::isfinite(value)) return "";
  const double at = axes.kl.place(value);
  const bool is_far_right = at > kPlotRight - 50;
  return fmt::format(
      "<path class=\"quantile\" d=\"M{:.1f} {}V{}\"/><text class=\"quantile-label\" "
      "x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
      at, kPlotTop - 8, kPlotBottom, is_far_right ? at - 4 : at + 4, label_y,
      is_far_right ? "end" : "start", name);
}

std::string panel(const std::string& name, const DivergenceResult& divergence, const Range& range,
                  const Axes& axes) {
  std::string svg;
  const auto out = std::back_inserter(svg);
  fmt::format_to(out,
                 "<figure class=\"histogram\"><figcaption>{}</figcaption><svg viewBox=\"0 0 {} "
                 "{}\" role=\"img\" aria-label=\"Histogram of the KL divergence of {}\">",
                 escape(name), kHistogramWidth, kHistogramHeight, escape(name));
  svg += scales(axes, range);
  for (std::size_t bin = range.first; bin < range.end; ++bin) {
    const double share = share_of(divergence, bin);
    if (share <= 0) continue;
    const double left = axes.kl.place(edge_of(bin));
    const double right = axes.kl.place(edge_of(bin + 1));
    const double top = axes.share.place(share);
    fmt::format_to(out,
                   "<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                   "height=\"{:.1f}\"><title>{} to {}: {} of {} positions</title></rect>",
                   left + 0.5, top, right - left - 1, kPlotBottom - top,
                   format_number(edge_of(bin)), format_number(edge_of(bin + 1)),
                   divergence.histogram.at(bin), divergence.positions);
  }
  svg += quantile_line(axes, divergence.kl.median, "median", kPlotTop - 2);
  svg += quantile_line(axes, divergence.kl.p99, "99 %", kPlotTop + 11);
  fmt::format_to(out, "</svg><p class=\"note\">median {}, 99 % {}, largest {}</p></figure>",
                 format_number(divergence.kl.median), format_number(divergence.kl.p99),
                 format_number(divergence.kl.maximum));
  return svg;
}

}  // namespace

std::string divergence_histograms(const Validation& validation) {
  const Range range = range_of(validation);
  if (range.end == 0) return "";
  Axes axes{.kl = Axis::logarithmic(edge_of(range.first), edge_of(range.end) * (1 - 1e-12)),
            .share = Axis::linear(0, range.largest_share)};
  axes.kl.set_pixels(kPlotLeft, kPlotRight);
  axes.share.set_pixels(kPlotBottom, kPlotTop);
  std::string html;
  for (const ModelQuality& model : validation.quantized) {
    if (!model.divergence) continue;
    html += panel(shorten(short_name(validation, model), kTitleCharacters), *model.divergence,
                  range, axes);
  }
  return "<div class=\"histograms\">" + html + "</div>";
}

}  // namespace pajamas::report
