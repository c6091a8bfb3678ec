// SPDX-License-Identifier: Apache-2.0
// One row of a data set: named fields, and where it stands for messages.
//
// A field's name may lead into an object: "choices.text". The getters take what the formats make
// of one value: an integer may be a number, a string of digits (HellaSwag's labels, any cell of
// CSV) or a truth value. A field that is absent, null or of another type is an error that names
// file, place, field, what was found and what was expected.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

class Record {
 public:
  // fields: an object. place: "line 7" or "row 7" of the file.
  Record(Json fields, std::shared_ptr<const std::string> file, std::string_view unit,
         std::int64_t number)
      : fields_(std::move(fields)), file_(std::move(file)), unit_(unit), number_(number) {}

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] Result<std::string> text(std::string_view name) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view name) const;
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view name) const;

  [[nodiscard]] const Json& fields() const { return fields_; }
  // "'file', line 7"
  [[nodiscard]] std::string where() const;
  [[nodiscard]] std::unexpected<Error> error(std::string_view message) const;

 private:
  [[nodiscard]] const Json* find(std::string_view name) const;
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view name, const Json* found,
                                             std::string_view expected) const;

  Json fields_;
  std::shared_ptr<const std::string> file_;
  std::string_view unit_;  // of static storage
  std::int64_t number_;
};

}  // namespace pajamas
