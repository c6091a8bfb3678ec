// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/methods.h"

#include "text/jinja/operators.h"

namespace pajamas::jinja {
namespace {

Result<Value> call_dict_method(Runtime& runtime, const Value& self, std::string_view name,
                               const Arguments& arguments) {
  Budget& budget = runtime.budget;
  if (name == "get") {
    const Bound bound = PJ_TRY(bind("get", arguments, {"key", "default"}, 1));
    const Value* found = PJ_TRY(find_entry(budget, self, *bound[0]));
    if (found != nullptr) return *found;
    return bound[1] == nullptr ? Value::none() : *bound[1];
  }
  if (name == "fromkeys") return value_error("fromkeys() is not supported");
  PJ_TRY(bind(name, arguments, {}));
  if (name == "copy") return self;
  PJ_TRY(budget.spend_steps(self.entries().size()));
  Values items;
  for (const auto& [key, value] : self.entries()) {
    if (name == "items") {
      items.push_back(PJ_TRY(make_tuple(budget, {key, value})));
    } else {
      items.push_back(name == "keys" ? key : value);
    }
  }
  if (name == "items") return make_view(budget, "dict_items", std::move(items));
  return make_view(budget, name == "keys" ? "dict_keys" : "dict_values", std::move(items));
}

Result<Value> call_sequence_method(Runtime& runtime, const Value& self, std::string_view name,
                                   const Arguments& arguments) {
  Budget& budget = runtime.budget;
  if (name == "copy") {
    PJ_TRY(bind("copy", arguments, {}));
    return self;
  }
  const Bound bound = PJ_TRY(bind(name, arguments, {"value"}, 1));
  std::int64_t count = 0, place = 0;
  for (const Value& item : PJ_TRY(elements_of(budget, self))) {
    if (PJ_TRY(equals(budget, item, *bound[0]))) {
      if (name == "index") return Value::integer(place);
      ++count;
    }
    ++place;
  }
  if (name == "index") return value_error("index(): the value is not in the sequence");
  return Value::integer(count);
}

Result<Value> call_cycler_method(Runtime& runtime, const Value& self, std::string_view name,
                                 const Arguments& arguments) {
  PJ_TRY(bind(name, arguments, {}));
  PJ_TRY(runtime.budget.spend_steps());
  auto& cycler = self.as<CyclerObject>();
  if (name == "reset") {
    cycler.position = 0;
    return Value::none();
  }
  Value current = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return current;
}

}  // namespace

Result<Value> call_method(Runtime& runtime, const Value& self, std::string_view name,
                          const Arguments& arguments) {
  PJ_TRY(runtime.budget.spend_steps());
  switch (self.kind()) {
    case Kind::kString:
      return call_string_method(runtime, self, name, arguments);
    case Kind::kDict:
      return call_dict_method(runtime, self, name, arguments);
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
      return call_sequence_method(runtime, self, name, arguments);
    case Kind::kCycler:
      return call_cycler_method(runtime, self, name, arguments);
    default:
      return make_error(ErrorCode::kUnsupported, "{}() of a {} is not supported", name,
                        kind_name(self.kind()));
  }
}

}  // namespace pajamas::jinja
