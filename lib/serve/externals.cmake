# SPDX-License-Identifier: Apache-2.0
# The chat page becomes string literals, so that the program is one file. Included with the layer's
# `sources` in scope.
set(PJ_EXTERNALS "")
foreach(asset index.html chat.css chat.js)
  set(asset_path ${PROJECT_SOURCE_DIR}/lib/serve/page/${asset})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${asset_path})
  string(MAKE_C_IDENTIFIER ${asset} identifier)
  file(READ ${asset_path} PAGE_${identifier})
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/lib/serve/page/page_files.cc.in
               ${CMAKE_BINARY_DIR}/generated/page_files.cc @ONLY)
list(APPEND sources ${CMAKE_BINARY_DIR}/generated/page_files.cc)
