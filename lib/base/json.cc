// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>
#include <set>
#include <vector>

#include "base/file.h"

namespace pajamas {
namespace {

// A SAX pass that checks depth and duplicate keys before a document is built, so that hostile
// nesting cannot exhaust the stack.
class LimitChecker : public nlohmann::json_sax<Json> {
 public:
  explicit LimitChecker(int max_depth) : max_depth_(max_depth) {}

  const std::string& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(false); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    problem_ = fmt::format("the key '{}' stands twice in one object", name);
    return false;
  }
  bool parse_error(std::size_t offset, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = fmt::format("not valid JSON near byte {}: {}", offset, error.what());
    return false;
  }

 private:
  bool enter(bool is_object) {
    if (static_cast<int>(is_object_.size()) >= max_depth_) {
      problem_ = fmt::format("nested deeper than {} levels", max_depth_);
      return false;
    }
    is_object_.push_back(is_object);
    if (is_object) keys_.emplace_back();
    return true;
  }
  bool leave() {
    if (is_object_.back()) keys_.pop_back();
    is_object_.pop_back();
    return true;
  }

  int max_depth_;
  std::string problem_;
  std::vector<bool> is_object_;
  std::vector<std::set<std::string, std::less<>>> keys_;
};

std::unexpected<Error> wrong_type(std::string_view key, const Json& value,
                                  std::string_view expected) {
  std::string found = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (found.size() > 60) found = found.substr(0, 57) + "...";
  return make_error(ErrorCode::kInvalidData, "'{}' is {}, expected {}", key, found, expected);
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return make_error(ErrorCode::kInvalidData, "{}: {} bytes of JSON, expected at most {}", where,
                      text.size(), limits.max_bytes);
  }
  LimitChecker checker(limits.max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &checker)) {
    return make_error(ErrorCode::kInvalidData, "{}: {}", where, checker.problem());
  }
  Json document = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return make_error(ErrorCode::kInvalidData, "{}: not valid JSON", where);
  }
  return document;
}

Result<Json> read_json_file(const std::filesystem::path& path, const JsonLimits& limits) {
  const std::string text = PJ_TRY(read_text_file(path, limits.max_bytes));
  return parse_json(text, fmt::format("'{}'", path.string()), limits);
}

const Json* find_member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  if (found == object.end() || found->is_null()) return nullptr;
  return &*found;
}

Result<std::optional<std::int64_t>> get_int(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) {
    return wrong_type(key, *value, "an integer below 2^63");
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  // Some configs store integers as 4096.0.
  if (value->is_number_float()) {
    const double number = value->get<double>();
    if (std::nearbyint(number) == number && std::fabs(number) < 9.0e15) {
      return static_cast<std::int64_t>(number);
    }
  }
  return wrong_type(key, *value, "an integer");
}

Result<std::optional<double>> get_number(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    return wrong_type(key, *value, "a finite number");
  }
  return value->get<double>();
}

Result<std::optional<bool>> get_bool(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return wrong_type(key, *value, "true or false");
  return value->get<bool>();
}

Result<std::optional<std::string>> get_string(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_type(key, *value, "a string");
  return value->get<std::string>();
}

}  // namespace pajamas
