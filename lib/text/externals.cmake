# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)
pkg_check_modules(oniguruma REQUIRED IMPORTED_TARGET oniguruma)  # pre-tokenizer patterns
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)  # Unicode categories, NFC
set(PJ_EXTERNALS PkgConfig::oniguruma PkgConfig::utf8proc)
