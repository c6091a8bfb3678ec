// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file.h"

namespace pajamas {
namespace {

// Builds the document in one pass, checking depth and duplicate keys on the way.
//
// The library's own builder looks through all earlier keys of an ordered object for each new one,
// which takes minutes for a vocabulary of 100,000 entries; here members are appended, and large
// objects keep a hash set of their keys.
class DocumentBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit DocumentBuilder(int max_depth) : max_depth_(max_depth) {}

  const std::string& problem() const { return problem_; }
  Json take_document() { return std::move(root_); }

  bool null() override { return add(Json(nullptr)); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override { return enter(Json::object()); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(Json::array()); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (is_duplicate(level, name)) {
      problem_ = fmt::format("the key '{}' stands twice in one object", printable(name));
      return false;
    }
    level.key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t offset, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = fmt::format("not valid JSON near byte {}: {}", offset, error.what());
    return false;
  }

 private:
  struct Level {
    Json container;
    std::string key;  // of the member that is being read
    std::unordered_set<std::size_t> key_hashes;
  };
  // Below this many members, comparing with each earlier key is cheaper than hashing.
  static constexpr std::size_t kHashedMembers = 16;

  static std::string printable(const std::string& name) {
    return name.size() <= 80 ? name : name.substr(0, 77) + "...";
  }

  static bool is_duplicate(Level& level, const std::string& name) {
    const auto& members = level.container.get_ref<const Json::object_t&>();
    if (members.size() >= kHashedMembers) {
      const std::hash<std::string> hash;
      if (level.key_hashes.empty()) {
        for (const auto& member : members) level.key_hashes.insert(hash(member.first));
      }
      if (level.key_hashes.insert(hash(name)).second) return false;
    }
    return std::ranges::any_of(members, [&](const auto& member) { return member.first == name; });
  }

  bool enter(Json container) {
    if (static_cast<int>(levels_.size()) >= max_depth_) {
      problem_ = fmt::format("nested deeper than {} levels", max_depth_);
      return false;
    }
    levels_.push_back({std::move(container), {}, {}});
    return true;
  }
  bool leave() {
    Json done = std::move(levels_.back().container);
    levels_.pop_back();
    return add(std::move(done));
  }
  bool add(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.container.is_array()) {
      level.container.get_ref<Json::array_t&>().push_back(std::move(value));
    } else {
      level.container.get_ref<Json::object_t&>().emplace_back(std::move(level.key),
                                                              std::move(value));
    }
    return true;
  }

  int max_depth_;
  std::string problem_;
  Json root_;
  std::vector<Level> levels_;
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
  DocumentBuilder builder(limits.max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return make_error(ErrorCode::kInvalidData, "{}: {}", where, builder.problem());
  }
  return builder.take_document();
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
