// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/tabs.h"

#include <iterator>

#include <fmt/format.h>

#include "evaluate/report/html_text.h"

namespace pajamas::report {

namespace {

constexpr std::size_t kTabCharacters = 32;

}  // namespace

// The style shows the panel behind the label of the checked button (style.cc).
std::string tabs(std::string_view id, const std::vector<Tab>& views) {
  if (views.size() == 1) return views.front().html;
  std::string html = "<div class=\"tabs\">";
  for (std::size_t i = 0; i < views.size(); ++i) {
    fmt::format_to(std::back_inserter(html),
                   "<input type=\"radio\" name=\"{0}\" id=\"{0}-{1}\"{2}><label for=\"{0}-{1}\">{3}"
                   "</label><div class=\"panel\">{4}</div>",
                   id, i, i == 0 ? " checked" : "", escape(shorten(views[i].label, kTabCharacters)),
                   views[i].html);
  }
  return html + "</div>";
}

}  // namespace pajamas::report
