// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace pajamas::http {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t begin = path.starts_with('/') ? 1 : 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    segments.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

bool is_wildcard(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool is_rest(std::string_view segment) { return segment.ends_with("...}"); }

std::string wildcard_name(std::string_view segment) {
  segment.remove_prefix(1);
  segment.remove_suffix(is_rest(segment) ? 4 : 1);
  return std::string(segment);
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::optional<Parameters> match(const std::vector<std::string>& pattern,
                                const std::vector<std::string>& path) {
  Parameters parameters;
  const bool has_rest = is_rest(pattern.back());
  if (has_rest ? path.size() < pattern.size() : path.size() != pattern.size()) return std::nullopt;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (!is_wildcard(pattern[at])) {
      if (pattern[at] != path[at]) return std::nullopt;
      continue;
    }
    std::string raw = path[at];
    if (is_rest(pattern[at])) {
      for (std::size_t more = at + 1; more < path.size(); ++more) raw += "/" + path[more];
    }
    std::string value;
    if (raw.empty() || !percent_decode(raw, value)) return std::nullopt;
    parameters.emplace_back(wildcard_name(pattern[at]), std::move(value));
  }
  return parameters;
}

}  // namespace

void Router::add(Route route) {
  PJ_CHECK(route.pattern.starts_with('/') && route.handler);
  Entry entry{.route = std::move(route), .segments = {}};
  entry.segments = split_path(entry.route.pattern);
  for (std::size_t at = 0; at < entry.segments.size(); ++at) {
    const std::string& segment = entry.segments[at];
    if (is_wildcard(segment)) entry.wildcards += is_rest(segment) ? 100 : 1;
    PJ_CHECK(!is_rest(segment) || at + 1 == entry.segments.size());
  }
  for (const Entry& other : entries_) {
    PJ_CHECK(other.route.method != entry.route.method ||
             other.route.pattern != entry.route.pattern);
  }
  const auto place = std::ranges::upper_bound(entries_, entry.wildcards, {}, &Entry::wildcards);
  entries_.insert(place, std::move(entry));
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
  const std::vector<std::string> segments = split_path(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  RouteMatch result;
  for (const Entry& entry : entries_) {
    auto parameters = match(entry.segments, segments);
    if (!parameters) continue;
    if (entry.route.method == wanted) {
      result.route = &entry.route;
      result.parameters = std::move(*parameters);
      return result;
    }
    if (!result.allowed_methods.empty()) result.allowed_methods += ", ";
    result.allowed_methods += entry.route.method == "GET" ? "GET, HEAD" : entry.route.method;
  }
  return result;
}

}  // namespace pajamas::http
