// SPDX-License-Identifier: Apache-2.0
// report.html: a validation for people, as one file that needs nothing else.
//
// Everything is drawn here, as HTML and SVG: the page has no script, and its content policy allows
// none, nor any resource. It follows the reader's light or dark setting and the width of a phone.
// All text of the validation, which comes from model files and models, is escaped.
#pragma once

#include <string>

#include "evaluate/validation.h"

namespace pajamas {

std::string report_html(const Validation& validation);

}  // namespace pajamas
