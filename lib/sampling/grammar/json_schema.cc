// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/json_schema.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sampling/grammar/gbnf_text.h"
#include "sampling/grammar/json_grammar.h"
#include "sampling/grammar/json_schema_merge.h"
#include "sampling/grammar/pattern_grammar.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxSchemaValues = 20'000;
constexpr int kMaxSchemaNesting = 64;
constexpr int kMaxInlinedParts = 1'000;  // merges of one schema
constexpr std::size_t kMaxVisits = 50'000;
constexpr std::size_t kMaxGrammarBytes = std::size_t{3} << 20;
// As the grammar's own limit of repetitions.
constexpr std::int64_t kMaxCount = 100'000;

constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                       "integer", "boolean", "null"};

struct TypeKeyword {
  std::string_view keyword;
  std::string_view type;
};
constexpr TypeKeyword kTypeKeywords[] = {
    {"properties", "object"},    {"required", "object"},         {"additionalProperties", "object"},
    {"minProperties", "object"}, {"maxProperties", "object"},    {"items", "array"},
    {"prefixItems", "array"},    {"additionalItems", "array"},   {"minItems", "array"},
    {"maxItems", "array"},       {"minLength", "string"},        {"maxLength", "string"},
    {"pattern", "string"},       {"format", "string"},           {"minimum", "number"},
    {"maximum", "number"},       {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"},
};
constexpr std::string_view kOtherKeywords[] = {"type",  "enum",  "const", "anyOf",
                                               "oneOf", "allOf", "$ref",  "nullable"};

std::size_t count_values(const Json& json, std::size_t limit) {
  std::size_t count = 1;
  if (json.is_structured()) {
    for (const Json& child : json) {
      if (count > limit) break;
      count += count_values(child, limit - count);
    }
  }
  return count;
}

bool is_of_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return value.is_number_integer() ||
         (value.is_number_float() && std::nearbyint(value.get<double>()) == value.get<double>());
}

class SchemaConverter {
 public:
  explicit SchemaConverter(const Json& root) : root_(root) {}

  Result<std::string> convert() {
    if (count_values(root_, kMaxSchemaValues) > kMaxSchemaValues) {
      return make_error(ErrorCode::kInvalidArgument,
                        "JSON schema: more than {} values, expected a smaller schema",
                        kMaxSchemaValues);
    }
    const std::string start = PJ_TRY(reference_rule("#"));
    rules_.add("root", start);
    while (!pending_.empty()) {
      const auto [reference, rule] = std::move(pending_.front());
      pending_.pop_front();
      const Json* target = PJ_TRY(resolve_reference(root_, reference));
      rules_.add(rule, PJ_TRY(expression_of(*target, {reference, rule, 0})));
    }
    return rules_.text();
  }

 private:
  // Where in the schema an error is, what new rules are called, and how deep it is.
  struct Place {
    std::string path;
    std::string rule;
    int nesting = 0;

    [[nodiscard]] Place inner(std::string_view step) const {
      return {fmt::format("{}/{}", path, step), fmt::format("{}-{}", rule, step), nesting + 1};
    }
  };

  template <typename... Args>
  [[nodiscard]] static std::unexpected<Error> fail(ErrorCode code, const Place& place,
                                                   fmt::format_string<Args...> format,
                                                   Args&&... args) {
    return make_error(code, "JSON schema at {}: {}", place.path,
                      fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename T>
  [[nodiscard]] static Result<T> at_place(Result<T> result, const Place& place) {
    if (result) return result;
    return std::unexpected(result.error().with_context("JSON schema at " + place.path));
  }

  std::string named(const Place& place, std::string_view body) {
    return rules_.named(place.rule, body);
  }
  std::string shared(std::string_view name) { return rules_.shared(name); }

  Result<std::string> reference_rule(const std::string& reference) {
    const auto [entry, is_new] = references_.try_emplace(reference);
    if (is_new) {
      const std::size_t last = reference.rfind('/');
      entry->second =
          rules_.new_name(last == std::string::npos ? "schema" : reference.substr(last + 1));
      pending_.emplace_back(reference, entry->second);
    }
    return entry->second;
  }

  // The schema with allOf, and references beside other keywords, merged in.
  Result<Json> flattened(Json schema, const Place& place) {
    for (int parts = 0; schema.is_object(); ++parts) {
      if (parts > kMaxInlinedParts) {
        return fail(ErrorCode::kUnsupported, place,
                    "more than {} parts to merge, or a reference to "
                    "itself",
                    kMaxInlinedParts);
      }
      Json part;
      if (const auto all = schema.find("allOf"); all != schema.end()) {
        if (!all->is_array() || all->empty()) {
          return fail(ErrorCode::kInvalidArgument, place, "'allOf' is no list of schemas");
        }
        part = all->front();
        all->erase(all->begin());
        if (all->empty()) schema.erase("allOf");
      } else if (schema.contains("$ref") && has_more_than_reference(schema)) {
        const std::string reference = PJ_TRY(reference_of(schema, place));
        part = *PJ_TRY(at_place(resolve_reference(root_, reference), place));
        schema.erase("$ref");
      } else {
        return schema;
      }
      // A part's own allOf comes before the rest, so that each merge sees one list.
      if (part.is_object() && part.contains("allOf") && schema.contains("allOf")) {
        for (const Json& inner : part["allOf"]) schema["allOf"].push_back(inner);
        part.erase("allOf");
      }
      if (++visits_ > kMaxVisits) return too_large(place);
      schema = PJ_TRY(at_place(merge_schemas(schema, part), place));
    }
    return schema;
  }

  static bool has_more_than_reference(const Json& schema) {
    for (const auto& [keyword, value] : schema.items()) {
      if (keyword != "$ref" && !is_annotation(keyword)) return true;
    }
    return false;
  }

  static Result<std::string> reference_of(const Json& schema, const Place& place) {
    const Json& reference = schema["$ref"];
    if (!reference.is_string()) {
      return fail(ErrorCode::kInvalidArgument, place, "'$ref' is no string");
    }
    return reference.get<std::string>();
  }

  static std::unexpected<Error> too_large(const Place& place) {
    return fail(ErrorCode::kUnsupported, place,
                "the schema is too large once its parts are merged");
  }

  static Status check_keywords(const Json& schema, const Place& place) {
    for (const auto& [keyword, value] : schema.items()) {
      const std::string& name = keyword;
      const bool is_known =
          is_annotation(name) ||
          std::any_of(std::begin(kTypeKeywords), std::end(kTypeKeywords),
                      [&](const TypeKeyword& known) { return known.keyword == name; }) ||
          std::find(std::begin(kOtherKeywords), std::end(kOtherKeywords), name) !=
              std::end(kOtherKeywords);
      if (!is_known) {
        return fail(ErrorCode::kUnsupported, place, "the keyword '{}' is not supported", name);
      }
    }
    return {};
  }

  // A GBNF expression that can stand in a sequence.
  Result<std::string> expression_of(const Json& original, const Place& place) {
    if (++visits_ > kMaxVisits || rules_.text().size() > kMaxGrammarBytes) return too_large(place);
    if (place.nesting > kMaxSchemaNesting) {
      return fail(ErrorCode::kInvalidArgument, place, "nested deeper than {} levels",
                  kMaxSchemaNesting);
    }
    if (original == true) return shared("value");
    if (!original.is_object()) {
      return fail(ErrorCode::kInvalidArgument, place,
                  "found {}, expected a schema that some value "
                  "satisfies",
                  original.is_boolean() ? "false" : original.type_name());
    }
    const Json schema = PJ_TRY(flattened(original, place));
    if (schema == true) return shared("value");
    PJ_TRY(check_keywords(schema, place));
    if (schema.contains("$ref")) return reference_rule(PJ_TRY(reference_of(schema, place)));
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (schema.contains(keyword)) return alternatives(schema, keyword, place);
    }
    if (schema.contains("enum") || schema.contains("const")) return literals(schema, place);
    std::vector<std::string> parts;
    for (const std::string& type : PJ_TRY(types_of(schema, place))) {
      parts.push_back(PJ_TRY(typed(schema, type, place)));
    }
    return parts.size() == 1 ? parts[0] : in_group(fmt::format("{}", fmt::join(parts, " | ")));
  }

  Result<std::string> alternatives(const Json& schema, const char* keyword, const Place& place) {
    const Json& list = schema[keyword];
    if (!list.is_array() || list.empty()) {
      return fail(ErrorCode::kInvalidArgument, place, "'{}' is no list of schemas", keyword);
    }
    Json base = schema;
    base.erase(keyword);
    bool has_base = false;
    for (const auto& [name, value] : base.items()) has_base = has_base || !is_annotation(name);
    std::vector<std::string> parts;
    for (std::size_t index = 0; index < list.size(); ++index) {
      const Place inner = place.inner(fmt::format("{}/{}", keyword, index));
      const Json& part = list[index];
      if (part == false) continue;
      parts.push_back(PJ_TRY(expression_of(
          has_base ? PJ_TRY(at_place(merge_schemas(base, part), inner)) : part, inner)));
    }
    if (parts.empty()) return fail(ErrorCode::kInvalidArgument, place, "no value is valid");
    return in_group(fmt::format("{}", fmt::join(parts, " | ")));
  }

  Result<std::vector<std::string>> types_of(const Json& schema, const Place& place) {
    std::vector<std::string> types;
    const auto add = [&](std::string_view type) {
      if (std::find(types.begin(), types.end(), type) == types.end()) types.emplace_back(type);
    };
    if (const auto given = schema.find("type"); given != schema.end()) {
      const Json list = given->is_array() ? *given : Json::array({*given});
      for (const Json& type : list) {
        const std::string name = type.is_string() ? type.get<std::string>() : type.dump();
        if (std::find(std::begin(kTypes), std::end(kTypes), name) == std::end(kTypes)) {
          return fail(ErrorCode::kInvalidArgument, place, "'{}' is no type of JSON", name);
        }
        add(name);
      }
      if (types.empty()) return fail(ErrorCode::kInvalidArgument, place, "'type' is an empty list");
    } else {
      for (const TypeKeyword& known : kTypeKeywords) {
        if (schema.contains(std::string(known.keyword))) add(known.type);
      }
      if (types.empty()) types.assign(std::begin(kTypes), std::end(kTypes));
    }
    if (schema.value("nullable", Json(false)) == true) add("null");
    // An integer is a number.
    if (std::find(types.begin(), types.end(), "number") != types.end()) {
      std::erase(types, "integer");
    }
    return types;
  }

  Result<std::string> literals(const Json& schema, const Place& place) {
    for (const auto& [keyword, value] : schema.items()) {
      const bool may_stay = keyword == "enum" || keyword == "const" || keyword == "type" ||
                            keyword == "nullable" || is_annotation(keyword);
      if (!may_stay) {
        return fail(ErrorCode::kUnsupported, place,
                    "'{}' beside 'enum' or 'const' is not supported", keyword);
      }
    }
    Json values = schema.contains("enum") ? schema["enum"] : Json::array({schema["const"]});
    if (!values.is_array()) return fail(ErrorCode::kInvalidArgument, place, "'enum' is no list");
    const auto types =
        schema.contains("type") ? PJ_TRY(types_of(schema, place)) : std::vector<std::string>();
    std::vector<std::string> parts;
    for (const Json& value : values) {
      const bool is_right_type =
          types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) {
            return is_of_type(value, type);
          });
      const bool is_const = !schema.contains("const") || value == schema["const"];
      if (is_right_type && is_const) {
        parts.push_back(gbnf_literal(value.dump(-1, ' ', false, Json::error_handler_t::replace)));
      }
    }
    if (parts.empty()) {
      return fail(ErrorCode::kInvalidArgument, place,
                  "no listed value has the type that is asked for");
    }
    return in_group(fmt::format("{}", fmt::join(parts, " | ")));
  }

  Result<std::string> typed(const Json& schema, std::string_view type, const Place& place) {
    if (type == "object") return object(schema, place);
    if (type == "array") return array(schema, place);
    if (type == "string") return at_place(string(schema, place), place);
    if (type == "number" || type == "integer") {
      return at_place(number(schema, type, place), place);
    }
    return shared(type);
  }

  Result<std::optional<std::int64_t>> count_of(const Json& schema, const char* keyword,
                                               const Place& place) {
    const auto count = PJ_TRY(at_place(get_int(schema, keyword), place));
    if (count && (*count < 0 || *count > kMaxCount)) {
      return fail(ErrorCode::kUnsupported, place, "'{}' is {}, expected 0 to {}", keyword, *count,
                  kMaxCount);
    }
    return count;
  }

  struct Counts {
    std::int64_t least = 0;
    std::optional<std::int64_t> most{};
  };
  Result<Counts> counts_of(const Json& schema, const char* least, const char* most,
                           const Place& place) {
    const Counts counts{PJ_TRY(count_of(schema, least, place)).value_or(0),
                        PJ_TRY(count_of(schema, most, place))};
    if (counts.most && *counts.most < counts.least) {
      return fail(ErrorCode::kInvalidArgument, place, "'{}' is over '{}'", least, most);
    }
    return counts;
  }

  Result<std::string> string(const Json& schema, const Place& place) {
    const auto pattern = PJ_TRY(get_string(schema, "pattern"));
    const auto format = PJ_TRY(get_string(schema, "format"));
    const Counts counts = PJ_TRY(counts_of(schema, "minLength", "maxLength", place));
    const bool is_counted = counts.least > 0 || counts.most;
    const bool is_known_format = format && (*format == "date" || *format == "time" ||
                                            *format == "date-time" || *format == "uuid");
    if ((pattern ? 1 : 0) + (is_counted ? 1 : 0) + (is_known_format ? 1 : 0) > 1) {
      return make_error(ErrorCode::kUnsupported,
                        "more than one of 'pattern', 'format' and a length is not supported");
    }
    if (pattern) {
      shared("char");
      return named(place, fmt::format(R"("\"" {} "\"")", PJ_TRY(pattern_to_gbnf(*pattern))));
    }
    if (is_known_format) return shared(*format);
    if (!is_counted) return shared("string");
    return fmt::format(R"( "\"" {}{} "\"" )", shared("char"),
                       repetition(counts.least, counts.most));
  }

  Result<std::string> number(const Json& schema, std::string_view type, const Place& place) {
    NumberRange range{.least = PJ_TRY(get_number(schema, "minimum")),
                      .most = PJ_TRY(get_number(schema, "maximum"))};
    for (const char* keyword : {"exclusiveMinimum", "exclusiveMaximum"}) {
      const Json* bound = find_member(schema, keyword);
      if (bound == nullptr || *bound == false) continue;
      const bool is_lower = keyword == std::string_view("exclusiveMinimum");
      auto& limit = is_lower ? range.least : range.most;
      auto& excludes = is_lower ? range.excludes_least : range.excludes_most;
      if (*bound == true) {  // as draft 4 writes it, beside 'minimum'
        excludes = true;
        continue;
      }
      const double value = *PJ_TRY(get_number(schema, keyword));
      if (limit && (is_lower ? *limit > value : *limit < value)) continue;
      limit = value;
      excludes = true;
    }
    if (!range.least && !range.most) return shared(type);
    if (type == "number") return named(place, PJ_TRY(numbers_in(range)));
    return named(place, PJ_TRY(integers_in(PJ_TRY(integer_bounds(range)))));
  }

  Result<std::string> array(const Json& schema, const Place& place) {
    const Counts counts = PJ_TRY(counts_of(schema, "minItems", "maxItems", place));
    const Json* prefix = find_member(schema, "prefixItems");
    const Json* items = find_member(schema, "items");
    if (prefix == nullptr && items != nullptr && items->is_array()) {  // as draft 7 writes it
      prefix = items;
      items = find_member(schema, "additionalItems");
    }
    if (prefix != nullptr && !prefix->is_array()) {
      return fail(ErrorCode::kInvalidArgument, place, "'prefixItems' is no list of schemas");
    }
    const std::string comma = fmt::format("{0} \",\" {0}", shared("ws"));
    std::vector<std::string> fixed;
    for (std::size_t index = 0; prefix != nullptr && index < prefix->size(); ++index) {
      if (counts.most && static_cast<std::int64_t>(index) >= *counts.most) break;
      const Place inner = place.inner(fmt::format("prefixItems/{}", index));
      fixed.push_back(PJ_TRY(expression_of((*prefix)[index], inner)));
    }
    const auto fixed_count = static_cast<std::int64_t>(fixed.size());
    Counts rest{std::max<std::int64_t>(counts.least - fixed_count, 0), counts.most};
    if (rest.most) *rest.most -= fixed_count;
    // Behind a prefix only items that the schema describes or demands.
    const bool is_closed = (items != nullptr && *items == false) ||
                           (items == nullptr && prefix != nullptr && rest.least == 0);
    if (is_closed) rest.most = 0;
    if (rest.most && *rest.most < rest.least) {
      return fail(ErrorCode::kInvalidArgument, place,
                  "'minItems' asks for more items than there are");
    }
    std::string item;
    if (!rest.most || *rest.most > 0) {
      const Json any = true;
      item = PJ_TRY(expression_of(items == nullptr ? any : *items, place.inner("items")));
    }
    return list_of(fixed, item, {counts.least, rest.most}, rest.least, comma, place);
  }

  // `fixed` items, then `rest_least` to counts.most of `item`. Of the fixed ones those behind
  // counts.least may be missing at the end.
  std::string list_of(const std::vector<std::string>& fixed, const std::string& item,
                      const Counts& counts, std::int64_t rest_least, const std::string& comma,
                      const Place& place) {
    std::string body;  // built from the end
    if (!item.empty()) {
      if (fixed.empty()) {
        const auto more = counts.most ? std::optional(*counts.most - 1) : std::nullopt;
        body = fmt::format("{} ( {} {} ){}", item, comma, item,
                           repetition(std::max<std::int64_t>(rest_least - 1, 0), more));
        if (rest_least == 0) body = fmt::format("( {} )?", body);
      } else {
        body = fmt::format("( {} {} ){}", comma, item, repetition(rest_least, counts.most));
      }
    }
    for (std::size_t index = fixed.size(); index-- > 0;) {
      body = fmt::format("{}{} {}", index == 0 ? "" : comma + " ", fixed[index], body);
      // Rules of their own, so that many optional items do not nest in the text.
      if (static_cast<std::int64_t>(index) >= counts.least) body = named(place, body) + "?";
    }
    return named(place, fmt::format(R"("[" {0} {1} {0} "]")", shared("ws"), body));
  }

  struct Property {
    std::string member;  // expression of key, colon and value
    bool is_required = false;
  };

  std::string member(const std::string& key, const std::string& value) {
    return fmt::format("{} {} \":\" {} {}", key, shared("ws"), shared("ws"), value);
  }

  Result<std::string> object(const Json& schema, const Place& place) {
    const Json none = Json::object();
    const Json* given = find_member(schema, "properties");
    const Json& properties = given == nullptr ? none : *given;
    if (!properties.is_object()) {
      return fail(ErrorCode::kInvalidArgument, place, "'properties' is no object");
    }
    const std::vector<std::string> required = PJ_TRY(required_of(schema, place));
    const std::unordered_set<std::string> is_required(required.begin(), required.end());
    const Json* additional = find_member(schema, "additionalProperties");
    const bool is_map = properties.empty() && additional == nullptr;
    const bool is_open = is_map || (additional != nullptr && *additional != false);
    const Json any = true;
    std::string rest;
    if (is_open || required.size() > properties.size()) {
      rest = PJ_TRY(expression_of(additional == nullptr || *additional == false ? any : *additional,
                                  place.inner("additionalProperties")));
    }
    std::vector<Property> list;
    for (const auto& [name, value] : properties.items()) {
      if (value == false && !is_required.contains(name)) continue;
      const std::string expression =
          PJ_TRY(expression_of(value, place.inner("properties/" + name)));
      list.push_back(
          {member(gbnf_literal(Json(name).dump()), expression), is_required.contains(name)});
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : properties.items()) names.push_back(name);
    for (const std::string& name : required) {
      if (properties.contains(name)) continue;
      if (additional != nullptr && *additional == false) {
        return fail(ErrorCode::kInvalidArgument, place,
                    "'{}' is required, but neither in 'properties' nor allowed beside them", name);
      }
      names.push_back(name);
      list.push_back({member(gbnf_literal(Json(name).dump()), rest), true});
    }
    PJ_TRY(check_property_counts(schema, list, is_open, place));
    const std::string further =
        is_open ? member(other_key(names, place.inner("other")), rest) : std::string();
    return object_of(list, further, place);
  }

  static Result<std::vector<std::string>> required_of(const Json& schema, const Place& place) {
    std::vector<std::string> names;
    const Json* required = find_member(schema, "required");
    if (required == nullptr) return names;
    for (const Json& name : *required) {
      if (!required->is_array() || !name.is_string()) {
        return fail(ErrorCode::kInvalidArgument, place, "'required' is no list of names");
      }
      names.push_back(name.get<std::string>());
    }
    return names;
  }

  Status check_property_counts(const Json& schema, const std::vector<Property>& list, bool is_open,
                               const Place& place) {
    const auto least = PJ_TRY(count_of(schema, "minProperties", place)).value_or(0);
    const auto most = PJ_TRY(count_of(schema, "maxProperties", place));
    const auto always = std::count_if(
        list.begin(), list.end(), [](const Property& property) { return property.is_required; });
    if (least > always || (most && (is_open || *most < static_cast<std::int64_t>(list.size())))) {
      return fail(ErrorCode::kUnsupported, place,
                  "'minProperties' and 'maxProperties' are supported only where the required and "
                  "listed properties satisfy them anyway");
    }
    return {};
  }

  // The properties in their order. `behind` is what follows when something was written before, and
  // `first` when nothing was; each is one rule per property, made from the last to the first.
  std::string object_of(const std::vector<Property>& list, const std::string& further,
                        const Place& place) {
    const std::string comma = fmt::format("{0} \",\" {0}", shared("ws"));
    std::string behind;
    std::string first;
    if (!further.empty()) {
      behind = fmt::format("( {} {} )*", comma, further);
      first = fmt::format("( {} {} )?", further, behind);
    }
    for (std::size_t index = list.size(); index-- > 0;) {
      const Property& property = list[index];
      const std::string with = named(place, fmt::format("{} {}", property.member, behind));
      first = property.is_required ? with
              : first.empty()      ? with + "?"
                                   : named(place, with + " | " + first);
      behind = property.is_required ? fmt::format("{} {}", comma, with)
                                    : fmt::format("( {} {} )? {}", comma, property.member, behind);
      behind = named(place, behind);
    }
    return named(place, fmt::format(R"("{{" {0} {1} {0} "}}")", shared("ws"), first));
  }

  // A key that is none of `names`.
  std::string other_key(const std::vector<std::string>& names, const Place& place) {
    if (names.empty()) return shared("string");
    const std::string text =
        other_texts(names, [&](std::string_view body) { return named(place, body); });
    return fmt::format(R"("\"" {} "\"")", text);
  }

  const Json& root_;
  GbnfText rules_;
  std::map<std::string, std::string> references_;  // to rule names
  std::deque<std::pair<std::string, std::string>> pending_;
  std::size_t visits_ = 0;
};

}  // namespace

Result<std::string> json_schema_to_gbnf(const Json& schema) {
  return SchemaConverter(schema).convert();
}

std::string json_object_gbnf() {
  std::string text = "root ::= object\n";
  constexpr std::string_view kValues[] = {"ws",   "value", "object", "member",  "array",   "string",
                                          "char", "hex",   "number", "integer", "boolean", "null"};
  for (const SharedRule& rule : shared_json_rules()) {
    if (std::find(std::begin(kValues), std::end(kValues), rule.name) == std::end(kValues)) continue;
    text += fmt::format("{} ::= {}\n", rule.name, rule.body);
  }
  return text;
}

}  // namespace pajamas
