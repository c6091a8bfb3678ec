// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_results.h"

#include <cmath>
#include <span>
#include <system_error>
#include <utility>

#include "base/json.h"

namespace pajamas {
namespace {

constexpr JsonLimits kItemLimits{.max_bytes = std::uint64_t{1} << 20, .max_depth = 8};
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

std::string header_line(const ResultsHeader& header) {
  const Json json = {{"task_results", 1},
                     {"task", header.task},
                     {"few_shot", header.few_shot},
                     {"context", header.context},
                     {"model", header.model}};
  return json.dump() + "\n";
}

template <typename T>
Result<T> required(Result<std::optional<T>> value, std::string_view key, std::string_view where) {
  if (!value) return std::unexpected(value.error().with_context(where));
  if (!*value) return make_error(ErrorCode::kInvalidData, "{}: no '{}'", where, key);
  return std::move(**value);
}

Result<ChoiceResult> parse_choice(const Json& json, std::string_view where) {
  return ChoiceResult{
      .log_probability =
          PJ_TRY(required(get_number(json, "log_probability"), "log_probability", where)),
      .is_greedy = PJ_TRY(required(get_bool(json, "is_greedy"), "is_greedy", where)),
      .tokens = PJ_TRY(required(get_int(json, "tokens"), "tokens", where)),
      .characters = PJ_TRY(required(get_int(json, "characters"), "characters", where))};
}

Status check_header(std::string_view line, const std::string& expected,
                    const std::filesystem::path& path) {
  if (line == std::string_view(expected).substr(0, expected.size() - 1)) return {};
  return make_error(ErrorCode::kConflict,
                    "'{}' holds the results of another run: it begins with {}, expected {}; name "
                    "another file, or delete it",
                    path.string(), line.substr(0, 300), expected.substr(0, expected.size() - 1));
}

struct Lines {
  std::vector<std::string_view> whole;
  std::size_t bytes = 0;  // of them, line ends included
};

// What stands behind the last line end was being written when the writer ended.
Lines whole_lines(std::string_view text) {
  Lines lines;
  while (true) {
    const std::size_t end = text.find('\n', lines.bytes);
    if (end == std::string_view::npos) return lines;
    lines.whole.push_back(text.substr(lines.bytes, end - lines.bytes));
    lines.bytes = end + 1;
  }
}

}  // namespace

std::string item_line(const ItemResult& item) {
  Json choices = Json::array();
  for (const ChoiceResult& choice : item.choices) {
    choices.push_back({{"log_probability", choice.log_probability},
                       {"is_greedy", choice.is_greedy},
                       {"tokens", choice.tokens},
                       {"characters", choice.characters}});
  }
  const Json json = {{"subject", item.subject},
                     {"index", item.index},
                     {"prompt", item.prompt},
                     {"gold", item.gold},
                     {"choices", std::move(choices)}};
  return json.dump();
}

Result<ItemResult> parse_item_line(std::string_view line, std::string_view where) {
  const Json json = PJ_TRY(parse_json(line, where, kItemLimits));
  ItemResult item{.subject = PJ_TRY(required(get_string(json, "subject"), "subject", where)),
                  .index = PJ_TRY(required(get_int(json, "index"), "index", where)),
                  .prompt = PJ_TRY(required(get_string(json, "prompt"), "prompt", where)),
                  .gold = PJ_TRY(required(get_int(json, "gold"), "gold", where)),
                  .choices = {}};
  const Json* choices = find_member(json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) {
    return make_error(ErrorCode::kInvalidData, "{}: 'choices' is no list of choices", where);
  }
  for (const Json& choice : *choices) {
    item.choices.push_back(PJ_TRY(parse_choice(choice, where)));
  }
  if (item.gold < 0 || item.gold >= static_cast<std::int64_t>(item.choices.size())) {
    return make_error(ErrorCode::kInvalidData, "{}: 'gold' is {}, expected 0 to {}", where,
                      item.gold, item.choices.size() - 1);
  }
  return item;
}

Result<ResultsFile> ResultsFile::open(const std::filesystem::path& path,
                                      const ResultsHeader& header) {
  std::error_code error;
  const bool is_new = !std::filesystem::exists(path, error);
  const std::string text = is_new ? std::string() : PJ_TRY(read_text_file(path, kMaxFileBytes));
  const Lines lines = whole_lines(text);
  const std::string expected = header_line(header);
  const bool has_header = !lines.whole.empty();
  if (has_header) {
    PJ_TRY(check_header(lines.whole.front(), expected, path));
  } else if (!expected.starts_with(text)) {
    PJ_TRY(check_header(text, expected, path));
  }
  std::vector<ItemResult> found;
  for (std::size_t i = 1; i < lines.whole.size(); ++i) {
    const std::string where = fmt::format("'{}', line {}", path.string(), i + 1);
    found.push_back(PJ_TRY(parse_item_line(lines.whole[i], where)));
  }
  File file = PJ_TRY(File::open_write(path));
  PJ_TRY(file.resize(lines.bytes));
  if (!has_header) PJ_TRY(file.write_at(0, std::as_bytes(std::span(expected))));
  const std::uint64_t end = has_header ? lines.bytes : expected.size();
  return ResultsFile(std::move(file), end, std::move(found));
}

Status ResultsFile::append(const std::vector<ItemResult>& items) {
  std::string text;
  for (const ItemResult& item : items) text += item_line(item) + "\n";
  PJ_TRY(file_.write_at(end_, std::as_bytes(std::span(text))));
  end_ += text.size();
  return {};
}

}  // namespace pajamas
