# SPDX-License-Identifier: Apache-2.0
set(PJ_EXTERNALS "")
# g++ 12 sees an uninitialized function inside std::regex when sanitizers are on; there is none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/lib/quantize/recipe.cc
    PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
endif()
