// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/functions.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace pajamas::jinja {
namespace {

struct FunctionObject : Object {
  using Call = Result<Value> (*)(Runtime& runtime, const Arguments& arguments);
  FunctionObject(std::string_view function_name, Call function)
      : name(function_name), call(function) {}
  std::string_view name;
  Call call;
};

Result<Value> range_function(Runtime&, const Arguments& arguments) {
  if (arguments.positional.empty() || arguments.positional.size() > 3 || !arguments.named.empty()) {
    return value_error("range() takes 1 to 3 integers");
  }
  std::array<std::int64_t, 3> numbers = {0, 0, 1};
  for (std::size_t at = 0; at < arguments.positional.size(); ++at) {
    const Value& value = arguments.positional[at];
    if (value.is_undefined()) return undefined_error(value);
    if (!value.is_integral()) {
      return value_error("range() takes integers, found a {}", kind_name(value.kind()));
    }
    numbers[at] = value.integer();
  }
  if (arguments.positional.size() == 1) return make_range(0, numbers[0], 1);
  return make_range(numbers[0], numbers[1], numbers[2]);
}

// The members that dict() and namespace() are given: of a dict or pairs, then the named ones.
Result<Entries> members_of(Runtime& runtime, std::string_view function,
                           const Arguments& arguments) {
  Entries entries;
  if (arguments.positional.size() > 1) {
    return value_error("{}() takes at most one value by position", function);
  }
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is(Kind::kDict)) {
      entries = source.entries();
      PJ_TRY(runtime.budget.spend_steps(entries.size()));
    } else {
      for (const Value& pair : PJ_TRY(elements_of(runtime.budget, source))) {
        const Values parts = PJ_TRY(elements_of(runtime.budget, pair));
        if (parts.size() != 2) return value_error("{}() takes a dict or pairs", function);
        PJ_TRY(set_entry(runtime.budget, entries, parts[0], parts[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    PJ_TRY(set_entry(runtime.budget, entries, PJ_TRY(make_string(runtime.budget, name)), value));
  }
  return entries;
}

Result<Value> dict_function(Runtime& runtime, const Arguments& arguments) {
  return make_dict(runtime.budget, PJ_TRY(members_of(runtime, "dict", arguments)));
}

Result<Value> namespace_function(Runtime& runtime, const Arguments& arguments) {
  const Entries entries = PJ_TRY(members_of(runtime, "namespace", arguments));
  PJ_TRY(runtime.budget.spend_bytes(sizeof(NamespaceObject) + entries.size() * sizeof(Value) * 2));
  NamespaceObject& made = runtime.namespaces.emplace_back();
  for (const auto& [key, value] : entries) {
    if (!key.is_string())
      return value_error("namespace() takes names, found a {}", kind_name(key.kind()));
    if (key.text().starts_with('_')) {
      return value_error("a namespace cannot have an attribute that starts with '_'");
    }
    made.attributes.emplace_back(key.text(), value);
  }
  return Value::reference(Kind::kNamespace, &made);
}

Result<Value> raise_function(Runtime& runtime, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("raise_exception", arguments, {"message"}, 1));
  std::string message = PJ_TRY(to_text(runtime.budget, *bound[0]));
  constexpr std::size_t kMaxMessageBytes = 2000;
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  return make_error(ErrorCode::kInvalidArgument, "the template refuses the input: {}", message);
}

Result<Value> strftime_function(Runtime& runtime, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("strftime_now", arguments, {"format"}, 1));
  const std::string format(PJ_TRY(bound.text(0, "")));
  const std::time_t now =
      runtime.now_s ? static_cast<std::time_t>(*runtime.now_s) : std::time(nullptr);
  std::tm parts{};
  if (::localtime_r(&now, &parts) == nullptr)
    return value_error("strftime_now: the time is invalid");
  if (format.empty()) return make_string(runtime.budget, "");
  std::array<char, 4096> buffer{};
  const std::size_t bytes = std::strftime(buffer.data(), buffer.size(), format.c_str(), &parts);
  if (bytes == 0) {
    return value_error("strftime_now: the format gives nothing, or more than {} bytes",
                       buffer.size());
  }
  return make_string(runtime.budget, std::string(buffer.data(), bytes));
}

Result<Value> cycler_function(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.empty()) return value_error("cycler() takes at least one value");
  PJ_TRY(runtime.budget.spend_bytes(sizeof(CyclerObject)));
  auto cycler = std::make_shared<CyclerObject>();
  for (const Value& item : arguments.positional) {
    cycler->depth = std::max(cycler->depth, 1 + item.depth());
  }
  if (cycler->depth > kMaxValueDepth) return value_error("cycler(): the values nest too deep");
  cycler->items = arguments.positional;
  return Value::object(Kind::kCycler, std::move(cycler));
}

Result<Value> joiner_function(Runtime& runtime, const Arguments& arguments) {
  const Bound bound = PJ_TRY(bind("joiner", arguments, {"sep"}));
  PJ_TRY(runtime.budget.spend_bytes(sizeof(JoinerObject)));
  auto joiner = std::make_shared<JoinerObject>();
  joiner->separator = PJ_TRY(bound.text(0, ", "));
  return Value::object(Kind::kJoiner, std::move(joiner));
}

// The objects hold nothing that changes, so all renderings may point at them.
std::array<FunctionObject, 7>& functions() {
  static std::array<FunctionObject, 7> all = {
      FunctionObject{"range", range_function},
      FunctionObject{"dict", dict_function},
      FunctionObject{"namespace", namespace_function},
      FunctionObject{"raise_exception", raise_function},
      FunctionObject{"strftime_now", strftime_function},
      FunctionObject{"cycler", cycler_function},
      FunctionObject{"joiner", joiner_function},
  };
  return all;
}

const FilterEntry* find_filter(std::string_view name) {
  for (const auto& table : {text_filters(), sequence_filters(), number_filters()}) {
    const auto found = std::ranges::find(table, name, &FilterEntry::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

std::optional<Value> global_function(std::string_view name) {
  for (FunctionObject& function : functions()) {
    if (function.name == name) return Value::reference(Kind::kFunction, &function);
  }
  return std::nullopt;
}

Result<Value> call_function(Runtime& runtime, const Value& function, const Arguments& arguments) {
  return function.as<FunctionObject>().call(runtime, arguments);
}

bool is_dict_function(const Value& function) {
  return function.as<FunctionObject>().call == dict_function;
}

bool has_filter(std::string_view name) { return find_filter(name) != nullptr; }

Result<Value> call_filter(Runtime& runtime, std::string_view name, const Value& value,
                          const Arguments& arguments) {
  PJ_TRY(runtime.budget.spend_steps());
  const FilterEntry* filter = find_filter(name);
  if (filter == nullptr) {
    return make_error(ErrorCode::kUnsupported, "there is no filter named '{}'", name);
  }
  return filter->apply(runtime, value, arguments);
}

Result<std::int64_t> Bound::integer(std::size_t parameter, std::int64_t otherwise) const {
  const Value* value = values_[parameter];
  if (value == nullptr) return otherwise;
  if (value->is_integral()) return value->integer();
  if (value->is_undefined()) return undefined_error(*value);
  return value_error("{}: {} is a {}, expected an integer", function_, parameters_[parameter],
                     kind_name(value->kind()));
}

Result<std::string_view> Bound::text(std::size_t parameter, std::string_view otherwise) const {
  const Value* value = values_[parameter];
  if (value == nullptr) return otherwise;
  if (value->is_string()) return value->text();
  if (value->is_undefined()) return undefined_error(*value);
  return value_error("{}: {} is a {}, expected a string", function_, parameters_[parameter],
                     kind_name(value->kind()));
}

bool Bound::flag(std::size_t parameter, bool otherwise) const {
  return values_[parameter] == nullptr ? otherwise : is_true(*values_[parameter]);
}

Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, std::size_t required) {
  Bound bound;
  bound.function_ = function;
  bound.parameters_ = parameters;
  bound.values_.resize(parameters.size(), nullptr);
  if (arguments.positional.size() > parameters.size()) {
    return value_error("{}: {} arguments, expected at most {}", function,
                       arguments.positional.size(), parameters.size());
  }
  for (std::size_t at = 0; at < arguments.positional.size(); ++at) {
    bound.values_[at] = &arguments.positional[at];
  }
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::ranges::find(bound.parameters_, name);
    if (found == bound.parameters_.end()) {
      return value_error("{}: there is no argument '{}'", function, name);
    }
    const Value*& place =
        bound.values_[static_cast<std::size_t>(found - bound.parameters_.begin())];
    if (place != nullptr) return value_error("{}: '{}' is given twice", function, name);
    place = &value;
  }
  for (std::size_t at = 0; at < required; ++at) {
    if (bound.values_[at] == nullptr) {
      return value_error("{}: the argument '{}' is missing", function, bound.parameters_[at]);
    }
  }
  return bound;
}

}  // namespace pajamas::jinja
