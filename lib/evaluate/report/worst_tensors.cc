// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/worst_tensors.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "evaluate/report/html_text.h"

namespace pajamas::report {
namespace {

constexpr std::size_t kShown = 5;
constexpr std::size_t kTensorNameCharacters = 60;

// What is not a number is worse than any.
double badness(const TensorError& tensor) {
  return std::isnan(tensor.snr_db) ? INFINITY : -tensor.snr_db;
}

}  // namespace

std::string worst_tensors(const ModelQuality& model) {
  std::vector<const TensorError*> tensors;
  for (const TensorError& tensor : model.tensors) {
    if (badness(tensor) > -INFINITY) tensors.push_back(&tensor);
  }
  if (tensors.empty()) return "";
  std::ranges::stable_sort(tensors, std::ranges::greater(),
                           [](const TensorError* tensor) { return badness(*tensor); });
  if (tensors.size() > kShown) tensors.resize(kShown);
  std::string body;
  for (const TensorError* tensor : tensors) {
    fmt::format_to(std::back_inserter(body),
                   "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td "
                   "class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                   escape(shorten(tensor->name, kTensorNameCharacters)),
                   escape(shorten(tensor->type, kTensorNameCharacters)),
                   format_fixed(tensor->snr_db, 2), format_number(tensor->relative_mse),
                   format_number(tensor->max_error));
  }
  return "<h3 class=\"worst-heading\">Lowest signal-to-noise ratios</h3><div "
         "class=\"scroll\"><table "
         "class=\"worst\"><thead><tr><th scope=\"col\">Tensor</th><th scope=\"col\">Type</th><th "
         "scope=\"col\" class=\"number\">SNR (dB)</th><th scope=\"col\" class=\"number\">Relative "
         "MSE"
         "</th><th scope=\"col\" class=\"number\">Largest error</th></tr></thead><tbody>" +
         body + "</tbody></table></div>";
}

}  // namespace pajamas::report
