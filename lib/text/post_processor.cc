// SPDX-License-Identifier: Apache-2.0
//
// RobertaProcessing and BertProcessing have [text, id] pairs, TemplateProcessing a list with the
// ids in a table of its own, a Sequence has several.
#include "text/post_processor.h"

#include <string>

namespace pajamas {
namespace {

void add_ids(const Json* ids, std::vector<std::int32_t>& out) {
  if (ids == nullptr || !ids->is_array()) return;
  for (const Json& id : *ids) {
    if (id.is_number_integer() && id.get<std::int64_t>() >= 0 &&
        id.get<std::int64_t>() <= INT32_MAX) {
      out.push_back(id.get<std::int32_t>());
    }
  }
}

}  // namespace

TextSurroundings read_post_processor(const Json& processor) {
  TextSurroundings result;
  if (const Json* list = find_member(processor, "processors"); list && list->is_array()) {
    for (const Json& entry : *list) {
      TextSurroundings inner = read_post_processor(entry);
      if (!inner.before.empty() || !inner.after.empty()) return inner;
    }
    return result;
  }
  add_ids(find_member(processor, "cls"), result.before);
  add_ids(find_member(processor, "sep"), result.after);
  const Json* single = find_member(processor, "single");
  const Json* table = find_member(processor, "special_tokens");
  if (single == nullptr || !single->is_array() || table == nullptr) return result;
  bool seen_text = false;
  for (const Json& item : *single) {
    const Json* special = find_member(item, "SpecialToken");
    seen_text = seen_text || find_member(item, "Sequence") != nullptr;
    const Json* id = special == nullptr ? nullptr : find_member(*special, "id");
    if (id == nullptr || !id->is_string()) continue;
    const Json* entry = find_member(*table, id->get_ref<const std::string&>());
    if (entry != nullptr)
      add_ids(find_member(*entry, "ids"), seen_text ? result.after : result.before);
  }
  return result;
}

}  // namespace pajamas
